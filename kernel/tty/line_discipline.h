// SPDX-License-Identifier: MIT
// LineDiscipline: what happens to bytes between a terminal and its programs: line editing,
// echo, signals, flow control, output translation. termios(3). It is a pure state
// machine: its owner (Terminal) locks it and implements LineHost.
#pragma once

#include <array>
#include <span>

#include <asm/termbits.h>

#include <base/types.h>

namespace tty {

/// The signals that typed characters raise, by their numbers in signal(7).
enum class TypedSignal : u8 { Interrupt = 2, Quit = 3, Stop = 20 };

/// What the discipline needs of its terminal. Called from within the discipline's own functions.
class LineHost {
public:
    /// Bytes that send() would take now.
    virtual size_t output_room() = 0;
    /// Sends to the device; never more than output_room().
    virtual void send(std::span<char const> bytes) = 0;
    /// Drops output that has not left yet.
    virtual void discard_output() = 0;
    /// Sends a signal to the foreground group.
    virtual void raise(TypedSignal signal) = 0;
    /// Unread input has been discarded.
    virtual void input_discarded() {}
    virtual void flow_changed(bool stopped) { (void)stopped; }
protected:
    ~LineHost() = default;
};

/// Where a read stopped.
enum class ReadEnd : u8 {
    Empty,      ///< nothing (more) to read
    Full,       ///< the buffer is full, and the line continues
    Delimiter,  ///< the end of a line or of the file was read
};
struct ReadOutcome {
    size_t bytes = 0;
    ReadEnd end = ReadEnd::Empty;
};

/// The settings that a terminal starts with; Linux's tty_std_termios.
constexpr ::termios initial_settings() {
    ::termios t{};
    t.c_iflag = ICRNL | IXON;
    t.c_oflag = OPOST | ONLCR;
    t.c_cflag = B38400 | CS8 | CREAD | HUPCL;
    t.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    t.c_cc[VINTR] = 3, t.c_cc[VQUIT] = 28, t.c_cc[VERASE] = 127, t.c_cc[VKILL] = 21, t.c_cc[VEOF] = 4, t.c_cc[VMIN] = 1;
    t.c_cc[VSTART] = 17, t.c_cc[VSTOP] = 19, t.c_cc[VSUSP] = 26, t.c_cc[VREPRINT] = 18, t.c_cc[VDISCARD] = 15;
    t.c_cc[VWERASE] = 23, t.c_cc[VLNEXT] = 22;
    return t;
}

class LineDiscipline {
public:
    static constexpr size_t capacity = 4096;                  ///< bytes typed and not yet read
    static constexpr size_t longest_line = capacity - 1;      ///< without its delimiter; the rest is dropped
    static constexpr size_t echo_capacity = 1024;

    constexpr LineDiscipline() = default;
    constexpr explicit LineDiscipline(::termios const& settings) : settings_(settings) {}

    ::termios const& settings() const { return settings_; }
    void configure(::termios const& settings, LineHost& host);

    /// Bytes that input() would keep. While there is nothing to read it is never 0, so
    /// that erase and end-of-line characters are accepted.
    size_t input_room() const;
    void input(char byte, LineHost& host);
    /// Bytes that can be read now; in canonical mode 1 may stand for an end of file.
    size_t readable() const;
    /// FIONREAD: bytes that reads would return, not counting ends of file.
    size_t readable_exact() const;
    ReadOutcome read(std::span<char> out);
    void discard_input();

    /// Translates and sends as much as there is room for; returns the number of `bytes` used.
    size_t write(std::span<char const> bytes, LineHost& host);
    /// Sends echoes for which there was no room before.
    void flush_echo(LineHost& host);

    bool is_stopped() const { return stopped_; }
    // ^S and ^Q. ^Q does not start output that TCOOFF has stopped.
    void stop(LineHost& host);
    void start(LineHost& host);
    // TCOOFF and TCOON.
    void hold(LineHost& host);
    void let_go(LineHost& host);

private:
    enum class Erase : u8 { Character, Word, Line };

    /// Whether input is edited and read by lines; with EXTPROC the master's program does the editing.
    bool canonical() const { return (settings_.c_lflag & (ICANON | EXTPROC)) == ICANON; }
    bool local(tcflag_t flag) const { return settings_.c_lflag & flag; }
    bool matches(char byte, unsigned which) const { return settings_.c_cc[which] != 0 && static_cast<u8>(byte) == settings_.c_cc[which]; }
    bool is_continuation(char byte) const { return (settings_.c_iflag & IUTF8) && (static_cast<u8>(byte) & 0xc0) == 0x80; }
    u32 used() const { return head_ - tail_; }
    char at(u32 position) const { return buffer_[position % capacity]; }
    bool is_delimiter(u32 position) const { return delimiters_[position % capacity / 64] >> (position % 64) & 1; }
    void mark_delimiter(u32 position, bool value);

    bool handle_flow(char byte, LineHost& host);
    bool handle_signal(char byte, LineHost& host);
    bool handle_canonical(char byte);
    void raise(TypedSignal signal, char byte, LineHost& host);
    void store(char byte);
    void store_marked(char byte);
    void accept_literally(char byte);
    void begin_echo();
    void finish_erasing();
    void echo_erasure(Erase kind, u32 first, u32 end);
    void finish_line(char byte);
    void accept(char byte);
    void erase(Erase kind);
    void kill_without_erasing();
    u32 character_start(u32 position) const;
    u32 erase_start(Erase kind) const;
    u32 columns_of(char byte, u32 column) const;
    u32 column_at(u32 position) const;
    void reprint();

    void echo(char byte);
    void echo_raw(char byte);
    void echo_output(char byte);
    bool has_echo_room() const { return echo_head_ - echo_tail_ < echo_capacity; }
    size_t translate(char byte, std::span<char, 8> out);

    ::termios settings_ = initial_settings();
    std::array<char, capacity> buffer_{};
    std::array<u64, capacity / 64> delimiters_{};
    u32 head_ = 0, tail_ = 0;       ///< free-running; bytes tail_ … head_ are in buffer_
    u32 line_start_ = 0;            ///< the line being edited begins here; everything before it can be read
    u32 column_ = 0;                ///< of the cursor, as computed from the output
    u32 line_column_ = 0;           ///< where the echo of the edited line begins
    bool literal_next_ = false;
    bool stopped_ = false;
    bool held_ = false;             ///< by TCOOFF
    bool erasing_ = false;          ///< ECHOPRT: the '\\' has been echoed, the '/' has not
    std::array<char, echo_capacity> echo_{};
    u32 echo_head_ = 0, echo_tail_ = 0;
};

}
