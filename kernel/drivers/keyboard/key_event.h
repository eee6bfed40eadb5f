// SPDX-License-Identifier: MIT
// KeyEvent: what every keyboard reports, whatever it is plugged into. Keys have the numbers of scan code set 1.
#pragma once

#include <optional>

#include <base/types.h>

namespace drivers {

struct KeyEvent {
    u8 key = 0;               ///< scan code of set 1 without its top bit
    bool extended = false;    ///< the second key of this number, which a PC keyboard marks with e0
    bool down = false;        ///< pressed, or repeated
    constexpr bool operator==(KeyEvent const&) const = default;
};

/// Pause has a sequence of its own, and is reported like Ctrl-Pause (Break).
constexpr u8 pause_key = 0x46;   ///< extended

/// The number of the event's key in Linux's keymaps (linux/input-event-codes.h), below 128; 0: it has none.
u8 key_code(KeyEvent event);

/// Turns a keyboard's bytes into events; each keyboard that sends bytes has its own.
class ScanCodes {
public:
    enum class Set : u8 { One, Two };   ///< of the bytes; a PC's controller translates the keyboard's set 2 into set 1
    constexpr ScanCodes() = default;
    constexpr explicit ScanCodes(Set set) : set_(set) {}
    std::optional<KeyEvent> feed(u8 code);
private:
    enum class Prefix : u8 { None, Extended, Pause1, Pause2 };
    std::optional<KeyEvent> feed_set_1(u8 code);

    Set set_ = Set::One;
    Prefix prefix_ = Prefix::None;
    bool released_ = false;             ///< in set 2: the next key was released
};

}
