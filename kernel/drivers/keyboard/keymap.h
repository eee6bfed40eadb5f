// SPDX-License-Identifier: MIT
// Keymap: turns keys into the bytes that a Linux console sends; console_codes(4), keymaps(5), ioctl_console(2).
// Pure; KeyInput owns and locks it.
#pragma once

#include <array>
#include <string_view>

#include "kernel/drivers/keyboard/key_event.h"
#include "kernel/drivers/keyboard/key_tables.h"

namespace drivers {

/// What a key asks of the screen, rather than sending it to a program.
struct ScreenCommand {
    u8 console = 0;         ///< bring this console to the front, counted from 1; 0: none
    i8 step = 0;            ///< … or the next used one, forwards or backwards
    bool last = false;      ///< … or the one that was in front before
    i8 half_pages = 0;      ///< look back (positive) or forward by this many halves of a screen
    constexpr bool is_any() const { return console != 0 || step != 0 || last || half_pages != 0; }
    constexpr bool operator==(ScreenCommand const&) const = default;
};

/// What one event meant.
struct KeyPress {
    static constexpr size_t capacity = 512 + 8;   ///< the longest function string, and a waiting character
    std::array<char, capacity> bytes;
    u16 length = 0;
    ScreenCommand screen;
    bool restart_machine = false;   ///< Ctrl-Alt-Del
    bool lights_changed = false;    ///< lights() has changed
    std::string_view text() const { return {bytes.data(), length}; }
    void append(std::string_view text) {
        for (char c : text)
            if (length < capacity) bytes[length++] = c;
    }
};

/// The keyboard state that each console has of its own.
struct ConsoleKeys {
    static constexpr u8 lights_show_locks = 0xff;
    u8 mode = K_UNICODE;                    ///< KDSKBMODE
    u8 meta = K_ESCPREFIX;                  ///< KDSKBMETA
    u8 locks = 0, initial_locks = 0;        ///< LED_*, KDSKBLED
    u8 lights = lights_show_locks;          ///< LED_* of KDSETLED
    u8 shift_locks = 0, next_shift = 0;     ///< bits KG_*: locked until pressed again; for the next key only
};

class Keymap {
public:
    static constexpr unsigned console_count = 63;   ///< as many as Linux has

    constexpr Keymap() = default;
    /// `application_cursor`: arrows send ESC O instead of ESC [ (DECCKM).
    KeyPress feed(KeyEvent event, bool application_cursor = false);
    /// The lights, as a keyboard's command 0xed wants them: 1 scroll, 2 num, 4 caps.
    u8 lights() const;

    KeyTables& tables() { return tables_; }
    /// From here on keys go to console `number`, 1 to console_count.
    void show_console(unsigned number) { shown_ = &consoles_[number - 1]; }
    /// `number` 0: the console that is shown.
    ConsoleKeys& console(unsigned number) { return number ? consoles_[number - 1] : *shown_; }

private:
    /// One event that is being interpreted.
    struct Stroke {
        KeyPress& press;
        u8 code;
        bool down, repeated, application_cursor;
    };
    static constexpr u32 no_number = ~0u;

    bool note_key(u8 code, bool down);
    void raw(KeyEvent event, u8 code, KeyPress& press) const;
    KeySymbol symbol_of(Stroke const& stroke) const;
    void interpret(KeySymbol symbol, Stroke const& stroke);
    void shift(u8 value, Stroke const& stroke);
    void release_shift(Stroke const& stroke);
    void special(u8 value, Stroke const& stroke);
    void keypad(u8 value, Stroke const& stroke);
    void cursor(u8 value, Stroke const& stroke) const;
    void character(u32 character, KeyPress& press);
    void dead(u32 mark, KeyPress& press);
    u32 accented(u32 character, KeyPress& press);
    void meta(u8 value, KeyPress& press) const;
    void digit_of_number(u8 value);
    void end_number(KeyPress& press);
    void enter(KeyPress& press);
    void toggle(u8 lock, Stroke const& stroke);
    void emit(u32 character, KeyPress& press) const;
    u8 shift_state() const;

    KeyTables tables_;
    std::array<ConsoleKeys, console_count> consoles_{};
    ConsoleKeys* shown_ = &consoles_[0];
    std::array<u64, 2> held_{};                         ///< a bit for each key: it is down
    std::array<u8, Layout::key_count> shift_of_{};      ///< 1 + the KG_* that a held key began; 0: none
    std::array<u8, NR_SHIFT> shift_counts_{};           ///< how many keys are held for each KG_*
    u32 waiting_mark_ = 0;                              ///< a dead key's or Compose's first character
    bool compose_ = false;                              ///< the next character becomes waiting_mark_
    u32 number_ = no_number;                            ///< the character number typed so far with alt and the keypad
};

}
