// SPDX-License-Identifier: MIT
// Interprets one key event. The order of decisions is a Linux console's: raw modes, shifts, caps lock, then the symbol's type.
#include "kernel/drivers/keyboard/keymap.h"

#include <algorithm>

namespace drivers {

namespace {

/// The characters with which accents are looked up, by the values of the dead keys' symbols.
constexpr std::string_view dead_marks = "`'^~\",_U.*=cki#o!?+-)(:n;$@";
static_assert(dead_marks.size() == NR_DEAD);

constexpr std::string_view keypad_characters = "0123456789+-*/\r,.?()";
static_assert(keypad_characters.size() == NR_PAD);

constexpr u8 first_typed_key = 0xf0;   ///< from here on a symbol's upper byte is a type

}

// ---------------------------------------------------------------- state

u8 Keymap::lights() const { return shown_->lights != ConsoleKeys::lights_show_locks ? shown_->lights : shown_->locks; }

u8 Keymap::shift_state() const {
    u8 state = 0;
    for (unsigned i = 0; i < 8; ++i) state |= static_cast<u8>((shift_counts_[i] != 0) << i);
    return static_cast<u8>((state | shown_->next_shift) ^ shown_->shift_locks);
}

/// Notes that the key is down or up. True: it was down before.
bool Keymap::note_key(u8 code, bool down) {
    u64& word = held_[code / 64];
    u64 const bit = u64{1} << code % 64;
    bool const before = word & bit;
    word = down ? word | bit : word & ~bit;
    return before;
}

// ---------------------------------------------------------------- bytes

/// Types a character in UTF-8, or in Latin-1 if the console is in K_XLATE.
void Keymap::emit(u32 character, KeyPress& press) const {
    auto const byte = [&press](u32 value) {
        char const c = static_cast<char>(value);
        press.append({&c, 1});
    };
    if (character < 0x80) return byte(character);
    if (shown_->mode == K_XLATE) {
        if (character <= 0xff) byte(character);
        return;
    }
    if (character < 0x800) return byte(0xc0 | character >> 6), byte(0x80 | (character & 0x3f));
    if (character < 0x10000) {
        byte(0xe0 | character >> 12);
    } else {
        if (character > 0x10ffff) return;
        byte(0xf0 | character >> 18), byte(0x80 | (character >> 12 & 0x3f));
        return byte(0x80 | (character >> 6 & 0x3f)), byte(0x80 | (character & 0x3f));
    }
    byte(0x80 | (character >> 6 & 0x3f)), byte(0x80 | (character & 0x3f));
}

/// K_RAW: codes of set 1; K_MEDIUMRAW: key codes, which are below 128. Bit 7: the key was released.
void Keymap::raw(KeyEvent event, u8 code, KeyPress& press) const {
    char const up = event.down ? 0 : static_cast<char>(0x80);
    auto const one = [&press](u8 prefix, u8 value, char bit) {
        char const pair[] = {static_cast<char>(prefix), static_cast<char>(value | bit)};
        press.append(std::string_view(pair, 2).substr(prefix ? 0 : 1));
    };
    if (shown_->mode == K_MEDIUMRAW) return one(0, code, up);
    if (event.extended && event.key == pause_key) return one(0xe1, 0x1d, up), one(0, 0x45, up);
    one(event.extended ? 0xe0 : 0, event.key, up);
}

// ---------------------------------------------------------------- characters

/// The character that the waiting mark and this one make together; without a match the mark is typed first.
u32 Keymap::accented(u32 character, KeyPress& press) {
    u32 const mark = std::exchange(waiting_mark_, 0);
    for (::kbdiacruc const& accent : tables_.accents())
        if (accent.diacr == mark && accent.base == character) return accent.result;
    if (character == ' ' || character == mark) return mark;
    emit(mark, press);
    return character;
}

void Keymap::character(u32 character, KeyPress& press) {
    if (waiting_mark_) character = accented(character, press);
    if (std::exchange(compose_, false)) {
        waiting_mark_ = character;
        return;
    }
    emit(character, press);
}

void Keymap::dead(u32 mark, KeyPress& press) { waiting_mark_ = waiting_mark_ ? accented(mark, press) : mark; }

void Keymap::meta(u8 value, KeyPress& press) const {
    if (shown_->meta == K_METABIT) return emit(value | 0x80u, press);
    emit(0x1b, press);
    emit(value, press);
}

void Keymap::enter(KeyPress& press) {
    if (u32 const mark = std::exchange(waiting_mark_, 0)) emit(mark, press);
    emit('\r', press);
}

// ---------------------------------------------------------------- alt and a number

/// `value` 0 to 9: a decimal digit; from 10 on: a hexadecimal one.
void Keymap::digit_of_number(u8 value) {
    u32 const base = value < 10 ? 10 : 16;
    if (value >= 10) value = static_cast<u8>(value - 10);
    number_ = (number_ == no_number ? 0 : std::min(number_, 0x10ffffu) * base) + value;
}

void Keymap::end_number(KeyPress& press) {
    if (number_ == no_number) return;
    emit(shown_->mode == K_UNICODE ? number_ : number_ & 0xff, press);
    number_ = no_number;
}

// ---------------------------------------------------------------- shifts and locks

void Keymap::shift(u8 value, Stroke const& stroke) {
    if (stroke.repeated || value >= NR_SHIFT) return;
    if (value == KG_CAPSSHIFT) {
        value = KG_SHIFT;
        stroke.press.lights_changed = shown_->locks & LED_CAP;
        shown_->locks &= static_cast<u8>(~LED_CAP);
    }
    shift_of_[stroke.code] = static_cast<u8>(value + 1);
    ++shift_counts_[value];
}

/// A key ends the shift that it began, whatever it means with the keys held now.
void Keymap::release_shift(Stroke const& stroke) {
    u8 const value = std::exchange(shift_of_[stroke.code], u8{0});
    if (value == 0) return;
    if (--shift_counts_[value - 1u] == 0) end_number(stroke.press);
}

void Keymap::toggle(u8 lock, Stroke const& stroke) {
    if (stroke.repeated) return;
    shown_->locks ^= lock;
    stroke.press.lights_changed = true;
}

// ---------------------------------------------------------------- what is not a character

void Keymap::special(u8 value, Stroke const& stroke) {
    KeyPress& press = stroke.press;
    switch (K(KT_SPEC, value)) {
    case K_ENTER: return enter(press);
    case K_CONS: press.screen.last = true; return;
    case K_CAPS: return toggle(LED_CAP, stroke);
    case K_CAPSON:
        if (!(shown_->locks & LED_CAP)) toggle(LED_CAP, stroke);
        return;
    case K_NUM:
    case K_BARENUMLOCK: return toggle(LED_NUM, stroke);
    case K_HOLD: return toggle(LED_SCR, stroke);
    case K_SCROLLFORW: press.screen.half_pages = -1; return;
    case K_SCROLLBACK: press.screen.half_pages = 1; return;
    case K_BOOT: press.restart_machine = true; return;
    case K_COMPOSE: compose_ = true; return;
    case K_DECRCONSOLE: press.screen.step = -1; return;
    case K_INCRCONSOLE: press.screen.step = 1; return;
    default: return;   // on Linux, these print the kernel's state or kill the console's programs
    }
}

void Keymap::cursor(u8 value, Stroke const& stroke) const {
    constexpr std::string_view finals = "BDCA";
    if (value >= finals.size()) return;
    char const sequence[] = {'\x1b', stroke.application_cursor ? 'O' : '[', finals[value]};
    stroke.press.append({sequence, sizeof sequence});
}

void Keymap::keypad(u8 value, Stroke const& stroke) {
    if (value >= NR_PAD) return;
    if (shown_->locks & LED_NUM) return emit(static_cast<u8>(keypad_characters[value]), stroke.press);
    auto const function = [&](u16 symbol) { stroke.press.append(tables_.function(static_cast<u8>(KVAL(symbol)))); };
    switch (K(KT_PAD, value)) {
    case K_PCOMMA:
    case K_PDOT: return function(K_REMOVE);
    case K_P0: return function(K_INSERT);
    case K_P1: return function(K_SELECT);
    case K_P2: return cursor(KVAL(K_DOWN), stroke);
    case K_P3: return function(K_PGDN);
    case K_P4: return cursor(KVAL(K_LEFT), stroke);
    case K_P5: return stroke.press.append("\x1b[G");
    case K_P6: return cursor(KVAL(K_RIGHT), stroke);
    case K_P7: return function(K_FIND);
    case K_P8: return cursor(KVAL(K_UP), stroke);
    case K_P9: return function(K_PGUP);
    default: return emit(static_cast<u8>(keypad_characters[value]), stroke.press);
    }
}

// ---------------------------------------------------------------- one event

namespace {

bool is_letter(KeySymbol symbol) { return symbol >> 8 == (first_typed_key | KT_LETTER); }

}

/// What the key means with the shifts held; K_HOLE if there is no table for them.
KeySymbol Keymap::symbol_of(Stroke const& stroke) const {
    u8 const state = shift_state();
    if (!tables_.table(state)) return exchange_symbol(K_HOLE);
    KeySymbol const symbol = tables_.symbol(state, stroke.code);
    if (!(shown_->locks & LED_CAP) || !is_letter(symbol)) return symbol;
    u8 const other = state ^ (1 << KG_SHIFT);
    KeySymbol const shifted = tables_.table(other) ? tables_.symbol(other, stroke.code) : symbol;
    // If shift makes a digit of the key, caps lock still makes a capital letter: é becomes É, not 2.
    constexpr u8 first_accented = 0xc0, case_bit = 0x20;
    return is_letter(shifted) || KVAL(symbol) < first_accented ? shifted : static_cast<KeySymbol>(symbol & ~u32{case_bit});
}

void Keymap::interpret(KeySymbol symbol, Stroke const& stroke) {
    if (symbol >> 8 < first_typed_key) {
        shown_->next_shift = 0;
        return character(symbol, stroke.press);
    }
    u8 const type = static_cast<u8>((symbol >> 8) - first_typed_key), value = static_cast<u8>(symbol);
    if (type != KT_SLOCK && type != KT_SHIFT) shown_->next_shift = 0;
    switch (type) {
    case KT_LATIN:
    case KT_LETTER: return character(value, stroke.press);
    case KT_META: return meta(value, stroke.press);
    case KT_FN: return stroke.press.append(tables_.function(value));
    case KT_SPEC: return special(value, stroke);
    case KT_PAD: return keypad(value, stroke);
    case KT_DEAD: return value < dead_marks.size() ? dead(static_cast<u8>(dead_marks[value]), stroke.press) : void();
    case KT_DEAD2: return dead(value, stroke.press);
    case KT_CONS: stroke.press.screen.console = value < Keymap::console_count ? static_cast<u8>(value + 1) : 0; return;
    case KT_CUR: return cursor(value, stroke);
    case KT_SHIFT: return shift(value, stroke);
    case KT_ASCII: return digit_of_number(value);
    case KT_LOCK:
        if (!stroke.repeated && value < 8) shown_->shift_locks ^= static_cast<u8>(1 << value);
        return;
    case KT_SLOCK:
        shift(value, stroke);
        if (!stroke.repeated && value < 8) shown_->next_shift ^= static_cast<u8>(1 << value);
        return;
    default: return;
    }
}

KeyPress Keymap::feed(KeyEvent event, bool application_cursor) {
    KeyPress press;
    u8 const code = key_code(event);
    if (code == 0 || code >= Layout::key_count) return press;
    Stroke const stroke{press, code, event.down, note_key(code, event.down), application_cursor};
    bool const is_raw = shown_->mode == K_RAW || shown_->mode == K_MEDIUMRAW;
    if (is_raw) raw(event, code, press);
    if (!event.down) {
        release_shift(stroke);
        return press;
    }
    KeySymbol const symbol = symbol_of(stroke);
    bool const silent = is_raw || shown_->mode == K_OFF;
    if (!silent || symbol >> 8 == (first_typed_key | KT_SHIFT)) interpret(symbol, stroke);
    return press;
}

}
