// SPDX-License-Identifier: MIT
// What the sequences ESC [ … do: cursor, erasing, editing, modes, colours, reports. The size of the screen bounds the work of each,
// whatever its parameters, since the console's owner has interrupts off.
#include <algorithm>

#include <base/format.h>

#include "kernel/drivers/vt/vt.h"

namespace drivers {

namespace {

/// ECMA-48 numbers colours red 1, green 2, blue 4; so does the palette.
constexpr u8 bright = 8;

/// The nearest colour of the 6×6×6 cube at 16 … 231.
constexpr u8 cube_colour(u32 red, u32 green, u32 blue) {
    auto const level = [](u32 value) { return value < 48 ? 0u : value < 115 ? 1u : (std::min(value, 255u) - 35) / 40; };
    return static_cast<u8>(16 + 36 * level(red) + 6 * level(green) + level(blue));
}

}

void Vt::control_sequence(u8 final) {
    if (intermediate_ != 0) return private_sequence(final);
    u32 const count = parameter(0, 1);
    switch (final) {
    case '@': cells_.insert_cells(count, pen_); break;
    case 'J': erase_display(parameters_[0]); break;
    case 'K': erase_line(parameters_[0]); break;
    case 'L': cells_.insert_lines(count, pen_); break;
    case 'M': cells_.delete_lines(count, pen_); break;
    case 'P': cells_.delete_cells(count, pen_); break;
    case 'I':
        for (u32 i = 0; i < count && cells_.column() + 1 < cells_.columns(); ++i) tabulate();
        break;
    case 'S': cells_.scroll(ScreenCells::Shift::Up, count, pen_); break;
    case 'T': cells_.scroll(ScreenCells::Shift::Down, count, pen_); break;
    case 'X':
        cells_.fill_row(cells_.row(), cells_.column(), cells_.column() + count, pen_);
        cells_.end_wrap();
        break;
    case 'Z':
        for (u32 i = 0; i < count && cells_.column() > 0; ++i) tabulate_back();
        break;
    case ']':
        if (parameters_[0] == 8) usual_pen_ = {pen_.foreground, pen_.background, 0};   // setterm --store
        break;
    case 'b': repeat(count); break;
    case 'c': reply("\x1b[?6c"); break;
    case 'g':
        if (parameters_[0] == 0) tab_stops_[cells_.column()] = false;
        else if (parameters_[0] == 3) tab_stops_ = {};
        break;
    case 'h': set_modes(true); break;
    case 'l': set_modes(false); break;
    case 'm': set_attributes(); break;
    case 'n': report(parameters_[0]); break;
    case 'r': set_region(); break;
    case 's': save(); break;
    case 'u': restore(); break;
    default: move_cursor(final); break;
    }
}

/// A sequence with a byte between ESC [ and the numbers, or before the letter.
void Vt::private_sequence(u8 final) {
    if (intermediate_ == '?' && (final == 'h' || final == 'l')) return set_modes(final == 'h');
    if (intermediate_ == '?' && final == 'c') return set_cursor_shape(parameters_[0]);
    if (intermediate_ == ' ' && final == 'q') return set_cursor_style(parameters_[0]);
}

/// Linux's ESC [ ? n c; the colours that it gives software cursors are ignored.
void Vt::set_cursor_shape(u32 linux_number) {
    constexpr CursorShape shapes[] = {CursorShape::Block,      CursorShape::Hidden,    CursorShape::Underline, CursorShape::LowerThird,
                                      CursorShape::LowerHalf, CursorShape::TwoThirds, CursorShape::Block};
    u32 const shape = linux_number & 0xf;
    look_.cursor = shape < std::size(shapes) ? shapes[shape] : CursorShape::Block;
}

/// DECSCUSR: block, underline, bar, each first in a blinking form; no cursor blinks here.
void Vt::set_cursor_style(u32 number) {
    if (number <= 2) look_.cursor = CursorShape::Block;
    else if (number <= 4) look_.cursor = CursorShape::Underline;
    else if (number <= 6) look_.cursor = CursorShape::Bar;
}

void Vt::repeat(u32 count) {
    count = std::min<u32>(count, cells_.columns());   // because interrupts are off
    u32 const repeated = last_character_;
    for (u32 i = 0; i < count; ++i) character(repeated);
}

/// Origin mode counts rows from the top of the scrolling region and stays in it.
void Vt::position(u32 column, u32 row) {
    if (origin_) row = std::min<u32>(row + cells_.region_top(), cells_.region_bottom() - 1u);
    cells_.move_to(column, row);
}

/// Moves by rows, in origin mode only within the scrolling region.
void Vt::move_rows(i32 count) {
    i32 const first = origin_ ? cells_.region_top() : 0, last = (origin_ ? cells_.region_bottom() : cells_.rows()) - 1;
    cells_.move_to(cells_.column(), static_cast<u32>(std::clamp(cells_.row() + count, first, last)));
}

void Vt::move_cursor(u8 final) {
    i32 const count = static_cast<i32>(parameter(0, 1));
    switch (final) {
    case 'A': move_rows(-count); break;
    case 'B':
    case 'e': move_rows(count); break;
    case 'C':
    case 'a': cells_.move_by(count, 0); break;
    case 'D': cells_.move_by(-count, 0); break;
    case 'E': move_rows(count), cells_.move_column(0); break;
    case 'F': move_rows(-count), cells_.move_column(0); break;
    case 'G':
    case '`': cells_.move_column(static_cast<u32>(count - 1)); break;
    case 'd': position(cells_.column(), static_cast<u32>(count - 1)); break;
    case 'H':
    case 'f': position(parameter(1, 1) - 1, static_cast<u32>(count - 1)); break;
    default: break;
    }
}

void Vt::erase_display(u32 what) {
    u16 const row = cells_.row();
    if (what == 0) {
        erase_line(0);
        cells_.fill_rows(row + 1u, cells_.rows(), pen_);
    } else if (what == 1) {
        erase_line(1);
        cells_.fill_rows(0, row, pen_);
    } else if (what == 2 || what == 3) {
        cells_.fill_rows(0, cells_.rows(), pen_);
        cells_.end_wrap();
        if (what == 3) cells_.forget_history();
    }
}

void Vt::erase_line(u32 what) {
    u32 const from = what == 0 ? cells_.column() : 0;
    u32 const to = what == 1 ? cells_.column() + 1u : cells_.columns();
    if (what <= 2) cells_.fill_row(cells_.row(), from, to, pen_);
    cells_.end_wrap();
}

void Vt::set_region() {
    u32 const top = parameter(0, 1) - 1, bottom = parameter(1, cells_.rows());
    if (top + 1 >= bottom || bottom > cells_.rows()) return;
    cells_.set_region(top, bottom);
    position(0, 0);
}

void Vt::set_modes(bool on) {
    for (size_t i = 0; i < parameter_count_; ++i) {
        if (intermediate_ == '?') set_private_mode(parameters_[i], on);
        else if (parameters_[i] == 4) insert_ = on;
        else if (parameters_[i] == 20) newline_mode_ = on;
    }
}

void Vt::set_private_mode(u32 mode, bool on) {
    switch (mode) {
    case 1: application_cursor_ = on; break;
    case 5:
        if (inverted_ != on) cells_.mark_all();
        inverted_ = on;
        break;
    case 6:
        origin_ = on;
        position(0, 0);
        break;
    case 7: wrap_ = on; break;
    case 25:
        cursor_visible_ = on;
        cells_.mark_row();   // so that it is drawn again
        break;
    case 47:
    case 1047: cells_.use_alternate(on); break;
    case 1049: use_alternate(on); break;
    default: break;
    }
}

/// Also saves the cursor and empties the screen, and restores the cursor at the end, as full-screen programs expect.
void Vt::use_alternate(bool on) {
    if (on == cells_.is_alternate()) return;
    if (on) save();
    cells_.use_alternate(on);
    if (on) cells_.fill_rows(0, cells_.rows(), pen_);
    else restore();
}

/// SGR 10 … 12: bytes are characters of the chosen set, of the PC's code page, or of its upper half.
void Vt::choose_font(u32 which) {
    shows_codes_ = which != 10;
    translation_ = shows_codes_ ? Charset::CodePage : sets_[chosen_set_];
    code_offset_ = which == 12 ? 0x80 : 0;
}

void Vt::set_attributes() {
    for (size_t i = 0; i < parameter_count_; ++i) {
        if (parameters_[i] == 38) i = set_extended_colour(i, pen_.foreground);
        else if (parameters_[i] == 48) i = set_extended_colour(i, pen_.background);
        else set_attribute(parameters_[i]);
    }
}

/// 38;5;N and 38;2;R;G;B. Returns the index of the last parameter that belongs to the colour.
size_t Vt::set_extended_colour(size_t index, u8& colour) {
    size_t const left = parameter_count_ - index - 1;
    if (left >= 2 && parameters_[index + 1] == 5) {
        colour = static_cast<u8>(std::min(parameters_[index + 2], 255u));
        return index + 2;
    }
    if (left >= 4 && parameters_[index + 1] == 2) {
        colour = cube_colour(parameters_[index + 2], parameters_[index + 3], parameters_[index + 4]);
        return index + 4;
    }
    return parameter_count_ - 1;
}

void Vt::set_attribute(u32 value) {
    auto const set = [&](u8 flag, bool on) { pen_.flags = static_cast<u8>(on ? pen_.flags | flag : pen_.flags & ~flag); };
    switch (value) {
    case 0: pen_ = usual_pen_; break;
    case 1: set(Pen::dim, false), set(Pen::bold, true); break;
    case 2: set(Pen::bold, false), set(Pen::dim, true); break;
    case 3: set(Pen::italic, true); break;
    case 4:
    case 21: set(Pen::underline, true); break;
    case 5:
    case 6: set(Pen::blink, true); break;
    case 7: set(Pen::reverse, true); break;
    case 10:
    case 11:
    case 12: choose_font(value); break;
    case 22: set(Pen::bold | Pen::dim, false); break;
    case 23: set(Pen::italic, false); break;
    case 24: set(Pen::underline, false); break;
    case 25: set(Pen::blink, false); break;
    case 27: set(Pen::reverse, false); break;
    case 39: pen_.foreground = usual_pen_.foreground; break;
    case 49: pen_.background = usual_pen_.background; break;
    default:
        if (value >= 30 && value <= 37) pen_.foreground = static_cast<u8>(value - 30);
        else if (value >= 40 && value <= 47) pen_.background = static_cast<u8>(value - 40);
        else if (value >= 90 && value <= 97) pen_.foreground = static_cast<u8>(value - 90 + bright);
        else if (value >= 100 && value <= 107) pen_.background = static_cast<u8>(value - 100 + bright);
        break;
    }
}

void Vt::report(u32 what) {
    if (what == 5) return reply("\x1b[0n");
    if (what != 6) return;
    char text[16];
    base::BufferWriter writer(text);
    base::format_to(writer, "\x1b[{};{}R", cells_.row() + 1 - (origin_ ? cells_.region_top() : 0), cells_.column() + 1);
    reply(writer.text());
}

}
