// SPDX-License-Identifier: MIT
// Erasing in the line being typed: how far back a character or a word reaches, and the echo that erases it on the screen. Only
// bytes from line_start_ on can be erased.
#include "kernel/tty/line_discipline.h"

#include <utility>

namespace tty {

namespace {

constexpr bool is_control(char byte) { return static_cast<u8>(byte) < 0x20 || byte == 0x7f; }
/// Letters, digits and '_'; above ASCII the letters of Latin-1, as in Linux: these bytes also begin multi-byte characters.
constexpr bool is_word(char byte) {
    u8 const c = static_cast<u8>(byte);
    if (c >= 0xc0) return c != 0xd7 && c != 0xf7;
    return (c >= '0' && c <= '9') || (c < 0x80 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

}

/// The position of the character that ends before `position`; `position` itself if its first byte is not in the line.
u32 LineDiscipline::character_start(u32 position) const {
    u32 start = position;
    do --start;
    while (start != line_start_ && is_continuation(at(start)));
    return is_continuation(at(start)) ? position : start;
}

u32 LineDiscipline::erase_start(Erase kind) const {
    if (kind == Erase::Character) return character_start(head_);
    u32 start = head_;
    bool seen_word = false;
    while (start != line_start_) {
        u32 const previous = character_start(start);
        if (previous == start) break;
        if (kind == Erase::Word) {
            if (is_word(at(previous))) seen_word = true;
            else if (seen_word) break;
        }
        start = previous;
    }
    return start;
}

/// How many columns the echo of `byte` moves a cursor at `column`.
u32 LineDiscipline::columns_of(char byte, u32 column) const {
    if (byte == '\t') return 8 - column % 8;
    if (is_control(byte)) return local(ECHOCTL) ? 2 : 0;
    return is_continuation(byte) ? 0 : 1;
}

/// The column, modulo 8, at which `position` is shown; only the text after the previous tab counts.
u32 LineDiscipline::column_at(u32 position) const {
    u32 column = 0;
    while (position != line_start_) {
        if (at(--position) == '\t') return column;
        column += columns_of(at(position), 0);
    }
    return column + line_column_;
}

void LineDiscipline::erase(Erase kind) {
    if (head_ == line_start_) return;
    if (!local(ECHO)) {
        head_ = kind == Erase::Line ? line_start_ : erase_start(kind);
        return;
    }
    if (kind == Erase::Line && !(local(ECHOK) && local(ECHOKE) && local(ECHOE))) return kill_without_erasing();
    u32 const start = erase_start(kind);
    while (head_ != start) {
        u32 const end = head_;
        head_ = character_start(end);
        echo_erasure(kind, head_, end);
    }
    if (head_ == line_start_) finish_erasing();
}

/// Echoes the erasure of one character, `first` to `end`, which has left the line.
void LineDiscipline::echo_erasure(Erase kind, u32 first, u32 end) {
    if (local(ECHOPRT)) {
        if (!erasing_) echo_raw('\\');
        erasing_ = true;
        echo(at(first));
        for (u32 i = first + 1; i != end; ++i) echo_raw(at(i));
        return;
    }
    if (kind == Erase::Character && !local(ECHOE)) return echo(static_cast<char>(settings_.c_cc[VERASE]));
    u32 const width = at(first) == '\t' ? columns_of('\t', column_at(first)) : columns_of(at(first), 0);
    for (u32 i = 0; i < width; ++i) {
        echo_raw('\b');
        if (at(first) != '\t') echo_raw(' '), echo_raw('\b');
    }
}

void LineDiscipline::finish_erasing() {
    if (std::exchange(erasing_, false)) echo_raw('/');
}

void LineDiscipline::kill_without_erasing() {
    head_ = line_start_;
    finish_erasing();
    echo(static_cast<char>(settings_.c_cc[VKILL]));
    if (local(ECHOK)) echo_raw('\n');
}

/// Stops when there is no room for echoes: a program that sends this character a thousand times must not cost a whole line each time.
void LineDiscipline::reprint() {
    echo_raw('\n');
    line_column_ = column_;
    for (u32 i = line_start_; i != head_ && has_echo_room(); ++i) echo(at(i));
}

}
