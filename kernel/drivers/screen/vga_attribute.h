// SPDX-License-Identifier: MIT
// A pen as the attribute byte of a VGA's text mode: foreground, background in the upper half, blinking in the top bit. As on Linux,
// styles that a VGA cannot draw become colours, and bold and blinking invert their bits. Pure.
#pragma once

#include <algorithm>

#include "kernel/drivers/vt/screen_cells.h"

namespace drivers {

struct Rgb { u32 red, green, blue; };

/// The values that Linux takes for the colours from 16 on.
constexpr Rgb rgb_of(u8 colour) {
    if (colour >= 232) return {colour * 10u - 2312, colour * 10u - 2312, colour * 10u - 2312};
    u32 const index = colour - 16u;
    return {index / 36 * 85 / 2, index / 6 % 6 * 85 / 2, index % 6 * 85 / 2};
}

/// The VGA numbers blue 1 and red 4, the palette red 1 and blue 4.
constexpr u8 vga_colour(u8 basic) { return static_cast<u8>((basic & 0b1010) | (basic & 1) << 2 | (basic >> 2 & 1)); }

/// The one of the 16 colours that is most like `colour`, as Linux reckons.
constexpr u8 vga_foreground(u8 colour) {
    if (colour < 16) return vga_colour(colour);
    auto const [red, green, blue] = rgb_of(colour);
    u32 const largest = std::max({red, green, blue});
    u8 const hue = static_cast<u8>((red > largest / 2) << 2 | (green > largest / 2) << 1 | (blue > largest / 2));
    if (hue == 7 && largest <= 0x55) return 8;
    return static_cast<u8>(hue | (largest > 0xaa ? 8 : 0));
}

/// The same for a background, which has only eight colours.
constexpr u8 vga_background(u8 colour) {
    if (colour < 16) return vga_colour(colour) & 7;
    auto const [red, green, blue] = rgb_of(colour);
    return static_cast<u8>(red >> 7 << 2 | green >> 7 << 1 | blue >> 7);
}

constexpr u8 vga_attribute(Pen const& pen) {
    constexpr u8 italic = 2, underlined = 3, half_bright = 8, blink = 0x80, bright = 8;
    u8 const colour = vga_foreground(pen.foreground), background = vga_background(pen.background);
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
