// SPDX-License-Identifier: MIT
// A pen as the attribute byte of a VGA's text mode: foreground, background in the upper half, blinking on top. What it
// cannot draw is a colour, and bits change each other's, as on Linux.
#pragma once

#include <algorithm>

#include "kernel/drivers/palette.h"
#include "kernel/drivers/screen_cells.h"

namespace drivers {

/// One of the first 16 colours that is like `colour`.
constexpr u8 basic_colour(u8 colour) {
    if (colour < 16) return colour;
    u32 const rgb = palette[colour];
    u32 const red = rgb >> 16, green = rgb >> 8 & 0xff, blue = rgb & 0xff, largest = std::max({red, green, blue});
    if (largest < 64) return 0;
    u8 const hue = static_cast<u8>((red > largest / 2) | (green > largest / 2) << 1 | (blue > largest / 2) << 2);
    return static_cast<u8>(hue | (largest > 192 ? 8 : 0));
}

/// The VGA numbers blue 1 and red 4.
constexpr u8 vga_colour(u8 basic) { return static_cast<u8>((basic & 0b1010) | (basic & 1) << 2 | (basic >> 2 & 1)); }

constexpr u8 vga_attribute(Pen const& pen) {
    constexpr u8 italic = 2, underlined = 3, half_bright = 8, blink = 0x80, bright = 8;
    u8 const colour = vga_colour(basic_colour(pen.foreground)), background = vga_colour(basic_colour(pen.background)) & 7;
    bool const is_bright = (pen.flags & Pen::bold) || colour >= bright;
    u8 foreground = colour & 7;
    if (pen.flags & Pen::italic) foreground = italic;
    else if (pen.flags & Pen::underline) foreground = underlined;
    else if ((pen.flags & Pen::dim) && !is_bright) foreground = half_bright;
    u32 attribute = foreground | background << 4;
    if (pen.flags & Pen::reverse) attribute = (attribute & 0x88) | ((attribute >> 4 | attribute << 4) & 0x77);
    if (pen.flags & Pen::blink) attribute ^= blink;
    if (is_bright) attribute ^= bright;
    return static_cast<u8>(attribute);
}

}
