// SPDX-License-Identifier: MIT
// Processors whose features must not be trusted. Pure. From Intel's specification updates; all are family 6.
#pragma once

#include <base/types.h>

namespace arch {

/// The TSC-deadline timer of these CPUs rings late or never unless the microcode is at least the one given.
/// `stepping` any: every stepping of the model.
struct DeadlineErratum {
    static constexpr u8 any = 0xff;
    u8 model, stepping;
    u32 first_good_microcode;
};

inline constexpr DeadlineErratum deadline_errata[] = {
    {0x3c, DeadlineErratum::any, 0x22}, {0x45, DeadlineErratum::any, 0x20}, {0x46, DeadlineErratum::any, 0x17},   // Haswell
    {0x3f, 2, 0x3a}, {0x3f, 4, 0x0f},                                                                             // Haswell, servers
    {0x3d, DeadlineErratum::any, 0x25}, {0x47, DeadlineErratum::any, 0x17},                                       // Broadwell
    {0x4f, DeadlineErratum::any, 0x0b000020},                                                                     // Broadwell, servers
    {0x56, 2, 0x11}, {0x56, 3, 0x0700000e}, {0x56, 4, 0x0f00000c}, {0x56, 5, 0x0e000003},                         // Broadwell-DE
    {0x4e, DeadlineErratum::any, 0xb2}, {0x5e, DeadlineErratum::any, 0xb2},                                       // Skylake
    {0x55, 3, 0x01000136}, {0x55, 4, 0x02000014},                                                                 // Skylake, servers
    {0x8e, DeadlineErratum::any, 0x52}, {0x9e, DeadlineErratum::any, 0x52},                                       // Kaby Lake
};

constexpr bool deadline_timer_is_broken(u32 family, u32 model, u32 stepping, u32 microcode) {
    if (family != 6) return false;
    for (auto const& erratum : deadline_errata)
        if (erratum.model == model && (erratum.stepping == DeadlineErratum::any || erratum.stepping == stepping))
            return microcode < erratum.first_good_microcode;
    return false;
}

/// AMD's C1E (families 0fh to 11h): when all CPUs are halted, the chip set stops clocks, and with them the local
/// APIC's timer. Bits 27 and 28 of the interrupt-pending message register enable it (BIOS and Kernel Developer's
/// Guide, MSRC001_0055).
constexpr bool may_have_c1e(bool is_amd, u32 family) { return is_amd && family >= 0x0f && family <= 0x11; }
inline constexpr u64 c1e_bits = u64{3} << 27;

}
