// SPDX-License-Identifier: MIT
// Cells in the VGA's text memory: a character of code page 437 and an attribute each.
// The colour registers get the first 16 colours of the palette.
#include <algorithm>

#include <arch/io.h>

#include "kernel/drivers/palette.h"
#include "kernel/drivers/surface.h"
#include "mm/kernel_space.h"

namespace drivers {

namespace {

constexpr u16 graphics_index = 0x3ce, crtc_index = 0x3d4, colour_index = 0x3c8, colour_data = 0x3c9;
constexpr u8 cursor_start = 0x0a, cursor_end = 0x0b, cursor_high = 0x0e, cursor_low = 0x0f;
constexpr u8 cursor_off = 0x20, first_scan_line = 13, last_scan_line = 15;

/// 0x80 … 0xff of code page 437.
constexpr u16 code_page[] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
    0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
    0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
    0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
    0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
    0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

u8 to_code_page(u16 character) {
    if (character < 0x7f) return static_cast<u8>(character);
    auto const found = std::ranges::find(code_page, character);
    return found == std::end(code_page) ? '?' : static_cast<u8>(0x80 + (found - std::begin(code_page)));
}

/// One of the first 16 colours that is like `colour`.
u8 to_basic(u8 colour) {
    if (colour < 16) return colour;
    u32 const rgb = palette[colour];
    u32 const red = rgb >> 16, green = rgb >> 8 & 0xff, blue = rgb & 0xff, largest = std::max({red, green, blue});
    if (largest < 64) return 0;
    u8 const hue = static_cast<u8>((red > largest / 2) | (green > largest / 2) << 1 | (blue > largest / 2) << 2);
    return static_cast<u8>(hue | (largest > 192 ? 8 : 0));
}

/// The VGA numbers blue 1 and red 4.
u8 to_vga(u8 basic) { return static_cast<u8>((basic & 0b1010) | (basic & 1) << 2 | (basic >> 2 & 1)); }

void write_crtc(u8 index, u8 value) {
    arch::out8(crtc_index, index);
    arch::out8(crtc_index + 1, value);
}

}

bool TextSurface::is_active() {
    arch::out8(graphics_index, 6);
    u8 const miscellaneous = arch::in8(graphics_index + 1);
    constexpr u8 graphics_mode = 0x01, memory_at_b8000 = 0x0c;
    return miscellaneous != 0xff && !(miscellaneous & graphics_mode) && (miscellaneous & memory_at_b8000) == memory_at_b8000;
}

Result<> TextSurface::start(PhysAddr address, u32 columns, u32 rows, u32 pitch) {
    if (columns < 40 || columns > ScreenCells::most_columns || rows < 10 || rows > ScreenCells::most_rows || pitch < 2 * columns) return fail(ENODEV);
    columns_ = static_cast<u16>(columns), rows_ = static_cast<u16>(rows), pitch_ = pitch;
    base_ = static_cast<u8 volatile*>(TRY(mm::kernel_space.map_mmio(address, u64{pitch} * rows)));
    load_palette();
    Cell const blank;
    for (u16 row = 0; row < rows_; ++row)
        for (u16 column = 0; column < columns_; ++column) draw(column, row, blank);
    return {};
}

/// Attribute 6 uses colour register 20, and 8 … 15 use 56 … 63: the VGA BIOS's set-up of text modes.
void TextSurface::load_palette() {
    for (u8 basic = 0; basic < 16; ++basic) {
        u8 const attribute = to_vga(basic);
        u8 const entry = attribute == 6 ? 20 : attribute < 8 ? attribute : static_cast<u8>(attribute + 48);
        arch::out8(colour_index, entry);
        for (int shift = 16; shift >= 0; shift -= 8) arch::out8(colour_data, static_cast<u8>((palette[basic] >> shift & 0xff) >> 2));
    }
}

void TextSurface::hide_cursor() { write_crtc(cursor_start, cursor_off); }

/// Backgrounds have only eight colours: the attribute's top bit would blink.
void TextSurface::draw(u16 column, u16 row, Cell const& cell) {
    u8 foreground = to_basic(cell.pen.foreground), background = to_basic(cell.pen.background);
    if (cell.pen.flags & Pen::bold) foreground |= 8;
    if (cell.pen.flags & Pen::reverse) std::swap(foreground, background);
    u8 volatile* const to = base_ + row * pitch_ + column * 2u;
    to[0] = to_code_page(cell.character);
    to[1] = static_cast<u8>(to_vga(foreground) | (to_vga(background) & 7) << 4);
    if (!(cell.pen.flags & Pen::cursor)) return;
    u32 const position = row * pitch_ / 2 + column;
    write_crtc(cursor_high, static_cast<u8>(position >> 8));
    write_crtc(cursor_low, static_cast<u8>(position));
    write_crtc(cursor_start, first_scan_line);
    write_crtc(cursor_end, last_scan_line);
}

}
