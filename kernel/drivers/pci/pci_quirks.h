// SPDX-License-Identifier: MIT
// Functions that need to be told what others know. Pure.
#pragma once

#include <base/types.h>

namespace drivers::pci {

/// Intel's xHCI controllers of these numbers (7, 8 and 9 series chip sets' datasheets, XUSB2PR) get the ports only when told so.
constexpr bool shares_usb_ports(u16 device) {
    switch (device) {
    case 0x1e31: case 0x8c31: case 0x8cb1: case 0x8d31: case 0x9c31: case 0x9cb1: return true;
    default: return false;
    }
}

/// Nobody drives it: what the firmware had it do must not go on writing to memory that is somebody else's now (network cards do). But
/// bridges pass on others' accesses, displays show, and USB controllers make keyboards look like PS/2 for the firmware.
constexpr bool may_be_quieted(u32 device_class) {
    constexpr u32 storage = 0x01, network = 0x02, multimedia = 0x04, communication = 0x07, wireless = 0x0d;
    u32 const base = device_class >> 16;
    return base == storage || base == network || base == multimedia || base == communication || base == wireless;
}

}
