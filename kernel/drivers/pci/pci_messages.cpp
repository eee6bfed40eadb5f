// SPDX-License-Identifier: MIT
// Interrupts by the capabilities MSI-X and MSI (PCI Local Bus Specification 3.0, 6.8): one message for a whole function. MSI-X comes
// first; MSI is used if a function has no MSI-X or it cannot be set up.
#include <arch/io.h>
#include <arch/paging.h>

#include "kernel/drivers/pci/pci.h"
#include "mm/kernel_space.h"

namespace drivers::pci {

namespace {

constexpr u8 capability_msi = 0x05, capability_msi_x = 0x11;
constexpr u16 msi_on = 1, msi_how_many = 0x70, msi_64 = 0x80;
constexpr u16 msi_x_on = 0x8000, msi_x_masked = 0x4000;
constexpr size_t msi_x_entry_size = 16;

}

/// Uses entry 0 of the table; the others stay masked, as they are after a reset (6.8.2.9).
Result<char const*> Function::use_msi_x(u16 capability, arch::InterruptMessage const& message) const {
    u16 const control = static_cast<u16>(capability + 2);
    u32 const place = read32(static_cast<u16>(capability + 4));
    Bar const bar = TRY(memory_bar(place & 7));
    u64 const offset = place & ~7u;
    if (offset + msi_x_entry_size > bar.size) return fail(ENXIO);
    auto* const entry = static_cast<u8*>(TRY(mm::kernel_space.map_mmio(bar.address + offset, msi_x_entry_size)));
    write16(control, static_cast<u16>(read16(control) | msi_x_on | msi_x_masked));
    arch::mmio_write<u32>(entry, static_cast<u32>(message.address));
    arch::mmio_write<u32>(entry + 4, static_cast<u32>(message.address >> 32));
    arch::mmio_write<u32>(entry + 8, message.data);
    arch::mmio_write<u32>(entry + 12, 0);   // not masked
    write16(control, static_cast<u16>((read16(control) | msi_x_on) & ~msi_x_masked));
    return "MSI-X";
}

char const* Function::use_msi(u16 capability, arch::InterruptMessage const& message) const {
    auto const at = [capability](unsigned offset) { return static_cast<u16>(capability + offset); };
    u16 const control = read16(at(2)), off = static_cast<u16>(control & ~(msi_on | msi_how_many));
    write16(at(2), off);
    write32(at(4), static_cast<u32>(message.address));
    if (control & msi_64) write32(at(8), static_cast<u32>(message.address >> 32));
    write16(at(control & msi_64 ? 12 : 8), static_cast<u16>(message.data));
    write16(at(2), static_cast<u16>(off | msi_on));
    return "MSI";
}

Result<char const*> Function::use_messages(arch::InterruptHandler handler, void* context, char const* name) const {
    u16 const msi_x = find_capability(capability_msi_x), msi = find_capability(capability_msi);
    if (!msi_x && !msi) return fail(ENODEV);
    auto const message = TRY(arch::make_interrupt_message(handler, context, name));
    if (msi_x)
        if (auto const used = use_msi_x(msi_x, message); used || !msi) return used;
    return use_msi(msi, message);
}

}
