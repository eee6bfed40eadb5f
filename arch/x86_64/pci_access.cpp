// SPDX-License-Identifier: MIT
// PCI configuration space: 4 KiB of memory for each function (ECAM, PCI Express Base Specification, 7.2.2) if ACPI
// describes it, else 256 bytes through ports cf8 and cfc (PCI Local Bus Specification 3.0, 3.2.2.3).
#include <arch/pci.h>

#include <atomic>

#include <arch/io.h>
#include <arch/paging.h>
#include <arch/spin_lock.h>
#include <arch/upcalls.h>

#include "arch/x86_64/acpi.h"

namespace arch {

namespace {

constexpr u16 address_port = 0xcf8, data_port = 0xcfc;
constexpr u32 address_enable = 1u << 31, nothing = ~0u;
constexpr u16 port_space_size = 256, memory_space_size = 4096;

constinit SpinLock<LockRank::leaf, InterruptsOff> ports_lock;   // the two ports
constinit bool uses_memory = false;                             // written once at boot
/// Windows onto the configuration space of each bus. Ordering: release once the window is mapped, acquire by its
/// users.
constinit std::atomic<u8*> windows[256] = {};

u32 all_ones(u8 bytes) { return bytes == 4 ? nothing : (1u << 8 * bytes) - 1; }

/// Two threads at the same time make two windows; either one works.
u8* window_of(u8 bus) {
    auto const& where = acpi::pci_configuration;
    if (bus < where.first_bus || bus > where.last_bus) return nullptr;
    if (u8* const known = windows[bus].load(std::memory_order_acquire)) return known;
    auto* const window = static_cast<u8*>(upcalls::map_mmio(where.address + u64{bus} * mib, mib, CacheMode::Uncached));
    windows[bus].store(window, std::memory_order_release);
    return window;
}

u8* memory_register(PciAddress at, u16 offset) {
    u8* const window = window_of(at.bus);
    return window ? window + (u32{at.device} << 15 | u32{at.function} << 12 | offset) : nullptr;
}

u32 port_address(PciAddress at, u16 offset) {
    return address_enable | u32{at.bus} << 16 | u32{at.device} << 11 | u32{at.function} << 8 | (offset & 0xfc);
}

u32 read_by_ports(PciAddress at, u16 offset, u8 bytes) {
    u16 const port = static_cast<u16>(data_port + (offset & 3));
    Locked guard(ports_lock);
    out32(address_port, port_address(at, offset));
    return bytes == 1 ? in8(port) : bytes == 2 ? in16(port) : in32(port);
}

bool is_register(u16 offset, u8 bytes) {
    return (bytes == 1 || bytes == 2 || bytes == 4) && offset % bytes == 0 && offset < (uses_memory ? memory_space_size : port_space_size);
}

bool has_ports() {
    out32(address_port, address_enable);
    return in32(address_port) == address_enable;
}

}

bool initialize_pci() {
    uses_memory = acpi::pci_configuration.present;
    bool const ports = has_ports();
    // The first word of the host bridge exposes a wrong table.
    if (uses_memory && ports && pci_read({}, 0, 4) != read_by_ports({}, 0, 4)) uses_memory = false;
    return uses_memory || ports;
}

char const* pci_access_name() { return uses_memory ? "ECAM" : "ports"; }

u32 pci_read(PciAddress address, u16 offset, u8 bytes) {
    if (!is_register(offset, bytes)) return all_ones(bytes);
    if (!uses_memory) return read_by_ports(address, offset, bytes);
    u8* const at = memory_register(address, offset);
    if (!at) return all_ones(bytes);
    return bytes == 1 ? mmio_read<u8>(at) : bytes == 2 ? mmio_read<u16>(at) : mmio_read<u32>(at);
}

void pci_write(PciAddress address, u16 offset, u32 value, u8 bytes) {
    if (!is_register(offset, bytes)) return;
    if (uses_memory) {
        u8* const at = memory_register(address, offset);
        if (!at) return;
        if (bytes == 1) mmio_write<u8>(at, static_cast<u8>(value));
        else if (bytes == 2) mmio_write<u16>(at, static_cast<u16>(value));
        else mmio_write<u32>(at, value);
        return;
    }
    u16 const port = static_cast<u16>(data_port + (offset & 3));
    Locked guard(ports_lock);
    out32(address_port, port_address(address, offset));
    if (bytes == 1) out8(port, static_cast<u8>(value));
    else if (bytes == 2) out16(port, static_cast<u16>(value));
    else out32(port, value);
}

}
