// SPDX-License-Identifier: MIT
// Access to PCI configuration space, and interrupts that devices send as messages (MSI).
#pragma once

#include <arch/interrupts.h>
#include <base/result.h>

namespace arch {

struct PciAddress {
    u8 bus = 0, device = 0, function = 0;
    constexpr bool operator==(PciAddress const&) const = default;
};

/// Finds the access method: memory (ECAM) or ports. False: there is no PCI. Call at boot, before the other functions.
bool initialize_pci();
char const* pci_access_name();

/// Registers of a function's configuration space, of 1, 2 or 4 bytes, at a multiple of their size. Absent ones read
/// as all ones. Thread context.
u32 pci_read(PciAddress address, u16 offset, u8 bytes);
void pci_write(PciAddress address, u16 offset, u32 value, u8 bytes);

/// What a device writes, and where, to interrupt the boot CPU.
struct InterruptMessage {
    u64 address = 0;
    u32 data = 0;
};

/// Assigns a vector to one device permanently. ENODEV: no local APIC is in use; ENOSPC: no vector is left.
Result<InterruptMessage> make_interrupt_message(InterruptHandler handler, void* context, char const* name);

}
