// SPDX-License-Identifier: MIT
// The US layout and the escape sequences of TERM=linux.
#include "kernel/drivers/keymap.h"

namespace drivers {

namespace {

enum Key : u8 {
    key_backspace = 0x0e, key_tab = 0x0f, key_control = 0x1d, key_left_shift = 0x2a, key_right_shift = 0x36, key_alt = 0x38,
    key_caps_lock = 0x3a, key_f1 = 0x3b, key_f10 = 0x44, key_num_lock = 0x45, key_scroll_lock = 0x46, key_home = 0x47, key_pad_minus = 0x4a,
    key_pad_plus = 0x4e, key_page_up = 0x49, key_left = 0x4b,
    key_right = 0x4d, key_page_down = 0x51, key_delete = 0x53, key_f11 = 0x57, key_f12 = 0x58, key_enter = 0x1c, key_slash = 0x35, key_pad_star = 0x37,
};

// Index: scan code. 0: no character.
constexpr char layout[] = "\0\x1b" "1234567890-=" "\x7f\t" "qwertyuiop[]" "\r\0" "asdfghjkl;'`" "\0" "\\zxcvbnm,./" "\0*\0 ";
constexpr char shifted[] = "\0\x1b" "!@#$%^&*()_+" "\x7f\t" "QWERTYUIOP{}" "\r\0" "ASDFGHJKL:\"~" "\0" "|ZXCVBNM<>?" "\0*\0 ";
static_assert(sizeof layout == 0x3b && sizeof shifted == 0x3b);

constexpr u8 key_between_shift_and_z = 0x56;   ///< of keyboards with 102 keys

// From key_home to key_delete: the digit with num lock, else the final byte or number of the sequence.
constexpr std::string_view pad_digits = "789-456+1230.";
constexpr std::string_view pad_finals = "1A5-DGC+4B623";   // letter: ESC [ letter; digit: ESC [ digit ~

constexpr std::string_view function_keys[] = {"[[A", "[[B", "[[C", "[[D", "[[E", "[17~", "[18~", "[19~", "[20~", "[21~", "[23~", "[24~"};

constexpr bool is_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

void append(KeyPress& press, std::string_view text) {
    for (char c : text)
        if (press.length < press.bytes.size()) press.bytes[press.length++] = c;
}

void cursor_sequence(char final, bool application_cursor, KeyPress& press) {
    if (final >= '0' && final <= '9') {
        char const sequence[] = {'\x1b', '[', final, '~'};
        return append(press, {sequence, sizeof sequence});
    }
    char const sequence[] = {'\x1b', application_cursor && final != 'G' ? 'O' : '[', final};
    append(press, {sequence, sizeof sequence});
}

/// What Ctrl makes of a character; itself where it makes nothing.
char with_control(char c) {
    if (is_letter(c) || (c >= '[' && c <= '_')) return static_cast<char>(c & 0x1f);
    switch (c) {
    case ' ':
    case '@':
    case '`':
    case '2': return '\0';
    case '3': return '\x1b';
    case '4': return '\x1c';
    case '5': return '\x1d';
    case '6': return '\x1e';
    case '7':
    case '/':
    case '-': return '\x1f';
    case '8':
    case '?': return '\x7f';
    case '\x7f': return '\b';
    default: return c;
    }
}

}

bool Keymap::modifier(u8 key, bool extended, bool down) {
    switch (key) {
    case key_left_shift:
        if (!extended) left_shift_ = down;   // extended: the fake shifts around cursor keys
        return true;
    case key_right_shift:
        if (!extended) right_shift_ = down;
        return true;
    case key_control: (extended ? right_control_ : left_control_) = down; return true;
    case key_alt: (extended ? right_alt_ : left_alt_) = down; return true;
    default: return false;
    }
}

bool Keymap::lock(u8 key, KeyPress& press) {
    switch (key) {
    case key_caps_lock: caps_lock_ = !caps_lock_; break;
    case key_num_lock: num_lock_ = !num_lock_; break;
    case key_scroll_lock: scroll_lock_ = !scroll_lock_; break;
    default: return false;
    }
    press.lights_changed = true;
    return true;
}

void Keymap::character(char byte, KeyPress& press) const {
    if (control()) byte = with_control(byte);
    if (alt()) append(press, "\x1b");
    append(press, {&byte, 1});
}

/// Alt-F1 … F12 and Alt with left and right switch consoles, Shift-PgUp and PgDn look back.
bool Keymap::screen_key(u8 key, bool extended, KeyPress& press) const {
    if (!extended && alt() && key >= key_f1 && key <= key_f10) press.screen.console = static_cast<u8>(1 + key - key_f1);
    else if (!extended && alt() && (key == key_f11 || key == key_f12)) press.screen.console = static_cast<u8>(11 + key - key_f11);
    else if (extended && alt() && (key == key_left || key == key_right)) press.screen.step = key == key_left ? -1 : 1;
    else if (extended && shift() && (key == key_page_up || key == key_page_down)) press.screen.half_pages = key == key_page_up ? 1 : -1;
    return press.screen.is_any();
}

void Keymap::extended_key(u8 key, bool application_cursor, KeyPress& press) const {
    if (key == key_enter) return character('\r', press);
    if (key == key_slash) return character('/', press);
    if (key < key_home || key > key_delete) return;
    if (key == key_delete && control() && alt()) {
        press.restart_machine = true;
        return;
    }
    char const final = pad_finals[key - key_home];
    if (final != '-' && final != '+' && final != 'G') cursor_sequence(final, application_cursor, press);
}

void Keymap::keypad(u8 key, bool application_cursor, KeyPress& press) const {
    char const digit = pad_digits[key - key_home];
    if (key == key_pad_minus || key == key_pad_plus || num_lock_ != shift()) return character(digit, press);
    if (key == key_delete && control() && alt()) {
        press.restart_machine = true;
        return;
    }
    cursor_sequence(pad_finals[key - key_home], application_cursor, press);
}

void Keymap::plain(u8 key, KeyPress& press) const {
    if (key == key_tab && shift()) return append(press, "\x1b[Z");
    if (key == key_between_shift_and_z) return character(shift() ? '>' : '<', press);
    if (key >= sizeof layout - 1 || layout[key] == '\0') return;
    bool const upper = shift() != (caps_lock_ && is_letter(layout[key]));
    character(upper ? shifted[key] : layout[key], press);
}

KeyPress Keymap::feed(KeyEvent event, bool application_cursor) {
    KeyPress press;
    auto const [key, extended, down] = event;
    if (modifier(key, extended, down) || !down) return press;
    if (screen_key(key, extended, press)) return press;
    if (extended) extended_key(key, application_cursor, press);
    else if (lock(key, press)) {
    } else if (key >= key_home && key <= key_delete) keypad(key, application_cursor, press);
    else if (key >= key_f1 && key <= key_f10) append(press, "\x1b"), append(press, function_keys[key - key_f1]);
    else if (key == key_f11 || key == key_f12) append(press, "\x1b"), append(press, function_keys[10 + key - key_f11]);
    else plain(key, press);
    return press;
}

}
