// SPDX-License-Identifier: MIT
// The I/O APICs of the MADT (Intel 82093AA data sheet). All entries are masked at start; a device's line is routed
// when its driver asks. The lock guards the index registers.
#include <arch/io.h>
#include <arch/paging.h>
#include <arch/spin_lock.h>
#include <arch/upcalls.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/interrupt_controller.h"

namespace arch {

namespace {

constexpr u32 register_version = 1, register_first_entry = 0x10;
constexpr u32 entry_masked = 1 << 16, entry_level = 1 << 15, entry_low_active = 1 << 13;

struct IoApic {
    u8* registers = nullptr;
    u32 first = 0, count = 0;   ///< global interrupts it serves
};

constinit SpinLock<LockRank::interrupt_controller, InterruptsOff> lock;
constinit IoApic chips[acpi::max_io_apics] = {};   // written once at boot
constinit u32 chip_count = 0;

u32 read(IoApic const& chip, u32 index) {
    mmio_write<u32>(chip.registers, index);
    return mmio_read<u32>(chip.registers + 0x10);
}
void write(IoApic const& chip, u32 index, u32 value) {
    mmio_write<u32>(chip.registers, index);
    mmio_write<u32>(chip.registers + 0x10, value);
}

void write_entry(IoApic const& chip, u32 pin, u32 low, u32 high) {
    write(chip, register_first_entry + 2 * pin, entry_masked);   // an entry is never active half-written
    write(chip, register_first_entry + 2 * pin + 1, high);
    write(chip, register_first_entry + 2 * pin, low);
}

IoApic* find(u32 number) {
    for (u32 i = 0; i < chip_count; ++i)
        if (number >= chips[i].first && number - chips[i].first < chips[i].count) return &chips[i];
    return nullptr;
}

}

bool io_apics_initialize() {
    for (u32 i = 0; i < acpi::interrupt_model.io_apic_count; ++i) {
        auto const& found = acpi::interrupt_model.io_apics[i];
        IoApic& chip = chips[chip_count];
        chip.registers = static_cast<u8*>(upcalls::map_mmio(found.address, page_size, CacheMode::Uncached));
        if (!chip.registers) continue;
        chip.first = found.first_interrupt;
        chip.count = (read(chip, register_version) >> 16 & 0xff) + 1;
        for (u32 pin = 0; pin < chip.count; ++pin) write_entry(chip, pin, entry_masked, 0);
        ++chip_count;
    }
    return chip_count != 0;
}

void io_apic_route(u32 number, u8 vector, u32 apic_id, bool low_active, bool level) {
    Locked guard(lock);
    IoApic* const chip = find(number);
    if (!chip) return;
    u32 const low = vector | (low_active ? entry_low_active : 0) | (level ? entry_level : 0);
    write_entry(*chip, number - chip->first, low, apic_id << 24);
}

void io_apic_mask(u32 number) {
    Locked guard(lock);
    if (IoApic* const chip = find(number)) write_entry(*chip, number - chip->first, entry_masked, 0);
}

}
