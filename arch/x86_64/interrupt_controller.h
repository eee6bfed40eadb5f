// SPDX-License-Identifier: MIT
// The chips that deliver interrupts: 8259 pair, local APIC, I/O APICs. Private to arch.
#pragma once

#include <base/types.h>

struct TrapFrame;
namespace base { class Writer; }

namespace arch {

// ---- 8259 (pic.cpp)

inline constexpr u8 pic_line_count = 16;

/// Remaps the pair to [base, base + 16) with every line masked. False: there is none.
bool pic_initialize(u8 base);
void pic_set_masked(u8 line, bool masked);
void pic_end_of_interrupt(u8 line);
/// Lines 7 and 15 also report interrupts that went away; those get no end of interrupt.
bool pic_is_spurious(u8 line);

// ---- local APIC (local_apic.cpp)

enum class LocalApicTimer : u8 { OneShot, TscDeadline };

/// Turns this CPU's local APIC on, as x2APIC where it can. False: it cannot be used.
bool local_apic_initialize(PhysAddr base);
/// The 8259 is used: its interrupts and NMIs must pass this CPU's local APIC (Intel SDM vol. 3, 11.5.1; the Multiprocessor
/// Specification's virtual wire mode), which a loader may have left as a reset leaves it.
void local_apic_let_pass();
bool local_apic_is_x2apic();
u32 local_apic_id();
/// The same on a CPU that starts later.
void local_apic_initialize_here();
/// To the CPU with that APIC id. Interrupts off.
void local_apic_send(u32 apic_id, u8 vector);
void local_apic_send_nmi(u32 apic_id);
void local_apic_send_init(u32 apic_id);
void local_apic_send_start(u32 apic_id, u8 page);
void local_apic_end_of_interrupt();
void local_apic_set_timer_mode(LocalApicTimer mode, bool masked);
void local_apic_start_timer(u32 count);   ///< one-shot; 0 stops it
u32 local_apic_timer_count();

// ---- I/O APICs (io_apic.cpp)

bool io_apics_initialize();
/// Routes global interrupt `number` to `vector` on the CPU with that APIC id.
void io_apic_route(u32 number, u8 vector, u32 apic_id, bool low_active, bool level);
void io_apic_mask(u32 number);

// ---- interrupt_messages.cpp

/// Interrupts that are messages come in at 64 vectors from here.
inline constexpr u8 vector_first_message = 0x40;

/// On the boot CPU, once its local APIC is in use.
void initialize_messages();
/// Calls the handler of that vector; false: it has none. Interrupts off.
bool run_message(u8 vector);
/// Their lines of /proc/interrupts.
void write_messages(base::Writer& out);

// ---- interrupts.cpp

/// Chooses APICs if the machine has them, else the 8259.
void initialize_interrupts();
bool uses_apic();
/// The PIT's line when it is the alarm (no local APIC).
void unmask_pit_line();
u64 count_of_nmis(CpuId cpu);   ///< traps.cpp

}
