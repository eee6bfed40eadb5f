// SPDX-License-Identifier: MIT
// Turns bytes into characters and puts them into the cells: UTF-8, the character sets of the VT100 and of the PC, and how many columns
// a character takes. Wrong UTF-8 is shown as U+FFFD.
#include <utility>

#include "kernel/drivers/vt/code_page.h"
#include "kernel/drivers/vt/vt.h"

namespace drivers {

namespace {

constexpr u32 replacement = 0xfffd;
constexpr u32 control_sequence_introducer = 0x9b;   ///< ESC [ as one character
constexpr u32 last_of_plane = 0xffff;

/// VT100 line drawing for 0x5f … 0x7e.
constexpr u16 line_drawing[] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2591, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c,
    0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7};

constexpr u16 drawn(u8 c) {
    if (c >= 0x5f && c <= 0x7e) return line_drawing[c - 0x5f];
    switch (c) {   // arrows and a block, as Linux has them
    case '+': return 0x2192;
    case ',': return 0x2190;
    case '-': return 0x2191;
    case '.': return 0x2193;
    case '0': return 0x2588;
    default: return c;
    }
}

struct Range { u32 first, last; };

bool is_in(std::span<Range const> ranges, u32 code_point) {
    return std::ranges::any_of(ranges, [=](Range r) { return code_point >= r.first && code_point <= r.last; });
}

/// Whether a character takes no column of its own: combining marks and invisible characters.
bool is_zero_width(u32 code_point) {
    static constexpr Range ranges[] = {{0x300, 0x36f}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
    return code_point >= 0x300 && is_in(ranges, code_point);
}

/// Whether it takes two columns (East Asian Wide, emoji).
bool is_wide(u32 code_point) {
    static constexpr Range ranges[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    return code_point >= 0x1100 && is_in(ranges, code_point);
}

}

void Vt::ground_byte(u8 c) {
    if (utf8_ && !shows_codes_) utf8_byte(c);
    else plain_byte(c | code_offset_);
}

void Vt::utf8_byte(u8 c) {
    if (continuation_bytes_ != 0 && (c & 0xc0) == 0x80) {
        code_point_ = code_point_ << 6 | (c & 0x3f);
        if (--continuation_bytes_ != 0) return;
        bool const is_surrogate = code_point_ >= 0xd800 && code_point_ <= 0xdfff;
        bool const is_wrong = code_point_ < least_code_point_ || code_point_ > 0x10ffff || is_surrogate;
        return character(is_wrong ? replacement : code_point_);
    }
    end_character();
    if (c < 0x80) return character(c);   // as on Linux, ESC ( has no meaning here
    if (c < 0xc2 || c > 0xf4) return character(replacement);
    continuation_bytes_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    code_point_ = c & (0x3fu >> continuation_bytes_);
    least_code_point_ = c < 0xe0 ? 0x80 : c < 0xf0 ? 0x800 : 0x10000;
}

/// Shows that a UTF-8 character was cut short, if one was.
void Vt::end_character() {
    if (std::exchange(continuation_bytes_, 0) != 0) character(replacement);
}

/// SO or SI.
void Vt::shift(u8 set) {
    chosen_set_ = set;
    translation_ = sets_[set];
    shows_codes_ = set != 0;
}

/// A byte that is not UTF-8: a character of the chosen set.
void Vt::plain_byte(u8 c) {
    if (translation_ == Charset::CodePage || c == 0x7f) return character(code_page_character(c));
    if (c >= 0x20) character(translation_ == Charset::LineDrawing ? drawn(c) : c);
}

void Vt::choose_charset(u8 slot, u8 name) {
    switch (name) {
    case 'B': sets_[slot] = Charset::Latin; break;
    case '0': sets_[slot] = Charset::LineDrawing; break;
    case 'U':
    case 'K': sets_[slot] = Charset::CodePage; break;   // K: on Linux a table that programs may load; none is loaded here
    default: break;
    }
    if (slot == chosen_set_) translation_ = sets_[slot];
}

void Vt::character(u32 code_point) {
    if (code_point == control_sequence_introducer) return start_sequence();
    if (is_zero_width(code_point)) return;
    auto const wrap = wrap_ ? ScreenCells::Wrap::Yes : ScreenCells::Wrap::No;
    auto const insert = insert_ ? ScreenCells::Insert::Yes : ScreenCells::Insert::No;
    bool const wide = is_wide(code_point);
    // A wide character is not split at the end of a line.
    if (wide && wrap_ && cells_.column() + 1 == cells_.columns()) cells_.put(' ', pen_, wrap, insert);
    cells_.put(static_cast<u16>(code_point > last_of_plane ? replacement : code_point), pen_, wrap, insert);
    if (wide) cells_.put(' ', pen_, wrap, insert);
    last_character_ = code_point;
}

}
