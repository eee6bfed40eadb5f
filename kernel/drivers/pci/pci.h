// SPDX-License-Identifier: MIT
// PCI: finds every function, also behind bridges, and gives each to the driver that wants it. Bus numbers and BARs
// are as the firmware has set them. PCI Local Bus Specification 3.0.
#pragma once

#include <span>

#include <arch/pci.h>
#include <base/result.h>

namespace drivers::pci {

/// A base address register (6.2.5.1).
struct Bar {
    PhysAddr address;
    u64 size = 0;
};

/// One function of a device: a name, no state.
class Function {
public:
    Function(arch::PciAddress address, u16 vendor, u16 device, u32 device_class)
        : address_(address), vendor_(vendor), device_(device), class_(device_class) {}

    arch::PciAddress address() const { return address_; }
    u16 vendor() const { return vendor_; }
    u16 device() const { return device_; }
    /// Class, subclass and programming interface, a byte each.
    u32 device_class() const { return class_; }

    u8 read8(u16 offset) const { return static_cast<u8>(arch::pci_read(address_, offset, 1)); }
    u16 read16(u16 offset) const { return static_cast<u16>(arch::pci_read(address_, offset, 2)); }
    u32 read32(u16 offset) const { return arch::pci_read(address_, offset, 4); }
    void write8(u16 offset, u8 value) const { arch::pci_write(address_, offset, value, 1); }
    void write16(u16 offset, u16 value) const { arch::pci_write(address_, offset, value, 2); }
    void write32(u16 offset, u32 value) const { arch::pci_write(address_, offset, value, 4); }

    /// The offset of a capability (6.7); 0: there is none.
    u16 find_capability(u8 id) const;
    /// A memory BAR, which must not be in use yet. ENXIO: there is none, it is one of I/O ports, or it has no address.
    Result<Bar> memory_bar(u8 index) const;
    /// Lets the function answer at its BARs and read and write memory; turns its interrupt line off.
    void enable() const;
    /// Gives an xHCI controller of Intel's 7, 8 and 9 series every USB port that it shares with an EHCI controller.
    void route_usb_ports_here() const;
    /// Keeps the function from reading and writing memory.
    void disable() const;
    /// Makes one message, MSI-X or MSI, of all the function's interrupts, to `handler` on the boot CPU. Returns the kind's name.
    /// ENODEV: the function or the machine has no such interrupts; ENOSPC, ENOMEM.
    Result<char const*> use_messages(arch::InterruptHandler handler, void* context, char const* name) const;

private:
    Result<char const*> use_msi_x(u16 capability, arch::InterruptMessage const& message) const;
    char const* use_msi(u16 capability, arch::InterruptMessage const& message) const;

    arch::PciAddress address_;
    u16 vendor_, device_;
    u32 class_;
};

/// A driver takes every function whose class, under the mask, is its own.
struct Driver {
    char const* name;
    u32 device_class, class_mask;
    Result<> (*attach)(Function const& function);
};

/// Visits every function and starts the driver that wants it. Only while booting.
void initialize(std::span<Driver const> drivers);

}
