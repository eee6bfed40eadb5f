// SPDX-License-Identifier: MIT
// A terminal's session and foreground group, as data: who may take it, who gets its
// signals. credentials(7), TIOCSCTTY in ioctl_tty(2). The process's own half is behind
// SignalTarget, whose functions are called without lock_.
#include "kernel/tty/terminal.h"

#include <abi/signal.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "mm/user/user_access.h"

namespace tty {

namespace {

/// What terminals need to know of the running process.
struct Caller {
    Pid session, group;
    bool leader;
    u64 terminal;
};

Caller running_process() {
    SignalTarget& target = *signal_target;
    return {target.current_session(), target.current_group(), target.is_session_leader(), target.controlling_terminal()};
}

}

/// Job control: of the terminal's session only the foreground group may read or change it. EIO, restart_sys.
Result<> Terminal::check_foreground(int signal) {
    if (!signal_target) return {};
    Caller const caller = running_process();
    if (caller.terminal != number_) return {};
    {
        Locked guard(lock_);
        if (session_.get() != caller.session || !foreground_ || foreground_.get() == caller.group) return {};
    }
    return signal_target->background_access(signal);
}

Result<i64> Terminal::session_ioctl(u32 command, u64 argument, Use use) {
    if (!signal_target) return fail(ENOTTY);
    switch (command) {
    case TIOCSCTTY: return take_session(argument, use);
    case TIOCNOTTY: return leave_session();
    case TIOCGPGRP: return get_group(argument);
    case TIOCSPGRP: return set_group(argument);
    default: return get_session(argument);
    }
}

void Terminal::offer_to_opener() {
    if (!signal_target) return;
    Caller const caller = running_process();
    if (!caller.leader || caller.terminal != 0) return;
    auto place = signal_target->hold_place();
    {
        Locked guard(lock_);
        if (session_) return;
        std::swap(session_, place.session);
        std::swap(foreground_, place.group);
    }
    (void)become_controlling(caller.session);
}

/// Sets the process's half. EIO: the terminal has been hung up in between. EPERM: another thread has taken another terminal, and this
/// one is free again.
Result<> Terminal::become_controlling(Pid session) {
    if (!signal_target->claim_terminal(number_)) {
        base::HeldPid of, group;
        Locked guard(lock_);
        if (session_.get() != session) return fail(EPERM);
        std::swap(of, session_);
        std::swap(group, foreground_);
        return fail(EPERM);
    }
    if (belongs_to(session)) return {};
    signal_target->give_up_terminal();
    return fail(EIO);
}

bool Terminal::belongs_to(Pid session) {
    Locked guard(lock_);
    return session.value != 0 && session_.get() == session;
}

/// `argument` 1: root takes the terminal away from another session. A caller that may only write to it does not get it, because the
/// controlling terminal can be opened again as /dev/tty, for reading too.
Result<i64> Terminal::take_session(u64 argument, Use use) {
    Caller const caller = running_process();
    bool const is_privileged = signal_target->current_credentials().is_privileged();
    bool const may_read = (use.flags & O_ACCMODE) != O_WRONLY || is_privileged;
    bool const steals = argument == 1 && is_privileged;
    auto place = signal_target->hold_place();
    {
        Locked guard(lock_);
        if (caller.leader && session_.get() == caller.session) return 0;
        if (!caller.leader || caller.terminal != 0 || (session_ && !steals) || !may_read) return fail(EPERM);
        std::swap(session_, place.session);
        std::swap(foreground_, place.group);
    }
    if (place.session) signal_target->take_terminal_away(place.session.get(), number_);
    TRY(become_controlling(caller.session));
    return 0;
}

Result<i64> Terminal::leave_session() {
    Caller const caller = running_process();
    if (caller.terminal != number_) return fail(ENOTTY);
    if (caller.leader) give_up_session(caller.session);
    signal_target->give_up_terminal();
    return 0;
}

/// Frees the terminal; its foreground group gets SIGHUP and SIGCONT. False: the terminal does not belong to `session`.
bool Terminal::give_up_session(Pid session) {
    base::HeldPid group;
    {
        Locked guard(lock_);
        if (session.value == 0 || session_.get() != session) return false;
        std::swap(group, foreground_);
        session_ = {};
    }
    if (!signal_target) return true;
    if (group) {
        signal_target->signal_group(group, SIGHUP);
        signal_target->signal_group(group, SIGCONT);
    }
    signal_target->take_terminal_away(session, number_);
    return true;
}

void Terminal::end_session(Pid session) {
    if (give_up_session(session) && device_->changes_hands()) hang_up();
}

void Terminal::hang_up() {
    base::HeldPid session, group;
    {
        Locked guard(lock_);
        hang_ups_.fetch_add(1);
        std::swap(session, session_);
        std::swap(group, foreground_);
        discipline_.discard_input();
        discipline_.let_go(*this);
        discipline_.start(*this);
        after_reading(guard);
    }
    changes_.wake_all();
    if (!session || !signal_target) return;
    signal_target->take_terminal_away(session.get(), number_);
    signal_target->signal_hang_up(session, group);
}

Pid Terminal::foreground_group() {
    Locked guard(lock_);
    return foreground_.get();
}

Pid Terminal::session() {
    Locked guard(lock_);
    return session_.get();
}

void Terminal::signal_foreground(int signal) {
    base::HeldPid group;
    {
        Locked guard(lock_);
        group = foreground_;
    }
    deliver(1u << signal, group);
}

Result<Use> Terminal::open(u32 flags) {
    SignalTarget* const target = signal_target.get();
    {
        Locked guard(lock_);
        if (exclusive_ && open_files_ != 0 && target && !target->current_credentials().is_privileged()) return fail(EBUSY);
        ++open_files_;
    }
    u32 const hang_ups = hang_ups_.load();         // read first: a master that closes after opened() then hangs up this file, too
    if (auto const opened = device_->opened(); !opened) {
        Locked guard(lock_);
        --open_files_;
        return fail(opened.error());
    }
    return Use(flags, hang_ups);
}

void Terminal::close() {
    {
        Locked guard(lock_);
        if (--open_files_ == 0) exclusive_ = false;
    }
    device_->closed();
}

Result<i64> Terminal::get_group(u64 argument) {
    Caller const caller = running_process();
    Pid group;
    {
        Locked guard(lock_);
        if (caller.terminal != number_ || session_.get() != caller.session) return fail(ENOTTY);
        group = foreground_.get();
    }
    TRY(mm::UserPtr<i32>(argument).write(group.value));
    return 0;
}

Result<i64> Terminal::set_group(u64 argument) {
    Caller const caller = running_process();
    {
        Locked guard(lock_);
        if (caller.terminal != number_ || session_.get() != caller.session) return fail(ENOTTY);
    }
    if (auto const allowed = check_foreground(SIGTTOU); !allowed) return fail(allowed.error() == Errno(EIO) ? Errno(ENOTTY) : allowed.error());
    Pid const group(TRY(mm::UserPtr<i32>(argument).read()));
    if (group.value < 0) return fail(EINVAL);
    auto held = TRY(signal_target->hold_group(group));
    Locked guard(lock_);
    if (session_.get() != caller.session) return fail(ENOTTY);
    std::swap(foreground_, held);
    return 0;
}

Result<i64> Terminal::get_session(u64 argument) {
    Caller const caller = running_process();
    {
        Locked guard(lock_);
        if (caller.terminal != number_ || session_.get() != caller.session) return fail(ENOTTY);
    }
    TRY(mm::UserPtr<i32>(argument).write(caller.session.value));
    return 0;
}

}
