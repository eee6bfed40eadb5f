// SPDX-License-Identifier: MIT
// Finds the ACPI tables: the RSDP (from the loader, or in the BIOS area), then the XSDT or RSDT, and hands each table
// that the kernel uses to its decoder. ACPI specification 6.4, 5.2.5 to 5.2.8.
#include "arch/x86_64/acpi.h"

#include <algorithm>
#include <cstring>

#include <arch/io.h>
#include <arch/paging.h>
#include <arch/upcalls.h>
#include <base/log.h>
#include <boot/boot_info.h>

namespace arch::acpi {

constinit InterruptModel interrupt_model;
constinit FixedHardware fixed_hardware;
constinit PciConfiguration pci_configuration;
constinit PhysAddr hpet_address;
constinit Iommu iommus[max_iommus] = {};
constinit u32 iommu_count = 0;

namespace {

constexpr size_t header_size = 36;
constexpr u32 max_table_size = 4 * mib;
constexpr u32 max_tables = 256;

void const* map(PhysAddr address, u64 size) { return upcalls::map_mmio(address, size, CacheMode::WriteBack); }

bool sum_is_zero(std::span<u8 const> bytes) {
    u8 sum = 0;
    for (u8 byte : bytes) sum = static_cast<u8>(sum + byte);
    return sum == 0;
}

bool has_signature(std::span<u8 const> table, char const* signature) { return std::memcmp(table.data(), signature, 4) == 0; }

/// Maps a whole table and checks its sum; an empty span if it is unusable.
std::span<u8 const> map_table(PhysAddr address) {
    if (address.is_null()) return {};
    auto const* header = static_cast<u8 const*>(map(address, header_size));
    if (!header) return {};
    u32 const length = field<u32>({header, header_size}, 4);
    if (length < header_size || length > max_table_size) {
        log_warning("acpi", "table at {} has length {}: ignored", address, length);
        return {};
    }
    auto const* bytes = static_cast<u8 const*>(map(address, length));
    if (!bytes) return {};
    if (!sum_is_zero({bytes, length})) {
        log_warning("acpi", "table at {} has a wrong sum: ignored", address);
        return {};
    }
    return {bytes, length};
}

struct RootTable {
    PhysAddr address;
    size_t entry_size = 0;   ///< 4: RSDT, 8: XSDT
};

/// The root table that a Root System Description Pointer names (5.2.5.3).
RootTable root_of(std::span<u8 const> pointer) {
    if (pointer.size() < 20 || std::memcmp(pointer.data(), "RSD PTR ", 8) != 0 || !sum_is_zero(pointer.first(20))) return {};
    bool const extended = pointer.size() >= 36 && pointer[15] >= 2 && sum_is_zero(pointer.first(36));
    u64 const xsdt = extended ? field<u64>(pointer, 24) : 0;
    if (xsdt) return {PhysAddr(xsdt), 8};
    return {PhysAddr(field<u32>(pointer, 16)), 4};
}

/// BIOS only: 16-byte aligned in the extended BIOS data area or in 0xe0000..0xfffff (5.2.5.1).
RootTable search(PhysAddr start, u64 size) {
    auto const* bytes = static_cast<u8 const*>(map(start, size));
    if (!bytes) return {};
    for (u64 offset = 0; offset + 36 <= size; offset += 16)
        if (RootTable const root = root_of({bytes + offset, 36}); root.entry_size) return root;
    return {};
}

RootTable search_bios_area() {
    auto const* segment = static_cast<u8 const*>(map(PhysAddr(0x400), 0x100));
    u64 const extended = segment ? u64{field<u16>({segment, 0x100}, 0xe)} << 4 : 0;
    if (extended >= 0x80000 && extended < 0xa0000)
        if (RootTable const root = search(PhysAddr(extended), 1024); root.entry_size) return root;
    return search(PhysAddr(0xe0000), 0x20000);
}

RootTable find_root() {
    auto const& info = boot::boot_info;
    if (info.has_rsdp_copy)
        if (RootTable const root = root_of(info.rsdp_copy); root.entry_size) return root;
    if (!info.rsdp.is_null())
        if (auto const* bytes = static_cast<u8 const*>(map(info.rsdp, 36)))
            if (RootTable const root = root_of({bytes, 36}); root.entry_size) return root;
    return info.uefi ? RootTable{} : search_bios_area();
}

void read_hpet(std::span<u8 const> table) {
    u8 const address_space = field<u8>(table, 40);
    if (address_space == 0) hpet_address = PhysAddr(field<u64>(table, 44));
}

void read_table(std::span<u8 const> table) {
    if (has_signature(table, "APIC")) read_madt(table);
    if (has_signature(table, "HPET")) read_hpet(table);
    if (has_signature(table, "MCFG")) read_mcfg(table);
    if (has_signature(table, "DMAR")) read_dmar(table);
    if (has_signature(table, "IVRS")) read_ivrs(table);
    if (has_signature(table, "SSDT") && !fixed_hardware.has_sleep_type) read_dsdt(table);
    if (!has_signature(table, "FACP")) return;
    read_fadt(table);
    u64 const extended = field<u64>(table, 140);
    auto const dsdt = map_table(PhysAddr(extended ? extended : field<u32>(table, 40)));
    if (!dsdt.empty()) read_dsdt(dsdt);
}

void log_summary() {
    log_info("acpi", "{} CPUs, {} I/O APICs, HPET {}, PM timer {}, S5 {}, reset register {}", interrupt_model.cpus,
             interrupt_model.io_apic_count, hpet_address.is_null() ? "no" : "yes", fixed_hardware.timer ? "yes" : "no",
             fixed_hardware.has_sleep_type ? "yes" : "no", fixed_hardware.reset ? "yes" : "no");
}

}

void initialize() {
    for (u32 line = 0; line < isa_line_count; ++line) interrupt_model.lines[line].interrupt = line;
    RootTable const root = find_root();
    if (root.entry_size == 0) {
        log_warning("acpi", "no tables found");
        return;
    }
    auto const table = map_table(root.address);
    u32 const entries = table.empty() ? 0 : static_cast<u32>(std::min<size_t>((table.size() - header_size) / root.entry_size, max_tables));
    for (u32 i = 0; i < entries; ++i) {
        size_t const offset = header_size + i * root.entry_size;
        auto const found = map_table(PhysAddr(root.entry_size == 8 ? field<u64>(table, offset) : field<u32>(table, offset)));
        if (!found.empty()) read_table(found);
    }
    log_summary();
}

u32 read(Register const& from, u8 bytes) {
    if (from.space == Register::Space::Port) {
        u16 const port = static_cast<u16>(from.address);
        return bytes == 1 ? in8(port) : bytes == 2 ? in16(port) : in32(port);
    }
    if (!from.window) return 0;
    return bytes == 1 ? mmio_read<u8>(from.window) : bytes == 2 ? mmio_read<u16>(from.window) : mmio_read<u32>(from.window);
}

void write(Register const& to, u32 value, u8 bytes) {
    if (to.space == Register::Space::Port) {
        u16 const port = static_cast<u16>(to.address);
        if (bytes == 1) out8(port, static_cast<u8>(value));
        else if (bytes == 2) out16(port, static_cast<u16>(value));
        else out32(port, value);
    } else if (to.window) {
        if (bytes == 1) mmio_write<u8>(to.window, static_cast<u8>(value));
        else if (bytes == 2) mmio_write<u16>(to.window, static_cast<u16>(value));
        else mmio_write<u32>(to.window, value);
    }
}

}
