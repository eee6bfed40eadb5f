// SPDX-License-Identifier: MIT
// Draws cells as pixels. Each row of a glyph is put together in a line buffer and stored in whole 8-byte words, which suits
// write-combining memory; the framebuffer is never read.
#include "kernel/drivers/screen/surface.h"

#include <algorithm>
#include <utility>

#include "kernel/drivers/vt/palette.h"
#include "mm/kernel_space.h"

namespace drivers {

namespace {

constexpr u32 margin = 8;
constexpr u32 fine_display = 1080;     ///< this many lines for each step of scale
constexpr u32 fewest_columns = 40, fewest_rows = 10;

void store_line(u8* to, u64 const* line, u32 words) {
    for (u32 i = 0; i < words; ++i) __builtin_memcpy(to + i * sizeof(u64), &line[i], sizeof(u64));
}

}

u32 PixelSurface::pixel(u32 rgb) const {
    auto const part = [](u32 value, u8 position, u8 size) { return (size < 8 ? value >> (8 - size) : value << (size - 8)) << position; };
    return part(rgb >> 16 & 0xff, format_.red_position, format_.red_size) | part(rgb >> 8 & 0xff, format_.green_position, format_.green_size) |
           part(rgb & 0xff, format_.blue_position, format_.blue_size);
}

Result<> PixelSurface::start(boot::Framebuffer const& framebuffer) {
    format_ = framebuffer;
    bytes_per_pixel_ = (framebuffer.bits_per_pixel + 7u) / 8;
    if (bytes_per_pixel_ < 2 || bytes_per_pixel_ > 4 || framebuffer.pitch < u64{framebuffer.width} * bytes_per_pixel_) return fail(ENODEV);
    if (!regular_.load(regular_font_file()) || !bold_.load(bold_font_file()) || regular_.height() != bold_.height()) return fail(ENODEV);
    scale_ = std::clamp<u32>(framebuffer.height / fine_display, 1, most_scale);
    margin_ = margin * scale_;
    if (framebuffer.width < 2 * margin_ || framebuffer.height < 2 * margin_) return fail(ENODEV);
    u32 const columns = (framebuffer.width - 2 * margin_) / (Font::width * scale_);
    u32 const rows = (framebuffer.height - 2 * margin_) / (regular_.height() * scale_);
    if (columns < fewest_columns || rows < fewest_rows) return fail(ENODEV);
    columns_ = static_cast<u16>(std::min<u32>(columns, ScreenCells::most_columns));
    rows_ = static_cast<u16>(std::min<u32>(rows, ScreenCells::most_rows));
    u64 const size = u64{framebuffer.pitch} * framebuffer.height;
    base_ = static_cast<u8*>(TRY(mm::kernel_space.map_mmio(framebuffer.address, size, arch::CacheMode::WriteCombining)));
    clear();
    return {};
}

void PixelSurface::clear() {
    Line line;
    u32 const words = glyph_line(0, 0, pixel(palette[0]), line);
    for (u32 y = 0; y < format_.height; ++y) {
        u8* to = base_ + u64{y} * format_.pitch;
        u8* const end = to + u64{format_.width} * bytes_per_pixel_;
        for (; to + words * sizeof(u64) <= end; to += words * sizeof(u64)) store_line(to, line.data(), words);
        for (u32 byte = 0; to < end; ++to, ++byte) *to = reinterpret_cast<u8 const*>(line.data())[byte];
    }
}

/// The usual case, 32 bits a pixel and no scale: draws two pixels at a time.
void PixelSurface::draw_pairs(u8* to, std::span<u8 const> glyph, u32 foreground, u32 background) const {
    u64 const dark = background, bright = foreground;
    u64 const pairs[4] = {dark << 32 | dark, bright << 32 | dark, dark << 32 | bright, bright << 32 | bright};
    for (u8 bits : glyph) {
        u64 const line[4] = {pairs[bits >> 6], pairs[bits >> 4 & 3], pairs[bits >> 2 & 3], pairs[bits & 3]};
        __builtin_memcpy(to, &line[0], 8);
        __builtin_memcpy(to + 8, &line[1], 8);
        __builtin_memcpy(to + 16, &line[2], 8);
        __builtin_memcpy(to + 24, &line[3], 8);
        to += format_.pitch;
    }
}

/// Puts 8 × scale_ pixels into `line`; returns how many words that takes.
u32 PixelSurface::glyph_line(u8 bits, u32 foreground, u32 background, Line& line) const {
    u8* to = reinterpret_cast<u8*>(line.data());
    for (u32 x = 0; x < Font::width; ++x, bits = static_cast<u8>(bits << 1)) {
        u32 const colour = bits & 0x80 ? foreground : background;
        for (u32 i = 0; i < scale_; ++i)
            for (u32 byte = 0; byte < bytes_per_pixel_; ++byte) *to++ = static_cast<u8>(colour >> 8 * byte);
    }
    return Font::width * scale_ * bytes_per_pixel_ / sizeof(u64);
}

/// The colour halfway from one to the other.
constexpr u32 between(u32 one, u32 other) { return (one >> 1 & 0x7f7f7f) + (other >> 1 & 0x7f7f7f); }

/// The first of a glyph's lines that the cursor covers. A bar covers columns instead.
u32 first_line_of(CursorShape shape, u32 height) {
    switch (shape) {
    case CursorShape::Block: return 0;
    case CursorShape::Underline: return height - 2;
    case CursorShape::LowerThird: return height - height / 3;
    case CursorShape::LowerHalf: return height / 2;
    case CursorShape::TwoThirds: return height / 3;
    default: return height;
    }
}

bool PixelSurface::set_look(Look const& look) {
    if (look == look_) return false;
    look_ = look;
    return true;
}

PixelSurface::Colours PixelSurface::colours(Pen const& pen) const {
    constexpr u8 bright = 8;
    bool const is_bright = (pen.flags & Pen::bold) && pen.foreground < bright, blinks = (pen.flags & Pen::blink) && pen.background < bright;
    u32 foreground = look_.rgb(static_cast<u8>(pen.foreground + (is_bright ? bright : 0)));
    u32 const background = look_.rgb(static_cast<u8>(pen.background + (blinks ? bright : 0)));   // as Linux shows what should blink
    if (pen.flags & Pen::dim) foreground = between(foreground, background);
    if (pen.flags & Pen::reverse) return {pixel(background), pixel(foreground)};
    return {pixel(foreground), pixel(background)};
}

void PixelSurface::draw(u16 column, u16 row, Cell const& cell) {
    auto const [flags, is_cursor] = std::pair(cell.pen.flags, (cell.pen.flags & Pen::cursor) != 0);
    auto [foreground, background] = colours(cell.pen);
    auto const glyph = (flags & Pen::bold ? bold_ : regular_).glyph(cell.character);
    u32 const height = regular_.height();
    u8* to = base_ + u64{margin_ + row * height * scale_} * format_.pitch + (margin_ + column * Font::width * scale_) * bytes_per_pixel_;
    bool const is_block = is_cursor && look_.cursor == CursorShape::Block;
    if (is_block) std::swap(foreground, background);
    bool const is_plain = !(flags & (Pen::underline | Pen::italic)) && (!is_cursor || is_block);
    if (bytes_per_pixel_ == 4 && scale_ == 1 && is_plain) return draw_pairs(to, glyph, foreground, background);
    u32 const cursor_line = is_cursor && !is_block ? first_line_of(look_.cursor, height) : height;
    bool const has_bar = is_cursor && look_.cursor == CursorShape::Bar;
    Line line;
    for (u32 y = 0; y < height; ++y) {
        u8 bits = glyph[y];
        if (flags & Pen::italic) bits = static_cast<u8>(y < height / 3 ? bits >> 1 : y >= height * 2 / 3 ? bits << 1 : bits);
        if ((flags & Pen::underline) && y + 2 == height) bits = 0xff;
        if (y >= cursor_line) bits = static_cast<u8>(~bits);
        if (has_bar) bits |= 0xc0;
        u32 const words = glyph_line(bits, foreground, background, line);
        for (u32 i = 0; i < scale_; ++i, to += format_.pitch) store_line(to, line.data(), words);
    }
}

}
