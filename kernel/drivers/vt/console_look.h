// SPDX-License-Identifier: MIT
// Look: what a console's programs choose for all of its cells at once: the first 16 colours and the shape of the cursor.
#pragma once

#include <algorithm>

#include "kernel/drivers/vt/palette.h"

namespace drivers {

enum class CursorShape : u8 { Block, Hidden, Underline, LowerThird, LowerHalf, TwoThirds, Bar };

consteval std::array<u32, 16> make_usual_colours() {
    std::array<u32, 16> colours{};
    std::copy_n(palette.begin(), colours.size(), colours.begin());
    return colours;
}

struct Look {
    std::array<u32, 16> colours = make_usual_colours();   ///< 0xRRGGBB
    CursorShape cursor = CursorShape::Block;
    u32 rgb(u8 colour) const { return colour < colours.size() ? colours[colour] : palette[colour]; }
    constexpr bool operator==(Look const&) const = default;
};

}
