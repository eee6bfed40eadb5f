// SPDX-License-Identifier: MIT
// Terminal: the line discipline between a device (serial port, or keyboard and screen) and
// programs. termios(3), ioctl_tty(2). Bytes arrive in interrupts, readers sleep. lock_
// guards all state and is never held while a program's memory is accessed. Drivers own
// their terminals, attach their devices and register them; this folder knows no driver.
#pragma once

#include <atomic>

#include <arch/spin_lock.h>
#include <asm/termios.h>
#include <base/from_above.h>

#include "kernel/base/held_pid.h"
#include "kernel/fs/credentials.h"
#include "kernel/fs/devfs/device.h"
#include "kernel/sync/mutex.h"
#include "kernel/tty/line_discipline.h"
#include "sched/wait_queue.h"

namespace tty {

/// The destination of a terminal's output. Unless stated otherwise, functions are called with the
/// terminal's lock held and interrupts off, and may neither sleep nor call the terminal back.
class TerminalDevice {
public:
    /// Bytes that transmit() takes now. If that was too little, the device calls
    /// Terminal::output_ready() each time there is more room.
    virtual size_t room() = 0;
    /// At most room() bytes.
    virtual void transmit(std::span<char const> bytes) = 0;
    /// In a thread, with no lock held: does the work that transmit() has deferred, because it takes longer than interrupts may be off.
    virtual void settle() {}
    /// Bytes that transmit() has taken and that have not left yet.
    virtual size_t pending() = 0;
    virtual void discard() = 0;
    /// The terminal accepts input again after input_room() was 0.
    virtual void resume_input() {}
    /// 0 by 0: unknown.
    virtual void size(u16& columns, u16& rows) { columns = rows = 0; }
    /// Unread input was discarded; ^S or ^Q took effect; settings changed. For packet mode.
    virtual void input_discarded() {}
    virtual void flow_changed(bool stopped) { (void)stopped; }
    virtual void settings_changed(::termios const& old, ::termios const& now) { (void)old; (void)now; }
    /// Removes from new settings what the device cannot do. Called with no lock held.
    virtual void fit(::termios& settings) { (void)settings; }

    // ---- With no lock held; may sleep
    /// Reference count, for terminals that can be destroyed (pseudo-terminals).
    virtual void retain() {}
    virtual void release() {}
    /// A file of the terminal is opened; each success is followed by one closed(). EIO
    virtual Result<> opened() { return {}; }
    virtual void closed() {}
    /// Whether all open files are hung up when the session's leader ends, as on a line that someone else dials in to next.
    virtual bool changes_hands() const { return true; }
    /// Holds the line in the break state, or ends that. False: the device has no line.
    virtual bool hold_break(bool on) { (void)on; return false; }
    /// A request that only this kind of device knows.
    virtual Result<i64> device_ioctl(u32 command, u64 argument) { (void)command; (void)argument; return fail(ENOTTY); }
protected:
    ~TerminalDevice() = default;
};

/// The receiver of the signals of ^C and similar characters; implemented by kernel/process.
class SignalTarget {
public:
    virtual fs::Credentials current_credentials() = 0;
    /// Any context, with no terminal's lock held. A group that is kept beyond a call is held, since its number might be reused.
    virtual void signal_group(base::HeldPid const& group, int signal) = 0;
    virtual Pid current_group() = 0;
    virtual Pid current_session() = 0;
    virtual bool is_session_leader() = 0;
    /// The running process's session and group, held for a terminal that keeps them.
    struct Place { base::HeldPid session, group; };
    virtual Place hold_place() = 0;
    /// The running process's controlling terminal, as a device number (0: none), and its changes.
    virtual u64 controlling_terminal() = 0;
    virtual void give_up_terminal() = 0;
    /// False: it has another one, which another of its threads has taken at the same time.
    virtual bool claim_terminal(u64 device) = 0;
    /// Whether the running process may do what only root may.
    virtual bool is_privileged() = 0;
    /// The running process, whose group is not the foreground group, attempts an access that `signal` (SIGTTIN, SIGTTOU) answers.
    /// Success: it may. EIO: refused; restart_sys: the signal has been sent to its group.
    virtual Result<> background_access(int signal) = 0;
    /// Holds the group `group` of the running process's session. ESRCH: nothing has the number; EPERM: it belongs to another session.
    virtual Result<base::HeldPid> hold_group(Pid group) = 0;
    /// Takes `device` away from every process of `session` that has it as its controlling terminal.
    virtual void take_terminal_away(Pid session, u64 device) = 0;
    /// Sends SIGHUP and SIGCONT to the leader of `session`; when the leader ends, `group` gets them, too.
    virtual void signal_hang_up(base::HeldPid const& session, base::HeldPid const& group) = 0;
protected:
    ~SignalTarget() = default;
};
extern constinit base::FromAbove<SignalTarget> signal_target;

/// What a terminal must know of an open file.
struct Use {
    u32 flags = 0;              ///< O_*
    u32 hang_ups = 0;           ///< the number of hang-ups when it was opened
    bool outlives = false;      ///< a hang-up does not affect it: /dev/console
    constexpr Use(u32 flags_ = 0, u32 hang_ups_ = 0, bool outlives_ = false) : flags(flags_), hang_ups(hang_ups_), outlives(outlives_) {}
};

class Terminal final : private LineHost {
public:
    using Lock = SpinLock<LockRank::tty_input, InterruptsOff>;

    /// `device`: its number, fs::make_device().
    constexpr explicit Terminal(u64 device, ::termios const& settings = initial_settings()) : number_(device), discipline_(settings) {}
    Terminal(Terminal const&) = delete;

    /// Called once, before the terminal is registered.
    void attach(TerminalDevice& device) { device_ = &device; }
    u64 number() const { return number_; }
    TerminalDevice& device() const { return *device_; }
    // For Ref<Terminal>.
    void acquire_ref() const { device_->retain(); }
    void release_ref() const { device_->release(); }

    // ---- From the driver, any context
    /// Typed bytes; those that do not fit are lost.
    void input(std::span<char const> bytes);
    /// Takes as many bytes as there is room for; if not all, resume_input() follows.
    size_t offer(std::span<char const> bytes);
    /// The number of bytes that input() would keep; after 0, resume_input() follows.
    size_t input_room();
    void output_ready();

    // ---- From programs. EAGAIN, restart_sys, EFAULT; after a hang-up EIO
    /// EBUSY (TIOCEXCL), EIO. Each success is followed by one close().
    Result<Use> open(u32 flags);
    void close();
    Result<size_t> read(Use use, mm::IoBuffer& buffer);
    Result<size_t> write(Use use, mm::IoBuffer& buffer);
    fs::PollEvents poll(sched::WaitQueue*& queue_out, Use use = {});
    Result<i64> ioctl(u32 command, u64 argument, Use use = {});

    // ---- Session and foreground group, credentials(7)
    /// The opener's session takes the terminal if the opener leads a session that has none. open(2), O_NOCTTY.
    void offer_to_opener();
    /// Whether `session` controls it.
    bool belongs_to(Pid session);
    /// The leader of `session` ends: its foreground group is signalled, and the terminal becomes free.
    void end_session(Pid session);
    /// From now on reads of files open now return nothing, and writes fail with EIO: vhangup(2), a closed master.
    void hang_up();
    // What a master asks of its slave without belonging to the slave's session. ioctl_tty(2)
    Pid foreground_group();
    Pid session();
    /// Sends a signal to the foreground group.
    void signal_foreground(int signal);
    void wake() { changes_.wake_all(); }

private:
    /// How long a read waits, and for how many bytes: termios(3), "noncanonical mode".
    struct Patience {
        size_t minimum;
        u64 first_byte_ns, between_bytes_ns;   ///< sched::no_deadline: no limit; 0: no wait
    };
    using Mutex = sync::Mutex<LockRank::tty>;

    // LineHost, called by discipline_
    size_t output_room() REQUIRES(lock_) override { return device_->room(); }
    void send(std::span<char const> bytes) REQUIRES(lock_) override { device_->transmit(bytes); }
    void discard_output() REQUIRES(lock_) override { device_->discard(); }
    void input_discarded() REQUIRES(lock_) override { device_->input_discarded(); }
    void flow_changed(bool stopped) REQUIRES(lock_) override { device_->flow_changed(stopped); }
    void raise(TypedSignal signal) REQUIRES(lock_) override { raised_ |= 1u << static_cast<unsigned>(signal); }

    Patience patience(size_t wanted);
    bool is_readable(size_t minimum);
    bool is_hung_up(Use use) const { return !use.outlives && hang_ups_.load() != use.hang_ups; }
    Result<> wait_for_input(Use use, size_t wanted);
    Result<> wait_between_bytes(Use use, Patience const& patience);
    Result<ReadOutcome> take_input(mm::IoBuffer& buffer);
    void after_reading(Lock::Guard const& guard) REQUIRES(lock_);
    Result<> begin_writing(u32 flags);
    void end_writing();
    Result<size_t> write_all(Use use, mm::IoBuffer& buffer);
    bool has_output_room();
    bool stops_background_output();
    Result<> wait_for_drain(Use use);
    void after_input(u32 raised, base::HeldPid const& group, bool readable);
    void deliver(u32 raised, base::HeldPid const& group);

    // terminal_settings.cpp
    ::termios2 current_settings();
    Result<i64> get_settings(u32 command, u64 argument);
    Result<i64> set_settings(u32 command, u64 argument, Use use);
    void apply(::termios2 const& settings, bool discard_input);
    // terminal_ioctl.cpp
    Result<i64> plain_ioctl(u32 command, u64 argument, Use use);
    Result<i64> send_break(u64 milliseconds);
    Result<i64> simulate_input(u64 argument);
    Result<i64> set_exclusive(bool on);
    bool is_exclusive();
    Result<i64> get_window_size(u64 argument);
    Result<i64> set_window_size(u64 argument);
    Result<i64> control_flow(u64 argument);
    Result<i64> flush(u64 argument);
    Result<i64> queue_length(u32 command, u64 argument);
    // terminal_session.cpp
    Result<> check_foreground(int signal);
    Result<i64> session_ioctl(u32 command, u64 argument, Use use);
    Result<i64> take_session(u64 argument, Use use);
    Result<i64> leave_session();
    Result<i64> get_group(u64 argument);
    Result<i64> set_group(u64 argument);
    Result<i64> get_session(u64 argument);
    Result<> become_controlling(Pid session);
    bool give_up_session(Pid session);

    u64 const number_;
    TerminalDevice* device_ = nullptr;            ///< set once by attach()
    Lock lock_;
    LineDiscipline discipline_ GUARDED_BY(lock_);
    u32 input_speed_ GUARDED_BY(lock_) = 38400, output_speed_ GUARDED_BY(lock_) = 38400;   ///< baud, for termios2
    u32 open_files_ GUARDED_BY(lock_) = 0;
    bool exclusive_ GUARDED_BY(lock_) = false;    ///< TIOCEXCL
    std::atomic<u32> hang_ups_{0};                ///< written under lock_, then changes_ is woken
    ::winsize window_ GUARDED_BY(lock_){};        ///< 0 rows: ask the device
    base::HeldPid session_ GUARDED_BY(lock_);
    base::HeldPid foreground_ GUARDED_BY(lock_);
    u64 last_input_ns_ GUARDED_BY(lock_) = 0;
    u32 raised_ GUARDED_BY(lock_) = 0;            ///< bit n: signal n, to be sent when the lock is free
    bool input_refused_ GUARDED_BY(lock_) = false;
    std::atomic<bool> output_wanted_{false};      ///< a thread waits for room. Ordering: seq_cst with the device's state
    Mutex reading_;                               ///< lets one reader take a whole line
    std::atomic<bool> writing_{false};            ///< one writer at a time; others wait in changes_, interruptibly
    sched::WaitQueue changes_;                    ///< input to read, room to write, settings
};

// ---- All terminals; registered at boot by the drivers, before any program runs

/// Makes /dev/`name`. The terminal is never destroyed.
Result<> register_terminal(Terminal& terminal, std::string_view name, u64 device, u32 permissions);
/// Sets the terminal of /dev/console, which has none before.
void set_console(Terminal& terminal);
/// Makes /dev/console the same terminal as tty0.
void set_console_to_current();
/// Makes /dev/`name` (tty0): the terminal that `current` returns at the time of the open.
Result<> register_current_terminal(std::string_view name, Terminal& (*current)());
/// Makes the nodes console, tty and ptmx, and registers devpts; called after the drivers.
Result<> register_common_nodes();
/// The terminal with a device number; null: none.
Ref<Terminal> find_terminal(u64 device);
/// A session's leader ends: releases the terminal `device`, which the session controlled.
void end_session(Pid session, u64 device);
/// The running process's controlling terminal; null: it has none.
Ref<Terminal> own_terminal();
/// Opens `terminal` and makes its file; the terminal may become the opener's controlling one.
Result<Ref<fs::File>> open_file_of(Terminal& terminal, fs::Dentry& dentry, u32 flags);

}
