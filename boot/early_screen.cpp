// SPDX-License-Identifier: MIT
// Draws characters cell by cell and remembers each cell, so that scrolling reads no screen memory and draws only what
// changes. Glyphs come straight from the font file (boot/font.S), whose first characters are ASCII.
// Only a panicking CPU draws, and only the boot CPU, while it is alone, moves the screen: no lock.
#include <boot/early_screen.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <arch/io.h>
#include <arch/paging.h>
#include <boot/boot_info.h>

extern "C" u8 const font_regular_start[];
extern "C" u64 boot_page_tables[];

namespace boot {

namespace {

constexpr u32 glyph_width = 8, glyph_height = 16, font_header = 4;
constexpr u32 fine_display = 1080, most_scale = 4;       // the screen's driver scales by the same rule
constexpr u32 most_columns = 160, most_rows = 100;
constexpr u32 text_columns = 80, text_rows = 25;
constexpr PhysAddr text_memory{0xb8000};
constexpr u8 text_colour = 0x0f;

/// True if the VGA is as firmware leaves it: text at 0xb8000. (VGA, graphics controller register 6.)
bool vga_shows_text() {
    constexpr u16 graphics_index = 0x3ce;
    arch::out8(graphics_index, 6);
    u8 const value = arch::in8(graphics_index + 1);
    return value != 0xff && (value & 0x0d) == 0x0c;
}

/// boot_info's screen, or the text screen that a loader without a framebuffer tag has left.
Framebuffer find() {
    Framebuffer const& given = boot_info.framebuffer;
    if (given.kind != Framebuffer::Kind::None) return given;
    if (boot_info.uefi || !vga_shows_text()) return {};
    Framebuffer text;
    text.kind = Framebuffer::Kind::Text;
    text.address = text_memory;
    text.width = text_columns, text.height = text_rows, text.pitch = text_columns * 2;
    return text;
}

class EarlyScreen final : public base::LogSink {
public:
    constexpr EarlyScreen() = default;
    bool prepare();
    void write(std::string_view text) override;
    void move(void* window) { base_ = static_cast<u8 volatile*>(window), moved_ = true; }
    void end() { ended_ = true; }

private:
    void next_line();
    void put(u32 column, u32 row, char c);
    void draw_pixels(u32 column, u32 row, char c);

    Framebuffer screen_;
    u8 volatile* base_ = nullptr;
    bool prepared_ = false, moved_ = false, ended_ = false;
    u32 bytes_per_pixel_ = 0, scale_ = 1, columns_ = 0, rows_ = 0, column_ = 0, row_ = 0;
    char cells_[most_rows][most_columns] = {};
};

constinit EarlyScreen the_screen;

bool EarlyScreen::prepare() {
    if (ended_) return false;
    if (prepared_) return base_ && columns_ != 0;
    prepared_ = true;
    screen_ = find();
    if (!moved_) base_ = static_cast<u8 volatile*>(arch::direct_map(screen_.address));
    if (screen_.kind == Framebuffer::Kind::Text) {
        columns_ = std::min(screen_.width, most_columns), rows_ = std::min(screen_.height, most_rows);
    } else if (screen_.kind == Framebuffer::Kind::Linear) {
        bytes_per_pixel_ = (screen_.bits_per_pixel + 7u) / 8;
        if (bytes_per_pixel_ < 2 || bytes_per_pixel_ > 4 || screen_.pitch < u64{screen_.width} * bytes_per_pixel_) return false;
        scale_ = std::clamp<u32>(screen_.height / fine_display, 1, most_scale);
        columns_ = std::min(screen_.width / (glyph_width * scale_), most_columns);
        rows_ = std::min(screen_.height / (glyph_height * scale_), most_rows);
    }
    if (rows_ == 0) columns_ = 0;
    return base_ && columns_ != 0;
}

void EarlyScreen::write(std::string_view text) {
    for (char const c : text) {
        if (c == '\n' || column_ == columns_) next_line();
        if (c == '\n') continue;
        put(column_++, row_, c);
    }
}

/// At the last row, all rows scroll up.
void EarlyScreen::next_line() {
    column_ = 0;
    if (++row_ < rows_) {
        for (u32 column = 0; column < columns_; ++column) put(column, row_, ' ');
        return;
    }
    --row_;
    for (u32 row = 0; row < rows_; ++row)
        for (u32 column = 0; column < columns_; ++column) put(column, row, row + 1 < rows_ ? cells_[row + 1][column] : ' ');
}

void EarlyScreen::put(u32 column, u32 row, char c) {
    if (static_cast<u8>(c) < ' ' || static_cast<u8>(c) > '~') c = c == 0 ? ' ' : '?';
    if (std::exchange(cells_[row][column], c) == c) return;
    if (screen_.kind == Framebuffer::Kind::Linear) return draw_pixels(column, row, c);
    u8 volatile* const cell = base_ + u64{row} * screen_.pitch + column * 2;
    cell[0] = static_cast<u8>(c);
    cell[1] = text_colour;
}

/// White on black: all ones and all zeros in every format.
void EarlyScreen::draw_pixels(u32 column, u32 row, char c) {
    u8 const* const glyph = font_regular_start + font_header + static_cast<u8>(c) * glyph_height;
    u8 volatile* line = base_ + u64{row} * glyph_height * scale_ * screen_.pitch + u64{column} * glyph_width * scale_ * bytes_per_pixel_;
    for (u32 y = 0; y < glyph_height * scale_; ++y, line += screen_.pitch) {
        u8 volatile* to = line;
        for (u32 x = 0; x < glyph_width * scale_; ++x) {
            u8 const value = glyph[y / scale_] >> (glyph_width - 1 - x / scale_) & 1 ? 0xff : 0;
            for (u32 byte = 0; byte < bytes_per_pixel_; ++byte, ++to) *to = value;
        }
    }
}

}

base::LogSink* early_screen() { return the_screen.prepare() ? &the_screen : nullptr; }

EarlyScreenMemory early_screen_memory() {
    Framebuffer const screen = find();
    u64 const size = u64{screen.pitch} * screen.height;
    return {screen.address, size, screen.kind == Framebuffer::Kind::Linear};
}

void early_screen_move(void* window) { the_screen.move(window); }
void early_screen_end() { the_screen.end(); }

void show_in_boot_tables(u64* tables, u64 place, PhysAddr address) {
    constexpr u64 present_writable = 3, large_page = 0x83, words = page_size / sizeof(u64);
    constexpr u64 low_pointers = 1, spare_pointers = 7, spare_directory = 8;   // pages of the tables
    u64 const top = address.value() >> 39, gib_index = address.value() >> 30;
    u64 const pointers = top == 0 ? low_pointers : spare_pointers;
    for (u64 i = 0; i < words; ++i)
        tables[spare_directory * words + i] = (gib_index << 30 | i << 21) | large_page;
    tables[pointers * words + gib_index % words] = (place + spare_directory * page_size) | present_writable;
    tables[words / 2 + top] = (place + pointers * page_size) | present_writable;
}

void early_screen_show() {
    constexpr u64 shown = 4 * gib, direct_map_size = 64 * 1024 * gib;
    u64 const address = boot_info.framebuffer.address.value();
    if (boot_info.framebuffer.kind != Framebuffer::Kind::Linear || address < shown || address >= direct_map_size) return;
    show_in_boot_tables(boot_page_tables, reinterpret_cast<u64>(boot_page_tables) - arch::kernel_image_base, boot_info.framebuffer.address);
    arch::tlb_flush_all();
}

}
