// SPDX-License-Identifier: MIT
// HPET (IA-PC HPET specification 1.0a), ACPI PM timer (ACPI 6.4, 4.8.3.3) and the 8254. Any of them may be absent or
// dead: each is read a bounded number of times until it moves.
#include "arch/x86_64/counters.h"

#include <arch/io.h>
#include <arch/paging.h>
#include <arch/upcalls.h>

#include "arch/x86_64/acpi.h"

namespace arch {

namespace {

constexpr int patience = 10'000;   // reads; the slowest counter moves every few reads
constexpr u64 femtoseconds_per_second = 1'000'000'000'000'000;

bool counts(u64 (*read)()) {
    u64 const first = read();
    for (int i = 0; i < patience; ++i)
        if (read() != first) return true;
    return false;
}

// ---- HPET
constexpr u32 hpet_capabilities = 0, hpet_configuration = 0x10, hpet_main_counter = 0xf0;
constinit u8* hpet_registers = nullptr;

u64 read_hpet_64() { return mmio_read<u64>(hpet_registers + hpet_main_counter); }
u64 read_hpet_32() { return mmio_read<u32>(hpet_registers + hpet_main_counter); }

// ---- ACPI PM timer
u64 read_acpi_timer() { return acpi::read(acpi::fixed_hardware.timer, 4) & (acpi::fixed_hardware.timer_is_32_bit ? 0xffffffff : 0xffffff); }

// ---- 8254
constexpr u16 pit_channel_0 = 0x40, pit_channel_2 = 0x42, pit_command = 0x43, port_b = 0x61;
constexpr u8 channel_0_once = 0x30, channel_0_rate = 0x34, channel_2_once = 0xb0, latch_channel_2 = 0x80;

void write_count(u16 port, u16 count) {
    out8(port, static_cast<u8>(count));
    out8(port, static_cast<u8>(count >> 8));
}

u64 read_pit() {
    out8(pit_command, latch_channel_2);
    u8 const low = in8(pit_channel_2);
    return 0xffff - (u64{in8(pit_channel_2)} << 8 | low);
}

}

Counter hpet_counter() {
    constexpr u64 max_period = 100'000'000;   // 100 ns, the specification's limit
    if (acpi::hpet_address.is_null()) return {};
    if (!hpet_registers) hpet_registers = static_cast<u8*>(upcalls::map_mmio(acpi::hpet_address, 1024, CacheMode::Uncached));
    if (!hpet_registers) return {};
    u64 const capabilities = mmio_read<u64>(hpet_registers + hpet_capabilities);
    u64 const period = capabilities >> 32;
    if (period == 0 || period > max_period) return {};
    mmio_write<u64>(hpet_registers + hpet_configuration, mmio_read<u64>(hpet_registers + hpet_configuration) | 1);
    bool const wide = capabilities >> 13 & 1;
    auto const read = wide ? read_hpet_64 : read_hpet_32;
    if (!counts(read)) return {};
    return {"HPET", read, femtoseconds_per_second / period, wide ? ~u64{0} : 0xffffffff};
}

Counter acpi_timer_counter() {
    if (!acpi::fixed_hardware.timer || !counts(read_acpi_timer)) return {};
    return {"ACPI PM timer", read_acpi_timer, 3579545, acpi::fixed_hardware.timer_is_32_bit ? 0xffffffffu : 0xffffffu};
}

Counter pit_counter() {
    constexpr u8 gate = 1, speaker = 2;
    out8(port_b, static_cast<u8>((in8(port_b) & ~speaker) | gate));
    out8(pit_command, channel_2_once);
    write_count(pit_channel_2, 0xffff);
    if (!counts(read_pit)) return {};
    return {"PIT", read_pit, pit_hz, 0xffff};
}

void pit_start_once(u16 count) {
    out8(pit_command, channel_0_once);
    write_count(pit_channel_0, count);
}

void pit_start_periodic(u16 divisor) {
    out8(pit_command, channel_0_rate);
    write_count(pit_channel_0, divisor);
}

void pit_stop() { out8(pit_command, channel_0_once); }   // waits for a count that is never written

}
