// SPDX-License-Identifier: MIT
// Vt: reads the bytes that programs write to a Linux console (TERM=linux; console_codes(4), ECMA-48, UTF-8) and applies them to the
// cells. An unknown sequence is read to its end and ignored. Pure; the owner locks it.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "kernel/drivers/vt/console_look.h"
#include "kernel/drivers/vt/screen_cells.h"

namespace drivers {

class Vt {
public:
    constexpr Vt() = default;
    void attach(std::span<Cell> cells, u16 columns, u16 rows, std::span<u16> history = {});   // as ScreenCells

    /// Reads programs' output and returns how many bytes it has read. It stops after the byte with which the cells' work() has grown by
    /// `most_work`: the one sequence that this byte ends may write a whole screen.
    size_t write(std::span<char const> bytes, u64 most_work = ~u64{0});
    /// Writes text that is not a program's, from the cursor on: begin_line() comes first. It touches neither the pen nor a sequence that is
    /// half read. Only '\n' has a meaning.
    void write_aside(std::string_view text, Pen const& pen);
    /// Ends a program's unfinished line, so that write_aside() text begins a new one.
    void begin_line();

    ScreenCells& cells() { return cells_; }
    ScreenCells const& cells() const { return cells_; }
    bool is_cursor_visible() const { return cursor_visible_; }
    bool is_inverted() const { return inverted_; }
    Look const& look() const { return look_; }
    bool application_cursor() const { return application_cursor_; }
    /// Takes what the terminal has to answer (cursor position, identity).
    std::string_view take_reply(std::span<char> buffer);
    bool has_reply() const { return reply_length_ != 0; }

private:
    enum class State : u8 { Ground, Escape, Control, FunctionKey, EscapeArgument, Command, Colour, Text, TextEscape };
    enum class Charset : u8 { Latin, LineDrawing, CodePage };
    static constexpr size_t most_parameters = 16;
    static constexpr std::array<Charset, 2> first_sets{Charset::Latin, Charset::LineDrawing};

    struct Saved {
        u16 column = 0, row = 0;
        Pen pen;
        std::array<Charset, 2> sets = first_sets;
        u8 chosen = 0;
        bool origin = false;
    };

    // vt.cpp: bytes to sequences
    void byte(u8 c);
    void control_character(u8 c);
    void text_byte(u8 c);
    void ground_byte(u8 c);
    void utf8_byte(u8 c);
    void end_character();
    void plain_byte(u8 c);
    void command_byte(u8 c);
    void colour_byte(u8 c);
    void character(u32 code_point);
    void escape(u8 c);
    void escape_argument(u8 c);
    void control_byte(u8 c);
    void start_sequence();
    u32 parameter(size_t index, u32 otherwise) const;
    void reset();
    void save();
    void restore();
    void tabulate();
    void tabulate_back();
    void show_test_pattern();
    void choose_charset(u8 slot, u8 name);
    void shift(u8 set);
    void reply(std::string_view text);

    // vt_sequences.cpp: what ESC [ … does
    void control_sequence(u8 final);
    void move_cursor(u8 final);
    void erase_display(u32 what);
    void erase_line(u32 what);
    void set_region();
    void set_modes(bool on);
    void set_private_mode(u32 mode, bool on);
    void set_attributes();
    size_t set_extended_colour(size_t index, u8& colour);
    void set_attribute(u32 value);
    void report(u32 what);
    void position(u32 column, u32 row);
    void move_rows(i32 count);
    void repeat(u32 count);
    void use_alternate(bool on);
    void choose_font(u32 which);
    void set_cursor_shape(u32 linux_number);
    void set_cursor_style(u32 number);
    void private_sequence(u8 final);

    ScreenCells cells_;
    Look look_;
    Pen pen_, usual_pen_;                          ///< the pen now; the one to which SGR 0, 39, 49 return
    Saved saved_;
    State state_ = State::Ground;
    u8 intermediate_ = 0;                          ///< the byte between ESC and its argument; or ? > = of a sequence
    std::array<u32, most_parameters> parameters_{};
    size_t parameter_count_ = 0;
    u32 code_point_ = 0;                           ///< a UTF-8 character that is half read …
    u32 least_code_point_ = 0;                     ///< … and the least that it may be: below, it is overlong
    u8 continuation_bytes_ = 0;
    std::array<Charset, 2> sets_ = first_sets;     ///< G0, G1
    u8 chosen_set_ = 0;
    Charset translation_ = Charset::Latin;         ///< what bytes mean that are not UTF-8: the chosen set, or that of SGR 11
    u32 last_character_ = ' ';                     ///< what REP repeats
    u32 colour_digits_ = 0;                        ///< of ESC ] P: the hexadecimal digits so far
    bool utf8_ = true;
    bool shows_codes_ = false;                     ///< SO, SGR 11, 12: every byte is a character, even most controls; none is UTF-8
    u8 code_offset_ = 0;                           ///< SGR 12: leads to the upper half
    bool wrap_ = true, insert_ = false, origin_ = false, newline_mode_ = false;
    bool cursor_visible_ = true, application_cursor_ = false, inverted_ = false;
    std::array<bool, ScreenCells::most_columns> tab_stops_{};
    std::array<char, 32> reply_{};
    u8 reply_length_ = 0;
};

}
