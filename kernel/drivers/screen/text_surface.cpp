// SPDX-License-Identifier: MIT
// Draws cells in the VGA's text memory: each is a character of code page 437 and an attribute.
// The colour registers hold the 16 colours of the console's look.
#include <algorithm>

#include <arch/io.h>

#include "kernel/drivers/screen/surface.h"
#include "kernel/drivers/screen/vga_attribute.h"
#include "kernel/drivers/vt/code_page.h"
#include "mm/kernel_space.h"

namespace drivers {

namespace {

constexpr u16 graphics_index = 0x3ce, crtc_index = 0x3d4, colour_index = 0x3c8, colour_data = 0x3c9;
constexpr u8 cursor_start = 0x0a, cursor_end = 0x0b, cursor_high = 0x0e, cursor_low = 0x0f;
constexpr u8 cursor_off = 0x20, last_scan_line = 15;

u8 first_line_of(CursorShape shape) {
    switch (shape) {
    case CursorShape::Hidden: return cursor_off;
    case CursorShape::LowerThird: return 10;
    case CursorShape::LowerHalf: return 8;
    case CursorShape::TwoThirds: return 5;
    default: return 13;
    }
}

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

/// Attribute 6 uses colour register 20, and 8 … 15 use 56 … 63, as the VGA BIOS sets text modes up.
void TextSurface::load_palette() {
    for (u8 basic = 0; basic < 16; ++basic) {
        u8 const attribute = vga_colour(basic);
        u8 const entry = attribute == 6 ? 20 : attribute < 8 ? attribute : static_cast<u8>(attribute + 48);
        arch::out8(colour_index, entry);
        for (int shift = 16; shift >= 0; shift -= 8) arch::out8(colour_data, static_cast<u8>((look_.colours[basic] >> shift & 0xff) >> 2));
    }
}

bool TextSurface::set_look(Look const& look) {
    if (look == look_) return false;
    look_ = look;
    load_palette();
    return true;
}

void TextSurface::hide_cursor() { write_crtc(cursor_start, cursor_off); }

/// The attribute's top bit is left out: it would blink, so backgrounds have only eight colours.
void TextSurface::draw(u16 column, u16 row, Cell const& cell) {
    u8 volatile* const to = base_ + row * pitch_ + column * 2u;
    to[0] = code_page_number(cell.character);
    to[1] = vga_attribute(cell.pen) & 0x7f;
    if (!(cell.pen.flags & Pen::cursor)) return;
    u32 const position = row * pitch_ / 2 + column;
    write_crtc(cursor_high, static_cast<u8>(position >> 8));
    write_crtc(cursor_low, static_cast<u8>(position));
    write_crtc(cursor_start, first_line_of(look_.cursor));
    write_crtc(cursor_end, last_scan_line);
}

}
