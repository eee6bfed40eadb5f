// SPDX-License-Identifier: MIT
// From bytes to characters and sequences: the state machine of console_codes(4).
#include "kernel/drivers/vt.h"

#include <algorithm>

namespace drivers {

namespace {

constexpr u32 replacement = 0xfffd;
constexpr u32 largest_parameter = 65535;
constexpr u32 tab_width = 8;
enum : u8 { bel = 7, bs = 8, ht = 9, lf = 10, vt = 11, ff = 12, cr = 13, so = 14, si = 15, can = 24, sub = 26, esc = 27, del = 127 };

/// VT100 line drawing for 0x5f … 0x7e.
constexpr u16 line_drawing[] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c,
    0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7};

struct Range { u32 first, last; };

bool is_in(std::span<Range const> ranges, u32 code_point) {
    return std::ranges::any_of(ranges, [=](Range r) { return code_point >= r.first && code_point <= r.last; });
}

/// Takes no column of its own: combining marks and invisible ones.
bool is_zero_width(u32 code_point) {
    static constexpr Range ranges[] = {{0x300, 0x36f}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
    return code_point >= 0x300 && is_in(ranges, code_point);
}

/// Takes two columns (East Asian Wide, emoji).
bool is_wide(u32 code_point) {
    static constexpr Range ranges[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    return code_point >= 0x1100 && is_in(ranges, code_point);
}

}

void Vt::attach(std::span<Cell> cells, u16 columns, u16 rows, std::span<u16> history) {
    cells_.attach(cells, columns, rows, history);
    look_ = Look{};
    reset();
}

void Vt::reset() {
    pen_ = Pen{};
    graphics_ = {};
    charset_ = 0;
    wrap_ = true, insert_ = false, origin_ = false, newline_mode_ = false;
    cursor_visible_ = true, application_cursor_ = false;
    for (size_t i = 0; i < tab_stops_.size(); ++i) tab_stops_[i] = i % tab_width == 0;
    cells_.set_region(0, cells_.rows());
    cells_.fill_rows(0, cells_.rows(), pen_);
    cells_.move_to(0, 0);
    save();
}

void Vt::save() { saved_ = {cells_.column(), cells_.row(), pen_, graphics_, charset_}; }

void Vt::restore() {
    pen_ = saved_.pen, graphics_ = saved_.graphics, charset_ = saved_.charset;
    cells_.move_to(saved_.column, saved_.row);
}

void Vt::reply(std::string_view text) {
    if (text.size() > reply_.size() - reply_length_) return;
    std::ranges::copy(text, reply_.begin() + reply_length_);
    reply_length_ = static_cast<u8>(reply_length_ + text.size());
}

std::string_view Vt::take_reply(std::span<char> buffer) {
    size_t const length = std::min<size_t>(buffer.size(), reply_length_);
    std::copy_n(reply_.begin(), length, buffer.begin());
    reply_length_ = 0;
    return {buffer.data(), length};
}

void Vt::begin_line() {
    cells_.end_view();
    if (cells_.column() == 0) return;
    cells_.line_feed(pen_);
    cells_.carriage_return();
}

void Vt::write_aside(std::string_view text, Pen const& pen) {
    for (char c : text) {
        if (c != '\n') {
            cells_.put(static_cast<u8>(c), pen);
            continue;
        }
        cells_.line_feed(Pen{});
        cells_.carriage_return();
    }
}

void Vt::write(std::span<char const> bytes) {
    cells_.end_view();
    for (char c : bytes) byte(static_cast<u8>(c));
}

void Vt::byte(u8 c) {
    if (state_ == State::Text || state_ == State::TextEscape) return text_byte(c);
    if (c < 0x20 || c == del) return control_character(c);
    switch (state_) {
    case State::Escape: return escape(c);
    case State::EscapeArgument: return escape_argument(c);
    case State::Control: return control_byte(c);
    default: break;
    }
    if (continuation_bytes_ != 0 && (c & 0xc0) == 0x80) {
        code_point_ = code_point_ << 6 | (c & 0x3f);
        if (--continuation_bytes_ == 0) character(code_point_ < least_code_point_ || code_point_ > 0x10ffff ? replacement : code_point_);
        return;
    }
    if (std::exchange(continuation_bytes_, 0) != 0) character(replacement);
    if (c < 0x80) return character(c);
    if (c < 0xc2 || c > 0xf4) return character(replacement);
    continuation_bytes_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    code_point_ = c & (0x3fu >> continuation_bytes_);
    least_code_point_ = c < 0xe0 ? 0x80 : c < 0xf0 ? 0x800 : 0x10000;
}

/// These act even in the midst of a sequence.
void Vt::control_character(u8 c) {
    continuation_bytes_ = 0;
    switch (c) {
    case bs: cells_.move_by(-1, 0); break;
    case ht: tabulate(); break;
    case lf:
    case vt:
    case ff:
        cells_.line_feed(pen_);
        if (newline_mode_) cells_.carriage_return();
        break;
    case cr: cells_.carriage_return(); break;
    case so: charset_ = 1; break;
    case si: charset_ = 0; break;
    case can:
    case sub: state_ = State::Ground; break;
    case esc: state_ = State::Escape; break;
    default: break;
    }
}

void Vt::tabulate() {
    u32 column = cells_.column() + 1u;
    while (column < cells_.columns() && !tab_stops_[column]) ++column;
    cells_.move_column(column);
}

void Vt::character(u32 code_point) {
    if (graphics_[charset_] && code_point >= 0x5f && code_point <= 0x7e) code_point = line_drawing[code_point - 0x5f];
    if (is_zero_width(code_point)) return;
    auto const wrap = wrap_ ? ScreenCells::Wrap::Yes : ScreenCells::Wrap::No;
    auto const insert = insert_ ? ScreenCells::Insert::Yes : ScreenCells::Insert::No;
    cells_.put(static_cast<u16>(code_point > 0xffff ? replacement : code_point), pen_, wrap, insert);
    if (is_wide(code_point)) cells_.put(' ', pen_, wrap, insert);
}

/// An operating system command (window titles and the like): up to BEL or ESC \, for nothing.
void Vt::text_byte(u8 c) {
    if (c == bel || c == can || c == sub || (state_ == State::TextEscape && c == '\\')) state_ = State::Ground;
    else state_ = c == esc ? State::TextEscape : State::Text;
}

void Vt::start_sequence() {
    state_ = State::Control;
    intermediate_ = 0;
    parameters_ = {};
    parameter_count_ = 1;
}

void Vt::escape(u8 c) {
    state_ = State::Ground;
    switch (c) {
    case '[': return start_sequence();
    case ']':
    case 'P':
    case '_':
    case '^':
    case 'X': state_ = State::Text; break;
    case '(':
    case ')':
    case '#':
    case '%':
    case ' ':
        state_ = State::EscapeArgument;
        intermediate_ = c;
        break;
    case '7': save(); break;
    case '8': restore(); break;
    case 'c': reset(); break;
    case 'D': cells_.line_feed(pen_); break;
    case 'E': cells_.line_feed(pen_), cells_.carriage_return(); break;
    case 'M': cells_.reverse_line_feed(pen_); break;
    case 'H': tab_stops_[cells_.column()] = true; break;
    case 'Z': reply("\x1b[?6c"); break;
    default: break;
    }
}

void Vt::escape_argument(u8 c) {
    state_ = State::Ground;
    if (intermediate_ == '(' || intermediate_ == ')') graphics_[intermediate_ == ')'] = c == '0';
    if (intermediate_ == '#' && c == '8') {
        for (u16 row = 0; row < cells_.rows(); ++row) {
            cells_.move_to(0, row);
            for (u16 column = 0; column < cells_.columns(); ++column) cells_.put('E', pen_, ScreenCells::Wrap::No);
        }
        cells_.move_to(0, 0);
    }
}

u32 Vt::parameter(size_t index, u32 otherwise) const {
    if (index >= parameter_count_ || parameters_[index] == 0) return otherwise;
    return parameters_[index];
}

/// A byte after ESC [: digits and ; collect, 0x40 … 0x7e end the sequence.
void Vt::control_byte(u8 c) {
    if (c >= '0' && c <= '9') {
        if (parameter_count_ > most_parameters) return;
        u32& value = parameters_[parameter_count_ - 1];
        value = std::min(value * 10 + (c - '0'), largest_parameter);
    } else if (c == ';' || c == ':') {
        if (parameter_count_ <= most_parameters) ++parameter_count_;
    } else if (c >= 0x40) {
        state_ = State::Ground;
        parameter_count_ = std::min(parameter_count_, most_parameters);
        control_sequence(c);
    } else {
        intermediate_ = c;
    }
}

}
