// SPDX-License-Identifier: MIT
// The ways between a local APIC's modes, all of them, on a model that faults as the CPU does.
#include "arch/x86_64/apic_base.h"

#include <gtest/gtest.h>

namespace {

/// Intel SDM vol. 3, figure 11-27: legal are off → xAPIC → x2APIC → off, and staying.
bool may_go(u64 from, u64 to) {
    auto const mode = [](u64 value) { return static_cast<int>(value >> 10 & 3); };   // 0 off, 2 xAPIC, 3 x2APIC; 1 does not exist
    int const a = mode(from), b = mode(to);
    return b != 1 && (a == b || (a == 0 && b == 2) || (a == 2 && b == 3) || b == 0);
}

TEST(ApicBase, EveryWayIsLegalAndArrives) {
    constexpr u64 address = 0xfee00000, boot_processor = 1 << 8;
    for (u64 const mode : {u64{0}, arch::apic_base_enabled, arch::apic_base_enabled | arch::apic_base_x2apic})
        for (bool const wanted : {false, true}) {
            u64 state = address | boot_processor | mode;
            auto const steps = arch::apic_base_steps(state, wanted);
            for (u32 i = 0; i < steps.count; ++i) {
                EXPECT_TRUE(may_go(state, steps.values[i])) << std::hex << state << " to " << steps.values[i];
                state = steps.values[i];
            }
            EXPECT_EQ(state, address | boot_processor | arch::apic_base_enabled | (wanted ? arch::apic_base_x2apic : 0));
            bool const there = mode == (arch::apic_base_enabled | (wanted ? arch::apic_base_x2apic : 0));
            EXPECT_EQ(steps.count == 0, there);
        }
}

}
