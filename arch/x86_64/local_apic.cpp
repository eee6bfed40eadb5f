// SPDX-License-Identifier: MIT
// This CPU's local APIC, through MMIO (xAPIC) or MSRs (x2APIC). The mode is chosen once, on the boot CPU, and holds
// for every CPU. Intel SDM vol. 3, 11.
#include <cpuid.h>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/upcalls.h>
#include <base/log.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic_base.h"
#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/segments.h"

namespace arch {

namespace {

constexpr u32 MSR_APIC_BASE = 0x1b, MSR_X2APIC_FIRST = 0x800;

enum class ApicRegister : u32 {
    Id = 0x20, TaskPriority = 0x80, EndOfInterrupt = 0xb0, Spurious = 0xf0, ErrorStatus = 0x280, Command = 0x300, CommandTarget = 0x310,
    TimerEntry = 0x320, ThermalEntry = 0x330, Lint0 = 0x350, Lint1 = 0x360, ErrorEntry = 0x370,
    TimerInitial = 0x380, TimerCurrent = 0x390, TimerDivide = 0x3e0,
};

constexpr u32 masked_entry = 1 << 16, nmi_delivery = 4 << 8, external_delivery = 7 << 8, tsc_deadline_mode = 2 << 17, divide_by_1 = 0xb, software_enable = 1 << 8;

constinit u8* registers = nullptr;   ///< null: x2APIC. Set once at boot
constinit bool x2apic = false;

u32 read(ApicRegister r) {
    if (x2apic) return static_cast<u32>(read_msr(MSR_X2APIC_FIRST + static_cast<u32>(r) / 16));
    return mmio_read<u32>(registers + static_cast<u32>(r));
}
void write(ApicRegister r, u32 value) {
    if (x2apic) write_msr(MSR_X2APIC_FIRST + static_cast<u32>(r) / 16, value);
    else mmio_write<u32>(registers + static_cast<u32>(r), value);
}

/// True for processors whose firmware forbids leaving x2APIC (Intel SDM vol. 4, IA32_XAPIC_DISABLE_STATUS).
bool must_stay_x2apic() {
    constexpr u32 MSR_ARCH_CAPABILITIES = 0x10a, MSR_XAPIC_DISABLE_STATUS = 0xbd;
    constexpr u32 has_capabilities = 1 << 29, has_disable_status = 1 << 21, legacy_disabled = 1;
    u32 a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & has_capabilities)) return false;
    return (read_msr(MSR_ARCH_CAPABILITIES) & has_disable_status) && (read_msr(MSR_XAPIC_DISABLE_STATUS) & legacy_disabled);
}

void enter_mode() {
    ApicBaseSteps const steps = apic_base_steps(read_msr(MSR_APIC_BASE), x2apic);
    for (u32 i = 0; i < steps.count; ++i) write_msr(MSR_APIC_BASE, steps.values[i]);
}

/// Chooses the mode and enters it; the firmware may have left x2APIC on.
bool turn_on(PhysAddr base) {
    bool const stays = !cpu_features.x2apic && (read_msr(MSR_APIC_BASE) & apic_base_x2apic) && must_stay_x2apic();
    if (stays) log_warning("interrupts", "x2APIC stays on: the firmware has forbidden to leave it");
    x2apic = cpu_features.x2apic || stays;
    enter_mode();
    x2apic = read_msr(MSR_APIC_BASE) & apic_base_x2apic;
    if (!x2apic) registers = static_cast<u8*>(upcalls::map_mmio(base, page_size, CacheMode::Uncached));
    return x2apic || registers;
}

}

static void set_up();

bool local_apic_initialize(PhysAddr base) {
    if (!cpu_features.apic || !turn_on(base)) return false;
    set_up();
    return true;
}

void local_apic_initialize_here() {
    enter_mode();
    set_up();
}

void local_apic_let_pass() {
    if (!cpu_features.apic) return;
    u64 const state = read_msr(MSR_APIC_BASE);
    if (!(state & apic_base_enabled)) return;   // a disabled APIC passes everything
    if (!turn_on(PhysAddr(state & apic_base_address))) return;
    write(ApicRegister::Spurious, software_enable | vector_spurious);
    write(ApicRegister::TimerEntry, masked_entry | vector_timer);
    write(ApicRegister::Lint0, external_delivery);
    write(ApicRegister::Lint1, nmi_delivery);
    write(ApicRegister::TaskPriority, 0);
}

static u32 pin_entry(u8 pin, u32 usual) {
    constexpr u32 low_active = 1 << 13;
    auto const nmi = acpi::nmi_pin(local_apic_id(), pin);
    if (!nmi.known) return usual;
    return nmi.connected ? nmi_delivery | (nmi.low_active ? low_active : 0) : masked_entry;
}

static void set_up() {
    write(ApicRegister::Spurious, software_enable | vector_spurious);
    write(ApicRegister::TimerEntry, masked_entry | vector_timer);
    // Pin 0 is usually the 8259's line, but everything arrives through the I/O APIC; pin 1 receives NMIs unless the
    // MADT says otherwise.
    write(ApicRegister::Lint0, pin_entry(0, masked_entry));
    write(ApicRegister::Lint1, pin_entry(1, nmi_delivery));
    write(ApicRegister::ErrorEntry, masked_entry);
    write(ApicRegister::TimerDivide, divide_by_1);
    write(ApicRegister::EndOfInterrupt, 0);
    // Last, because this makes the APIC look for pending interrupts again. A tick that the firmware's 8259 raised
    // through LINT0 before it was masked would otherwise arrive without a vector (QEMU: #GP with error code -14 at
    // the first STI).
    write(ApicRegister::TaskPriority, 0);
}

/// Interrupt command (11.6.1): x2APIC takes it in one write; xAPIC must first have sent the previous one.
static void command(u32 apic_id, u32 what) {
    constexpr u32 assert_level = 1 << 14, send_pending = 1 << 12;
    if (x2apic) {
        // The write is not ordered after earlier stores: what the other CPU is to read must be in memory first
        // (11.12.3).
        asm volatile("mfence; lfence" : : : "memory");
        return write_msr(MSR_X2APIC_FIRST + static_cast<u32>(ApicRegister::Command) / 16, u64{apic_id} << 32 | assert_level | what);
    }
    while (read(ApicRegister::Command) & send_pending) relax();
    write(ApicRegister::CommandTarget, apic_id << 24);
    write(ApicRegister::Command, assert_level | what);
}

void local_apic_send(u32 apic_id, u8 vector) { command(apic_id, vector); }
void local_apic_send_nmi(u32 apic_id) { command(apic_id, 4 << 8); }
void local_apic_send_init(u32 apic_id) { command(apic_id, 5 << 8); }
void local_apic_send_start(u32 apic_id, u8 page) { command(apic_id, 6 << 8 | page); }

bool local_apic_is_x2apic() { return x2apic; }
u32 local_apic_id() { return x2apic ? read(ApicRegister::Id) : read(ApicRegister::Id) >> 24; }
void local_apic_end_of_interrupt() { write(ApicRegister::EndOfInterrupt, 0); }

void local_apic_set_timer_mode(LocalApicTimer mode, bool masked) {
    u32 const kind = mode == LocalApicTimer::TscDeadline ? tsc_deadline_mode : 0;
    write(ApicRegister::TimerEntry, kind | (masked ? masked_entry : 0) | vector_timer);
    asm volatile("mfence" : : : "memory");   // before the first write to IA32_TSC_DEADLINE (11.5.4.1)
}

void local_apic_start_timer(u32 count) { write(ApicRegister::TimerInitial, count); }
u32 local_apic_timer_count() { return read(ApicRegister::TimerCurrent); }

}
