// SPDX-License-Identifier: MIT
// A 16550 serial port on the ISA bus. Programs' output and log lines share one ring, which the transmitter's interrupt empties; before
// start(), and in a panic, the log is sent by polling. lock_ guards ring and registers. National PC16550D data sheet.
#pragma once

#include <array>
#include <atomic>

#include <base/log.h>

#include "kernel/tty/terminal.h"

namespace drivers {

class SerialPort final : public tty::TerminalDevice, public base::LogSink {
public:
    /// `index`: the N of ttySN; `line`: the port's ISA interrupt.
    constexpr SerialPort(u32 index, u16 base, u8 line)
        : terminal(fs::make_device(4, 64 + index), settings()), index_(index), base_(base), line_(line) {}

    /// Finds out whether there is a port, and sets it up for polled output at `baud`, 8N1. Needs nothing else of the kernel.
    bool probe(u32 baud);
    bool is_present() const { return present_; }
    /// Makes it a terminal with a node, and uses interrupts from here on.
    Result<> start();

    void write(std::string_view text) override;   // base::LogSink
    /// Called for a port that has the log: from here on a break and then a key are a SysRq command.
    void hear_requests() { is_console_.store(true, std::memory_order_relaxed); }

    tty::Terminal terminal;

private:
    using Lock = SpinLock<LockRank::console_device, InterruptsOff>;
    static constexpr size_t ring_size = 4096;

    static constexpr ::termios settings() {
        ::termios t = tty::initial_settings();
        t.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
        return t;
    }

    // tty::TerminalDevice
    size_t room() override;
    void transmit(std::span<char const> bytes) override;
    size_t pending() override;
    void discard() override;
    void resume_input() override;
    bool hold_break(bool on) override;
    Result<i64> device_ioctl(u32 command, u64 argument) override;

    static void on_interrupt(void* port);
    bool service();
    size_t receive(std::span<char> out, Lock::Guard const& guard) REQUIRES(lock_);
    u8 line_status(Lock::Guard const&) REQUIRES(lock_);
    bool is_request(char byte, bool is_break) REQUIRES(lock_);
    u8 read_register(u16 offset) const;
    void write_register(u16 offset, u8 value) const;
    void enable(u8 mask, Lock::Guard const& guard) REQUIRES(lock_);
    void disable(u8 mask, Lock::Guard const& guard) REQUIRES(lock_);
    void push(char byte, Lock::Guard const& guard) REQUIRES(lock_);
    bool transmit_some(Lock::Guard const& guard) REQUIRES(lock_);
    void kick(Lock::Guard const& guard) REQUIRES(lock_);
    void drain(Lock::Guard const& guard) REQUIRES(lock_);
    bool wait_for_transmitter(Lock::Guard const& guard) REQUIRES(lock_);
    size_t used() const REQUIRES(lock_) { return head_ - tail_; }

    u32 const index_;
    u16 const base_;
    u8 const line_;
    bool present_ = false;                      ///< set once by probe()
    u8 fifo_depth_ = 1;                         ///< set once by probe()
    Lock lock_;
    bool interrupts_ GUARDED_BY(lock_) = false;
    bool stuck_ GUARDED_BY(lock_) = false;      ///< the transmitter was not ready in time: do not wait again
    bool mid_line_ GUARDED_BY(lock_) = false;   ///< a program's line has begun but not ended
    std::atomic<bool> is_console_{false};       ///< Ordering: relaxed, it guards nothing
    bool has_break_ GUARDED_BY(lock_) = false;     ///< a break has come, and its byte has not been read yet
    u64 request_until_ns_ GUARDED_BY(lock_) = 0;   ///< a break has come: until when a SysRq key may follow; 0: none has
    char asked_ GUARDED_BY(lock_) = 0;          ///< the SysRq key that has come; 0: none
    u8 enabled_ GUARDED_BY(lock_) = 0;          ///< copy of the interrupt enable register
    u32 head_ GUARDED_BY(lock_) = 0, tail_ GUARDED_BY(lock_) = 0;   ///< free-running
    std::array<char, ring_size> ring_ GUARDED_BY(lock_){};
};

/// COM1 and COM2: ttyS0 and ttyS1.
extern constinit SerialPort serial_ports[2];

}
