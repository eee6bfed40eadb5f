// SPDX-License-Identifier: MIT
// The 256 colours of the screen as 0xRRGGBB: 16 chosen to be easy on the eyes, then the usual cube of 6×6×6 and 24 greys.
// Number 0 is the background, 7 the text.
#pragma once

#include <array>

#include <base/types.h>

namespace drivers {

consteval std::array<u32, 256> make_palette() {
    std::array<u32, 256> colours{0x14171f, 0xe06c75, 0x98c379, 0xe5c07b, 0x61afef, 0xc678dd, 0x56b6c2, 0xc8ccd4,
                                 0x7d8590, 0xff7b85, 0xb5e890, 0xffd68a, 0x7fc4ff, 0xdd96f0, 0x70d6e2, 0xffffff};
    constexpr u32 levels[] = {0, 95, 135, 175, 215, 255};
    for (u32 i = 0; i < 216; ++i) colours[16 + i] = levels[i / 36] << 16 | levels[i / 6 % 6] << 8 | levels[i % 6];
    for (u32 i = 0; i < 24; ++i) colours[232 + i] = (8 + 10 * i) * 0x010101;
    return colours;
}

inline constexpr std::array<u32, 256> palette = make_palette();

}
