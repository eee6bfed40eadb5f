// SPDX-License-Identifier: MIT
// Reads scan code sets 1 and 2 of a PC keyboard, and gives the keys Linux's numbers. Set 2 is first translated into set 1, so that one
// decoder serves both.
#include "kernel/drivers/keyboard/key_event.h"

#include <linux/input-event-codes.h>

namespace drivers {

namespace {

/// From set 2 to set 1, as a PC's controller translates. IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
/// Auxiliary Device Controller".
constexpr u8 translation[0x85] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
    0x80, 0x81, 0x82, 0x41, 0x54,
};

u8 extended_key_code(u8 key) {
    switch (key) {
    case 0x1c: return KEY_KPENTER;
    case 0x1d: return KEY_RIGHTCTRL;
    case 0x20: return KEY_MUTE;
    case 0x2e: return KEY_VOLUMEDOWN;
    case 0x30: return KEY_VOLUMEUP;
    case 0x35: return KEY_KPSLASH;
    case 0x37: return KEY_SYSRQ;
    case 0x38: return KEY_RIGHTALT;
    case pause_key: return KEY_PAUSE;
    case 0x47: return KEY_HOME;
    case 0x48: return KEY_UP;
    case 0x49: return KEY_PAGEUP;
    case 0x4b: return KEY_LEFT;
    case 0x4d: return KEY_RIGHT;
    case 0x4f: return KEY_END;
    case 0x50: return KEY_DOWN;
    case 0x51: return KEY_PAGEDOWN;
    case 0x52: return KEY_INSERT;
    case 0x53: return KEY_DELETE;
    case 0x5b: return KEY_LEFTMETA;
    case 0x5c: return KEY_RIGHTMETA;
    case 0x5d: return KEY_COMPOSE;
    case 0x5e: return KEY_POWER;
    default: return 0;   // also for the fake shifts around cursor keys
    }
}

}

u8 key_code(KeyEvent event) {
    if (event.extended) return extended_key_code(event.key);
    if (event.key <= KEY_KPDOT) return event.key;
    switch (event.key) {
    case 0x54: return KEY_SYSRQ;   // with alt
    case 0x56: return KEY_102ND;
    case 0x57: return KEY_F11;
    case 0x58: return KEY_F12;
    case 0x59: return KEY_KPEQUAL;
    case 0x70: return KEY_KATAKANAHIRAGANA;
    case 0x73: return KEY_RO;
    case 0x79: return KEY_HENKAN;
    case 0x7b: return KEY_MUHENKAN;
    case 0x7d: return KEY_YEN;
    case 0x7e: return KEY_KPCOMMA;
    default: return 0;
    }
}

std::optional<KeyEvent> ScanCodes::feed(u8 code) {
    constexpr u8 released = 0xf0;
    if (set_ == Set::One || code == 0xe0 || code == 0xe1) return feed_set_1(code);
    if (code == released) {
        released_ = true;
        return std::nullopt;
    }
    bool const up = released_;
    released_ = false;
    if (code >= sizeof translation) return std::nullopt;
    return feed_set_1(static_cast<u8>((translation[code] & 0x7f) | (up ? 0x80 : 0)));
}

std::optional<KeyEvent> ScanCodes::feed_set_1(u8 code) {
    constexpr u8 released = 0x80;
    if (code == 0xe0 || code == 0xe1) {
        prefix_ = code == 0xe0 ? Prefix::Extended : Prefix::Pause1;
        return std::nullopt;
    }
    bool const down = !(code & released);
    // Pause sends e1 1d 45 when it is pressed, and e1 9d c5 right after that.
    if (prefix_ == Prefix::Pause1) {
        prefix_ = Prefix::Pause2;
        return std::nullopt;
    }
    if (prefix_ == Prefix::Pause2) {
        prefix_ = Prefix::None;
        return KeyEvent{pause_key, true, down};
    }
    KeyEvent const event = {static_cast<u8>(code & ~released), prefix_ == Prefix::Extended, down};
    prefix_ = Prefix::None;
    return event;
}

}
