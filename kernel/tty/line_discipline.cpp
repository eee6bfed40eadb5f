// SPDX-License-Identifier: MIT
// Input half of the line discipline: the meaning of each typed byte. The order of the
// checks (flow control, signals, CR and NL, editing, text) is that of Linux's n_tty.
#include "kernel/tty/line_discipline.h"

#include <algorithm>

namespace tty {

namespace {

constexpr char disabled_character = '\0';
constexpr char marker = '\377';

}

void LineDiscipline::mark_delimiter(u32 position, bool value) {
    u64 const bit = u64{1} << (position % 64);
    u64& word = delimiters_[position % capacity / 64];
    word = value ? word | bit : word & ~bit;
}

void LineDiscipline::configure(::termios const& settings, LineHost& host) {
    bool const mode_changed = (settings.c_lflag ^ settings_.c_lflag) & (ICANON | EXTPROC);
    bool const flow_ended = (settings_.c_iflag & IXON) && !(settings.c_iflag & IXON);
    settings_ = settings;
    if (mode_changed) {
        delimiters_.fill(0);
        // What was typed in raw mode becomes one complete line.
        if (canonical() && used() != 0) mark_delimiter(head_ - 1, true);
        line_start_ = head_;
        literal_next_ = erasing_ = false;
    }
    if (flow_ended) start(host);
}

size_t LineDiscipline::input_room() const {
    size_t const room = used() < longest_line ? longest_line - used() : 0;
    return readable() == 0 ? std::max<size_t>(room, 1) : room;
}

void LineDiscipline::input(char byte, LineHost& host) {
    if (settings_.c_iflag & ISTRIP) byte &= 0x7f;
    if ((settings_.c_iflag & IUCLC) && local(IEXTEN) && byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    if (literal_next_) {
        literal_next_ = false;
        accept_literally(byte);
    } else if (local(EXTPROC)) {
        store(byte);
    } else if (!handle_flow(byte, host) && !handle_signal(byte, host)) {
        if (stopped_ && (settings_.c_iflag & IXON) && (settings_.c_iflag & IXANY)) start(host);
        accept(byte);
    }
    flush_echo(host);
}

bool LineDiscipline::handle_flow(char byte, LineHost& host) {
    if (!(settings_.c_iflag & IXON)) return false;
    if (matches(byte, VSTART)) return start(host), true;
    if (matches(byte, VSTOP)) return stop(host), true;
    return false;
}

bool LineDiscipline::handle_signal(char byte, LineHost& host) {
    if (!local(ISIG)) return false;
    if (matches(byte, VINTR)) return raise(TypedSignal::Interrupt, byte, host), true;
    if (matches(byte, VQUIT)) return raise(TypedSignal::Quit, byte, host), true;
    if (matches(byte, VSUSP)) return raise(TypedSignal::Stop, byte, host), true;
    return false;
}

void LineDiscipline::raise(TypedSignal signal, char byte, LineHost& host) {
    if (!local(NOFLSH)) {
        discard_input();
        host.discard_output();
        host.input_discarded();
    }
    if (settings_.c_iflag & IXON) start(host);
    if (local(ECHO)) echo(byte);
    host.raise(signal);
}

void LineDiscipline::accept(char byte) {
    if (byte == '\r') {
        if (settings_.c_iflag & IGNCR) return;
        if (settings_.c_iflag & ICRNL) byte = '\n';
    } else if (byte == '\n' && (settings_.c_iflag & INLCR)) {
        byte = '\r';
    }
    if (canonical() && handle_canonical(byte)) return;
    if (local(ECHO) && byte == '\n') {
        finish_erasing();
        echo_raw(byte);
        store_marked(byte);
    } else {
        accept_literally(byte);
    }
}

void LineDiscipline::accept_literally(char byte) {
    if (local(ECHO)) {
        begin_echo();
        echo(byte);
    }
    store_marked(byte);
}

/// The first echo of a line determines the column where the line begins.
void LineDiscipline::begin_echo() {
    finish_erasing();
    if (line_start_ == head_) line_column_ = column_;
}

/// True if `byte` was an editing character or ended the line.
bool LineDiscipline::handle_canonical(char byte) {
    bool const extended = local(IEXTEN);
    if (matches(byte, VERASE)) return erase(Erase::Character), true;
    if (matches(byte, VKILL)) return erase(Erase::Line), true;
    if (extended && matches(byte, VWERASE)) return erase(Erase::Word), true;
    if (extended && matches(byte, VLNEXT)) {
        literal_next_ = true;
        if (local(ECHO)) finish_erasing();
        if (local(ECHO) && local(ECHOCTL)) echo_raw('^'), echo_raw('\b');
        return true;
    }
    if (extended && local(ECHO) && matches(byte, VREPRINT)) return finish_erasing(), echo(byte), reprint(), true;
    if (byte == '\n') {
        if (local(ECHO) || local(ECHONL)) echo_raw('\n');
        return finish_line('\n'), true;
    }
    if (matches(byte, VEOF)) return finish_line(disabled_character), true;
    if (matches(byte, VEOL) || (extended && matches(byte, VEOL2))) {
        if (local(ECHO)) {
            if (line_start_ == head_) line_column_ = column_;
            echo(byte);
        }
        if ((settings_.c_iflag & PARMRK) && byte == marker) store(byte);
        return finish_line(byte), true;
    }
    return false;
}

/// With PARMRK a byte that equals the mark is doubled: termios(3).
void LineDiscipline::store_marked(char byte) {
    if ((settings_.c_iflag & PARMRK) && byte == marker) store(byte);
    store(byte);
}

/// The last place is reserved for a line's delimiter.
void LineDiscipline::store(char byte) {
    if (used() >= longest_line) return;
    mark_delimiter(head_, false);
    buffer_[head_++ % capacity] = byte;
    if (!canonical()) line_start_ = head_;
}

void LineDiscipline::finish_line(char byte) {
    if (used() == capacity) return;
    mark_delimiter(head_, true);
    buffer_[head_++ % capacity] = byte;
    line_start_ = head_;
}

void LineDiscipline::discard_input() {
    tail_ = line_start_ = head_;
    echo_tail_ = echo_head_;
    literal_next_ = erasing_ = false;
}

// ---------------------------------------------------------------- reading

size_t LineDiscipline::readable() const { return canonical() ? line_start_ - tail_ : used(); }

size_t LineDiscipline::readable_exact() const {
    if (!canonical()) return used();
    size_t count = 0;
    for (u32 i = tail_; i != line_start_; ++i)
        if (!is_delimiter(i) || at(i) != disabled_character) ++count;
    return count;
}

ReadOutcome LineDiscipline::read(std::span<char> out) {
    ReadOutcome outcome;
    u32 const end = canonical() ? line_start_ : head_;
    while (tail_ != end) {
        bool const delimiter = canonical() && is_delimiter(tail_);
        bool const end_of_file = delimiter && at(tail_) == disabled_character;
        if (outcome.bytes == out.size() && !end_of_file) return outcome.end = ReadEnd::Full, outcome;
        char const byte = at(tail_++);
        if (!end_of_file) out[outcome.bytes++] = byte;
        if (delimiter) return outcome.end = ReadEnd::Delimiter, outcome;
    }
    return outcome;
}

}
