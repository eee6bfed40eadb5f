// SPDX-License-Identifier: MIT
// Terminal: the line discipline between a device (serial port, or keyboard and screen) and
// programs. termios(3), ioctl_tty(2). Bytes arrive in interrupts, readers sleep. lock_
// guards all state and is never held while a program's memory is touched. Drivers own
// their terminals, attach their devices and register them; this folder knows no driver.
#pragma once

#include <atomic>

#include <arch/spin_lock.h>
#include <asm/termios.h>

#include "kernel/fs/credentials.h"
#include "kernel/fs/device.h"
#include "kernel/sync/mutex.h"
#include "kernel/tty/line_discipline.h"
#include "sched/wait_queue.h"

namespace tty {

/// Where a terminal's output goes. All but device_ioctl() are called with the terminal's
/// lock held and interrupts off; none may sleep or call the terminal back.
class TerminalDevice {
public:
    /// Bytes that transmit() takes now. When that was too little, the device calls
    /// Terminal::output_ready() each time there is more.
    virtual size_t room() = 0;
    /// At most room() bytes.
    virtual void transmit(std::span<char const> bytes) = 0;
    /// Bytes taken that have not left yet.
    virtual size_t pending() = 0;
    virtual void discard() = 0;
    /// The terminal takes input again after input_room() was 0.
    virtual void resume_input() {}
    /// 0 by 0: not known.
    virtual void size(u16& columns, u16& rows) { columns = rows = 0; }
    // With no lock held; may sleep.
    /// A file of the terminal is opened, for every success closed().
    virtual Result<> opened() { return {}; }
    virtual void closed() {}
    /// A request that only this kind of device knows; may sleep.
    virtual Result<i64> device_ioctl(u32 command, u64 argument) { (void)command; (void)argument; return fail(ENOTTY); }
protected:
    ~TerminalDevice() = default;
};

/// Who gets the signals that ^C and friends mean; implemented by kernel/process.
class SignalTarget {
public:
    virtual fs::Credentials current_credentials() = 0;
    /// Any context, with no lock of a terminal held.
    virtual void signal_group(Pid group, int signal) = 0;
    virtual Pid current_group() = 0;
    virtual Pid current_session() = 0;
    virtual bool is_session_leader() = 0;
    /// The running process's controlling terminal, as a device number (0: none), and its change.
    virtual u64 controlling_terminal() = 0;
    virtual void set_controlling_terminal(u64 device) = 0;
    /// The running process, whose group is not the foreground one, does what `signal` (SIGTTIN, SIGTTOU) answers.
    /// Success: it may. EIO; restart_sys: its group has been sent the signal.
    virtual Result<> background_access(int signal) = 0;
    /// 0: there is no such group.
    virtual Pid session_of_group(Pid group) = 0;
protected:
    ~SignalTarget() = default;
};
void set_signal_target(SignalTarget& target);

class Terminal final : private LineHost {
public:
    using Lock = SpinLock<LockRank::tty_input, InterruptsOff>;

    /// `device`: its number, fs::make_device().
    constexpr explicit Terminal(u64 device, ::termios const& settings = initial_settings()) : number_(device), discipline_(settings) {}
    Terminal(Terminal const&) = delete;

    /// Once, before it is registered.
    void attach(TerminalDevice& device) { device_ = &device; }
    u64 number() const { return number_; }

    // ---- from the driver, any context
    /// Typed bytes; what does not fit is lost.
    void input(std::span<char const> bytes);
    /// How many bytes input() would keep; after 0 the device hears resume_input().
    size_t input_room();
    void output_ready();

    /// ENOMEM. For every success close().
    Result<> open() { return device_->opened(); }
    void close() { device_->closed(); }

    // ---- from programs. `flags`: O_* of the open file. EAGAIN, restart_sys, EFAULT
    Result<size_t> read(u32 flags, mm::IoBuffer& buffer);
    Result<size_t> write(u32 flags, mm::IoBuffer& buffer);
    fs::PollEvents poll(sched::WaitQueue*& queue_out);
    Result<i64> ioctl(u32 command, u64 argument);

    // ---- session and foreground group, credentials(7)
    /// The opener's session takes the terminal if it leads a session without one. open(2), O_NOCTTY.
    void offer_to_opener();
    /// The leader of `session` is gone: its foreground group is hung up and the terminal is free again.
    void end_session(Pid session);

private:
    /// What a byte that waits to be read must be waited for with: termios(3), "noncanonical mode".
    struct Patience {
        size_t minimum;
        u64 first_byte_ns, between_bytes_ns;   ///< sched::no_deadline: for ever; 0: not at all
    };
    using Mutex = sync::Mutex<LockRank::tty>;

    // LineHost, called by discipline_
    size_t output_room() REQUIRES(lock_) override { return device_->room(); }
    void send(std::span<char const> bytes) REQUIRES(lock_) override { device_->transmit(bytes); }
    void discard_output() REQUIRES(lock_) override { device_->discard(); }
    void raise(TypedSignal signal) REQUIRES(lock_) override { raised_ |= 1u << static_cast<unsigned>(signal); }

    Patience patience(size_t wanted);
    bool is_readable(size_t minimum);
    Result<> wait_for_input(u32 flags, size_t wanted);
    Result<> wait_between_bytes(Patience const& patience);
    Result<ReadOutcome> take_input(mm::IoBuffer& buffer);
    void after_reading(Lock::Guard const& guard) REQUIRES(lock_);
    Result<> begin_writing(u32 flags);
    void end_writing();
    Result<size_t> write_all(u32 flags, mm::IoBuffer& buffer);
    bool has_output_room();
    bool stops_background_output();
    Result<> wait_for_drain();
    void deliver(u32 raised, Pid group);

    // terminal_ioctl.cpp
    Result<i64> get_settings(u64 argument);
    Result<i64> set_settings(u32 command, u64 argument);
    Result<i64> get_window_size(u64 argument);
    Result<i64> set_window_size(u64 argument);
    Result<i64> control_flow(u64 argument);
    Result<i64> flush(u64 argument);
    Result<i64> queue_length(u32 command, u64 argument);
    // terminal_session.cpp
    Result<> check_foreground(int signal);
    Result<i64> session_ioctl(u32 command, u64 argument);
    Result<i64> take_session(u64 argument);
    Result<i64> leave_session();
    Result<i64> get_group(u64 argument);
    Result<i64> set_group(u64 argument);
    Result<i64> get_session(u64 argument);

    u64 const number_;
    TerminalDevice* device_ = nullptr;            ///< set once by attach()
    Lock lock_;
    LineDiscipline discipline_ GUARDED_BY(lock_);
    ::winsize window_ GUARDED_BY(lock_){};        ///< 0 rows: ask the device
    Pid session_ GUARDED_BY(lock_);
    Pid foreground_ GUARDED_BY(lock_);
    u64 last_input_ns_ GUARDED_BY(lock_) = 0;
    u32 raised_ GUARDED_BY(lock_) = 0;            ///< bit n: signal n, to be sent when the lock is free
    bool input_refused_ GUARDED_BY(lock_) = false;
    std::atomic<bool> output_wanted_{false};      ///< someone waits for room. Ordering: seq_cst with the device's state
    Mutex reading_;                               ///< one reader takes a line as a whole
    std::atomic<bool> writing_{false};            ///< one writer at a time; waited for in changes_, so interruptible
    sched::WaitQueue changes_;                    ///< input to read, room to write, settings
};

// ---- all terminals; entered at boot by the drivers, before any program runs

/// Makes /dev/`name`. The terminal lives for ever.
Result<> register_terminal(Terminal& terminal, std::string_view name, u64 device, u32 permissions);
/// What /dev/console is. Null until it is set.
void set_console(Terminal& terminal);
/// /dev/console is what tty0 is.
void set_console_to_current();
/// Makes /dev/`name`, tty0: whichever terminal `current` says when it is opened.
Result<> register_current_terminal(std::string_view name, Terminal& (*current)());
/// The nodes console and tty; after the drivers.
Result<> register_common_nodes();
/// By device number; null if there is none.
Terminal* find_terminal(u64 device);
/// A session's leader has ended: releases the terminal that it controlled.
void end_session(Pid session);
SignalTarget* signal_target();

}
