// SPDX-License-Identifier: MIT
// Output half of the line discipline: OPOST translation, the column, echoes. Echoes go before program output: write() sends
// nothing while one waits for room.
#include "kernel/tty/line_discipline.h"

#include <algorithm>
#include <utility>

namespace tty {

namespace {

/// The longest translation of one byte: a tab.
constexpr size_t longest_translation = 8;

/// Bytes that no output flag but OLCUC changes.
constexpr bool is_plain(char byte) { return static_cast<u8>(byte) >= 0x20 && byte != 0x7f; }

}

/// Translates `byte` by the output flags and moves the column. Returns the number of bytes in `out`.
size_t LineDiscipline::translate(char byte, std::span<char, 8> out) {
    tcflag_t const flags = settings_.c_oflag;
    out[0] = byte;
    if (!(flags & OPOST)) return 1;
    if (byte == '\r') {
        if ((flags & ONOCR) && column_ == 0) return 0;
        bool const stays = flags & OCRNL;
        if (stays) out[0] = '\n';
        if (!stays || (flags & ONLRET)) line_column_ = column_ = 0;
        return 1;
    }
    if (byte == '\n') {
        if (flags & (ONLRET | ONLCR)) column_ = 0;
        line_column_ = column_;
        if (!(flags & ONLCR)) return 1;
        out[0] = '\r', out[1] = '\n';
        return 2;
    }
    if (byte == '\t') {
        size_t const spaces = 8 - column_ % 8;
        column_ += static_cast<u32>(spaces);
        if ((flags & TABDLY) != XTABS) return 1;
        std::fill_n(out.begin(), spaces, ' ');
        return spaces;
    }
    if (byte == '\b') return column_ -= column_ > 0, 1;
    if (is_plain(byte)) {
        if ((flags & OLCUC) && byte >= 'a' && byte <= 'z') out[0] = static_cast<char>(byte - 'a' + 'A');
        column_ += !is_continuation(byte);
    }
    return 1;
}

size_t LineDiscipline::write(std::span<char const> bytes, LineHost& host) {
    flush_echo(host);
    if (stopped_ || echo_head_ != echo_tail_) return 0;
    if (!(settings_.c_oflag & OPOST)) {
        size_t const count = std::min(bytes.size(), host.output_room());
        if (count) host.send(bytes.first(count));
        return count;
    }
    bool const runs = !(settings_.c_oflag & OLCUC);
    size_t done = 0, room = host.output_room();
    while (done < bytes.size() && room >= longest_translation) {
        size_t run = 0;
        while (runs && run < room && done + run < bytes.size() && is_plain(bytes[done + run]))
            column_ += !is_continuation(bytes[done + run++]);
        if (run) {
            host.send(bytes.subspan(done, run));
            done += run, room -= run;
            continue;
        }
        std::array<char, longest_translation> out;
        size_t const length = translate(bytes[done++], out);
        if (length) host.send({out.data(), length});
        room -= length;
    }
    return done;
}

void LineDiscipline::stop(LineHost& host) {
    if (std::exchange(stopped_, true)) return;
    host.flow_changed(true);
}

void LineDiscipline::start(LineHost& host) {
    if (held_ || !std::exchange(stopped_, false)) return;
    host.flow_changed(false);
    flush_echo(host);
}

void LineDiscipline::hold(LineHost& host) {
    held_ = true;
    stop(host);
}

void LineDiscipline::let_go(LineHost& host) {
    if (std::exchange(held_, false)) start(host);
}

void LineDiscipline::flush_echo(LineHost& host) {
    if (stopped_) return;
    while (echo_tail_ != echo_head_) {
        u32 const start = echo_tail_ % echo_capacity;
        u32 const contiguous = std::min<u32>(echo_head_ - echo_tail_, static_cast<u32>(echo_capacity) - start);
        size_t const count = std::min<size_t>(contiguous, host.output_room());
        if (count == 0) return;
        host.send({&echo_[start], count});
        echo_tail_ += static_cast<u32>(count);
    }
}

/// An echo that finds no room is lost, as in Linux; the input is kept.
void LineDiscipline::echo_output(char byte) {
    if (has_echo_room()) echo_[echo_head_++ % echo_capacity] = byte;
}

void LineDiscipline::echo_raw(char byte) {
    std::array<char, longest_translation> out;
    size_t const length = translate(byte, out);
    for (size_t i = 0; i < length; ++i) echo_output(out[i]);
}

void LineDiscipline::echo(char byte) {
    bool const control = !is_plain(byte) && byte != '\t';
    if (!control || !local(ECHOCTL)) return echo_raw(byte);
    echo_raw('^');
    echo_raw(static_cast<char>(byte ^ 0x40));
}

}
