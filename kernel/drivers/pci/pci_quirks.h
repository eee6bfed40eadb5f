// SPDX-License-Identifier: MIT
// Which functions need special treatment, by their numbers or their class. Pure.
#pragma once

#include <base/types.h>

namespace drivers::pci {

/// Intel's xHCI controllers of these numbers get the shared ports only if software routes them (7, 8 and 9 series chip sets' datasheets,
/// XUSB2PR).
constexpr bool shares_usb_ports(u16 device) {
    switch (device) {
    case 0x1e31: case 0x8c31: case 0x8cb1: case 0x8d31: case 0x9c31: case 0x9cb1: return true;
    default: return false;
    }
}

/// Whether a function without a driver may be kept from memory: what the firmware has started must not keep writing to memory that now
/// belongs to someone else (network cards do). Not so bridges, which pass on others' accesses, displays, which show memory, and USB
/// controllers, with which the firmware makes keyboards look like PS/2.
constexpr bool may_be_quieted(u32 device_class) {
    constexpr u32 storage = 0x01, network = 0x02, multimedia = 0x04, communication = 0x07, wireless = 0x0d;
    u32 const base = device_class >> 16;
    return base == storage || base == network || base == multimedia || base == communication || base == wireless;
}

}
