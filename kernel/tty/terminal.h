// SPDX-License-Identifier: MIT
// Terminal: the line discipline between a device (serial port, or keyboard and screen) and
// programs. termios(3), ioctl_tty(2). Bytes arrive in interrupts, readers sleep. lock_
// guards all state and is never held while a program's memory is touched. Drivers own
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

/// Where a terminal's output goes. All but device_ioctl() are called with the terminal's
/// lock held and interrupts off; none may sleep or call the terminal back.
class TerminalDevice {
public:
    /// Bytes that transmit() takes now. When that was too little, the device calls
    /// Terminal::output_ready() each time there is more.
    virtual size_t room() = 0;
    /// At most room() bytes.
    virtual void transmit(std::span<char const> bytes) = 0;
    /// In a thread, with no lock held: does what transmit() has put off, because it takes longer than interrupts may be off.
    virtual void settle() {}
    /// Bytes taken that have not left yet.
    virtual size_t pending() = 0;
    virtual void discard() = 0;
    /// The terminal takes input again after input_room() was 0.
    virtual void resume_input() {}
    /// 0 by 0: not known.
    virtual void size(u16& columns, u16& rows) { columns = rows = 0; }
    /// Input that nobody will read any more was thrown away; ^S or ^Q took effect; settings changed. For packet mode.
    virtual void input_discarded() {}
    virtual void flow_changed(bool stopped) { (void)stopped; }
    virtual void settings_changed(::termios const& old, ::termios const& now) { (void)old; (void)now; }
    /// Takes out of new settings what the device cannot do.
    virtual void fit(::termios& settings) { (void)settings; }

    // ---- with no lock held; may sleep
    /// A terminal that does not live for ever counts who refers to it.
    virtual void retain() {}
    virtual void release() {}
    /// A file of the terminal is opened, for every success closed(). EIO
    virtual Result<> opened() { return {}; }
    virtual void closed() {}
    /// Whether all who have it open lose it when the session's leader ends, as a line that someone else dials in to next.
    virtual bool changes_hands() const { return true; }
    /// The line is held in the break state, until it is not. False: there is no line that could be.
    virtual bool hold_break(bool on) { (void)on; return false; }
    /// A request that only this kind of device knows; may sleep.
    virtual Result<i64> device_ioctl(u32 command, u64 argument) { (void)command; (void)argument; return fail(ENOTTY); }
protected:
    ~TerminalDevice() = default;
};

/// Who gets the signals that ^C and friends mean; implemented by kernel/process.
class SignalTarget {
public:
    virtual fs::Credentials current_credentials() = 0;
    /// Any context, with no lock of a terminal held. A group that is kept longer than a call is held, or its number may be another's.
    virtual void signal_group(base::HeldPid const& group, int signal) = 0;
    virtual Pid current_group() = 0;
    virtual Pid current_session() = 0;
    virtual bool is_session_leader() = 0;
    /// The running process's session and group, for who keeps them.
    struct Place { base::HeldPid session, group; };
    virtual Place hold_place() = 0;
    /// The running process's controlling terminal, as a device number (0: none), and changes of it.
    virtual u64 controlling_terminal() = 0;
    virtual void give_up_terminal() = 0;
    /// False: it has another one, which a thread of it has taken at the same time.
    virtual bool claim_terminal(u64 device) = 0;
    /// The running process may do what only root may.
    virtual bool is_privileged() = 0;
    /// The running process, whose group is not the foreground one, does what `signal` (SIGTTIN, SIGTTOU) answers.
    /// Success: it may. EIO; restart_sys: its group has been sent the signal.
    virtual Result<> background_access(int signal) = 0;
    /// The group `group` of the running process's session. ESRCH: nobody has the number; EPERM: it is of another session.
    virtual Result<base::HeldPid> hold_group(Pid group) = 0;
    /// No process of `session` has `device` as its controlling terminal any more.
    virtual void take_terminal_away(Pid session, u64 device) = 0;
    /// The leader of `session` gets SIGHUP and SIGCONT; when it ends, so does `group`.
    virtual void signal_hang_up(base::HeldPid const& session, base::HeldPid const& group) = 0;
protected:
    ~SignalTarget() = default;
};
extern constinit base::FromAbove<SignalTarget> signal_target;

/// Of an open file: what its terminal must know.
struct Use {
    u32 flags = 0;              ///< O_*
    u32 hang_ups = 0;           ///< how many there had been when it was opened
    bool outlives = false;      ///< a hang-up does not concern it: /dev/console
    constexpr Use(u32 flags = 0, u32 hang_ups = 0, bool outlives = false) : flags(flags), hang_ups(hang_ups), outlives(outlives) {}
};

class Terminal final : private LineHost {
public:
    using Lock = SpinLock<LockRank::tty_input, InterruptsOff>;

    /// `device`: its number, fs::make_device().
    constexpr explicit Terminal(u64 device, ::termios const& settings = initial_settings()) : number_(device), discipline_(settings) {}
    Terminal(Terminal const&) = delete;

    /// Once, before it is registered.
    void attach(TerminalDevice& device) { device_ = &device; }
    u64 number() const { return number_; }
    TerminalDevice& device() const { return *device_; }
    // For Ref<Terminal>.
    void acquire_ref() const { device_->retain(); }
    void release_ref() const { device_->release(); }

    // ---- from the driver, any context
    /// Typed bytes; what does not fit is lost.
    void input(std::span<char const> bytes);
    /// As many of them as there is room for; if not all, the device hears resume_input().
    size_t offer(std::span<char const> bytes);
    /// How many bytes input() would keep; after 0 the device hears resume_input().
    size_t input_room();
    void output_ready();

    // ---- from programs. EAGAIN, restart_sys, EFAULT; after a hang-up EIO
    /// EBUSY (TIOCEXCL), EIO. For every success close().
    Result<Use> open(u32 flags);
    void close();
    Result<size_t> read(Use use, mm::IoBuffer& buffer);
    Result<size_t> write(Use use, mm::IoBuffer& buffer);
    fs::PollEvents poll(sched::WaitQueue*& queue_out, Use use = {});
    Result<i64> ioctl(u32 command, u64 argument, Use use = {});

    // ---- session and foreground group, credentials(7)
    /// The opener's session takes the terminal if it leads a session without one. open(2), O_NOCTTY.
    void offer_to_opener();
    /// Whether `session` controls it.
    bool belongs_to(Pid session);
    /// The leader of `session` ends: its foreground group hears of it and the terminal is free again.
    void end_session(Pid session);
    /// Who has it open reads nothing and writes with EIO from now on: vhangup(2), a closed master.
    void hang_up();
    // What a master asks of its slave without being of its session. ioctl_tty(2)
    Pid foreground_group();
    Pid session();
    /// To the foreground group.
    void signal_foreground(int signal);
    void wake() { changes_.wake_all(); }

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
    u32 input_speed_ GUARDED_BY(lock_) = 38400, output_speed_ GUARDED_BY(lock_) = 38400;   ///< baud, of termios2
    u32 open_files_ GUARDED_BY(lock_) = 0;
    bool exclusive_ GUARDED_BY(lock_) = false;    ///< TIOCEXCL
    std::atomic<u32> hang_ups_{0};                ///< written under lock_, then changes_ is woken
    ::winsize window_ GUARDED_BY(lock_){};        ///< 0 rows: ask the device
    base::HeldPid session_ GUARDED_BY(lock_);
    base::HeldPid foreground_ GUARDED_BY(lock_);
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
Ref<Terminal> find_terminal(u64 device);
/// A session's leader ends: releases the terminal `device` that it controlled.
void end_session(Pid session, u64 device);
/// The running process's controlling terminal; null: it has none.
Ref<Terminal> own_terminal();
/// A file of an open terminal, whose opener may get it as the controlling one.
Result<Ref<fs::File>> open_file_of(Terminal& terminal, fs::Dentry& dentry, u32 flags);

}
