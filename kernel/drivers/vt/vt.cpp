// SPDX-License-Identifier: MIT
// The state machine of console_codes(4): sorts bytes into characters, control characters and sequences, and does what the short
// sequences say. It takes one byte at a time, so a sequence may be cut anywhere between two writes.
#include "kernel/drivers/vt/vt.h"

#include <algorithm>

namespace drivers {

namespace {

constexpr u32 largest_parameter = 65535;
constexpr u32 tab_width = 8;
/// ECMA-35: one more byte follows.
constexpr bool is_intermediate(u8 c) { return c >= 0x20 && c <= 0x2f; }
enum : u8 { bel = 7, bs = 8, ht = 9, lf = 10, vt = 11, ff = 12, cr = 13, so = 14, si = 15, can = 24, sub = 26, esc = 27, del = 127 };

}

void Vt::attach(std::span<Cell> cells, u16 columns, u16 rows, std::span<u16> history) {
    cells_.attach(cells, columns, rows, history);
    look_ = Look{};
    reset();
}

void Vt::reset() {
    pen_ = Pen{};
    sets_ = first_sets;
    code_offset_ = 0, utf8_ = true;
    shift(0);
    usual_pen_ = Pen{};
    wrap_ = true, insert_ = false, origin_ = false, newline_mode_ = false;
    cursor_visible_ = true, application_cursor_ = false, inverted_ = false;
    look_.cursor = CursorShape::Block;
    cells_.use_alternate(false);
    for (size_t i = 0; i < tab_stops_.size(); ++i) tab_stops_[i] = i % tab_width == 0;
    cells_.set_region(0, cells_.rows());
    cells_.fill_rows(0, cells_.rows(), pen_);
    cells_.move_to(0, 0);
    save();
}

void Vt::save() { saved_ = {cells_.column(), cells_.row(), pen_, sets_, chosen_set_, origin_}; }

void Vt::restore() {
    pen_ = saved_.pen, sets_ = saved_.sets, chosen_set_ = saved_.chosen, origin_ = saved_.origin;
    translation_ = sets_[chosen_set_];
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

size_t Vt::write(std::span<char const> bytes, u64 most_work) {
    cells_.end_view();
    u64 const start = cells_.work();
    size_t done = 0;
    while (done < bytes.size() && cells_.work() - start < most_work) byte(static_cast<u8>(bytes[done++]));
    return done;
}

void Vt::byte(u8 c) {
    switch (state_) {
    case State::Command: return command_byte(c);
    case State::Colour: return colour_byte(c);
    case State::Text:
    case State::TextEscape: return text_byte(c);
    default: break;
    }
    constexpr u32 always_control = 0x0800f501;   // NUL BS LF FF CR SO SI ESC: even while codes are shown
    bool const shown = shows_codes_ && state_ == State::Ground && (c >= 0x20 || !(always_control >> c & 1));
    if (!shown && (c < 0x20 || c == del)) return control_character(c);
    switch (state_) {
    case State::Escape: return escape(c);
    case State::EscapeArgument: return escape_argument(c);
    case State::Control: return control_byte(c);
    case State::FunctionKey: state_ = State::Ground; return;
    default: return ground_byte(c);
    }
}

/// Control characters act even in the middle of a sequence.
void Vt::control_character(u8 c) {
    end_character();
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
    case so: shift(1); break;
    case si: shift(0); break;
    case can:
    case sub: state_ = State::Ground; break;
    case esc: state_ = State::Escape; break;
    default: break;
    }
}

void Vt::tabulate() {
    u32 column = cells_.column() + 1u;
    if (column == cells_.columns()) return;   // in the last column, where the next character may be about to wrap
    while (column < cells_.columns() && !tab_stops_[column]) ++column;
    cells_.move_column(column);
}

void Vt::tabulate_back() {
    u32 column = cells_.column();
    while (column > 0 && !tab_stops_[--column]) {}
    cells_.move_column(column);
}

/// The first byte after ESC ]. P and R are Linux's own, set the palette, and do not end with BEL or ESC \\.
void Vt::command_byte(u8 c) {
    if (c == 'R') {
        look_.colours = Look{}.colours;
        state_ = State::Ground;
    } else if (c == 'P') {
        parameter_count_ = 0, colour_digits_ = 0;
        state_ = State::Colour;
    } else {
        state_ = State::Text;
        text_byte(c);
    }
}

/// Seven hexadecimal digits: a colour's number, red, green, blue.
void Vt::colour_byte(u8 c) {
    u8 const lower = c | 0x20;
    bool const is_digit = c >= '0' && c <= '9';
    if (!is_digit && (lower < 'a' || lower > 'f')) {
        state_ = State::Ground;
        return byte(c);
    }
    colour_digits_ = colour_digits_ << 4 | static_cast<u32>(is_digit ? c - '0' : lower - 'a' + 10);
    if (++parameter_count_ != 7) return;
    look_.colours[colour_digits_ >> 24] = colour_digits_ & 0xffffff;
    state_ = State::Ground;
}

/// Skips an operating system command (window titles and the like) or another string, up to BEL or ESC \.
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
    case ']': state_ = State::Command; break;
    case 'P':
    case '_':
    case '^':
    case 'X': state_ = State::Text; break;
    case '7': save(); break;
    case '8': restore(); break;
    case 'c': reset(); break;
    case 'D': cells_.line_feed(pen_); break;
    case 'E': cells_.line_feed(pen_), cells_.carriage_return(); break;
    case 'M': cells_.reverse_line_feed(pen_); break;
    case 'H': tab_stops_[cells_.column()] = true; break;
    case 'Z': reply("\x1b[?6c"); break;
    default:
        if (!is_intermediate(c)) break;
        state_ = State::EscapeArgument;
        intermediate_ = c;
        break;
    }
}

void Vt::escape_argument(u8 c) {
    if (is_intermediate(c)) return;
    state_ = State::Ground;
    switch (intermediate_) {
    case '(': return choose_charset(0, c);
    case ')': return choose_charset(1, c);
    case '%':
        if (c == '@') utf8_ = false;
        else if (c == 'G' || c == '8') utf8_ = true;
        continuation_bytes_ = 0;
        break;
    case '#':
        if (c == '8') show_test_pattern();
        break;
    default: break;
    }
}

/// DECALN, for adjusting a screen: fills it with E in the pen's colours. The cursor stays, as on Linux.
void Vt::show_test_pattern() {
    cells_.fill_all('E', {pen_.foreground, pen_.background, 0});
    cells_.end_wrap();
}

u32 Vt::parameter(size_t index, u32 otherwise) const {
    if (index >= parameter_count_ || parameters_[index] == 0) return otherwise;
    return parameters_[index];
}

/// A byte after ESC [: digits and ; collect parameters, 0x40 and above end the sequence.
void Vt::control_byte(u8 c) {
    if (c >= '0' && c <= '9') {
        if (parameter_count_ > most_parameters) return;
        u32& value = parameters_[parameter_count_ - 1];
        value = std::min(value * 10 + (c - '0'), largest_parameter);
    } else if (c == ';' || c == ':') {
        if (parameter_count_ <= most_parameters) ++parameter_count_;
    } else if (c == '[' && parameter_count_ == 1 && parameters_[0] == 0 && intermediate_ == 0) {
        state_ = State::FunctionKey;   // ESC [ [ A: a function key's echo, one more byte
    } else if (c >= 0x40) {
        state_ = State::Ground;
        parameter_count_ = std::min(parameter_count_, most_parameters);
        control_sequence(c);
    } else {
        intermediate_ = c;
    }
}

}
