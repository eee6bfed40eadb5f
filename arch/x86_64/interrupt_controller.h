// SPDX-License-Identifier: MIT
// The chips that deliver interrupts: 8259 pair, local APIC, I/O APICs. Private to arch.
#pragma once

#include <base/types.h>

struct TrapFrame;
namespace base { class Writer; }

namespace arch {

// ---- 8259 (pic.cpp)

inline constexpr u8 pic_line_count = 16;

/// Remaps the pair to [base, base + 16) with every line masked. False: there is no such chip.
bool pic_initialize(u8 base);
void pic_set_masked(u8 line, bool masked);
void pic_end_of_interrupt(u8 line);
/// Lines 7 and 15 also report interrupts that have gone away; those get no end of interrupt.
bool pic_is_spurious(u8 line);

// ---- local APIC (local_apic.cpp)

enum class LocalApicTimer : u8 { OneShot, TscDeadline };

/// Enables this CPU's local APIC, as x2APIC if possible. False: it cannot be used.
bool local_apic_initialize(PhysAddr base);
/// For use with the 8259: makes this CPU's local APIC pass the 8259's interrupts and NMIs (Intel SDM vol. 3, 11.5.1;
/// the Multiprocessor Specification's virtual wire mode); a loader may have left the APIC in its reset state.
void local_apic_let_pass();
bool local_apic_is_x2apic();
u32 local_apic_id();
/// The same as local_apic_initialize() on a CPU that starts later.
void local_apic_initialize_here();
/// Sends an interrupt to the CPU with that APIC id. Interrupts off.
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

/// Message interrupts arrive at 64 vectors from this one.
inline constexpr u8 vector_first_message = 0x40;

/// Call on the boot CPU once its local APIC is in use.
void initialize_messages();
/// Calls the handler of that vector; false: it has none. Interrupts off.
bool run_message(u8 vector);
/// Writes their lines of /proc/interrupts.
void write_messages(base::Writer& out);

// ---- interrupts.cpp

/// Chooses the APICs if the machine has them, else the 8259.
void initialize_interrupts();
bool uses_apic();
/// Unmasks the PIT's line if the PIT is the alarm (no local APIC).
void unmask_pit_line();
u64 count_of_nmis(CpuId cpu);   ///< traps.cpp

}
