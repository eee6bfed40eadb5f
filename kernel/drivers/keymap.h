// SPDX-License-Identifier: MIT
// Keymap: keys to the bytes that a Linux console sends, US layout; console_codes(4),
// keyboard(5). Pure; owned by KeyInput.
#pragma once

#include <array>
#include <string_view>

#include "kernel/drivers/key_event.h"

namespace drivers {

/// What a key asks of the screen instead of a program.
struct ScreenCommand {
    u8 console = 0;        ///< bring this one to the front, counted from 1; 0: none
    i8 step = 0;           ///< … or the next used one, forwards or backwards
    i8 half_pages = 0;     ///< look back (positive) or forward by so many halves of a screen
    constexpr bool is_any() const { return console != 0 || step != 0 || half_pages != 0; }
    constexpr bool operator==(ScreenCommand const&) const = default;
};

/// What one event meant.
struct KeyPress {
    std::array<char, 8> bytes{};
    u8 length = 0;
    bool restart_machine = false;   ///< Ctrl-Alt-Del
    bool lights_changed = false;    ///< lights() is different now
    ScreenCommand screen;
    std::string_view text() const { return {bytes.data(), length}; }
};

class Keymap {
public:
    constexpr Keymap() = default;
    /// `application_cursor`: arrows send ESC O instead of ESC [ (DECCKM).
    KeyPress feed(KeyEvent event, bool application_cursor = false);
    /// The keyboard's lights as its command 0xed wants them: 1 scroll, 2 num, 4 caps.
    u8 lights() const { return static_cast<u8>(scroll_lock_ | num_lock_ << 1 | caps_lock_ << 2); }

private:
    bool shift() const { return left_shift_ || right_shift_; }
    bool control() const { return left_control_ || right_control_; }
    bool alt() const { return left_alt_ || right_alt_; }
    bool modifier(u8 key, bool extended, bool down);
    bool lock(u8 key, KeyPress& press);
    bool screen_key(u8 key, bool extended, KeyPress& press) const;
    void extended_key(u8 key, bool application_cursor, KeyPress& press) const;
    void keypad(u8 key, bool application_cursor, KeyPress& press) const;
    void plain(u8 key, KeyPress& press) const;
    void character(char byte, KeyPress& press) const;

    bool left_shift_ = false, right_shift_ = false, left_control_ = false, right_control_ = false;
    bool left_alt_ = false, right_alt_ = false;
    bool caps_lock_ = false, num_lock_ = false, scroll_lock_ = false;
};

}
