// SPDX-License-Identifier: MIT
// IA32_APIC_BASE: the transitions between a local APIC's modes. From x2APIC the only way to xAPIC leads through
// "off"; any other step faults (Intel SDM vol. 3, 11.12.5 "x2APIC State Transitions"). Pure.
#pragma once

#include <base/types.h>

namespace arch {

inline constexpr u64 apic_base_enabled = 1 << 11, apic_base_x2apic = 1 << 10, apic_base_address = 0x000f'ffff'ffff'f000;

/// The values to write to the register, in order.
struct ApicBaseSteps {
    u64 values[2] = {};
    u32 count = 0;
};

/// The steps from the register's current value to x2APIC, or to xAPIC.
constexpr ApicBaseSteps apic_base_steps(u64 state, bool x2apic) {
    u64 const rest = state & ~(apic_base_enabled | apic_base_x2apic);
    bool const on = state & apic_base_enabled, in_x2apic = on && (state & apic_base_x2apic);
    ApicBaseSteps steps;
    if (on && in_x2apic == x2apic) return steps;
    if (in_x2apic) steps.values[steps.count++] = rest;
    if (in_x2apic || !on) steps.values[steps.count++] = rest | apic_base_enabled;
    if (x2apic) steps.values[steps.count++] = rest | apic_base_enabled | apic_base_x2apic;
    return steps;
}

}
