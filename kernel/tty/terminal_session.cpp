// SPDX-License-Identifier: MIT
// A terminal's session and foreground group, as data: who may take it, who gets its
// signals. credentials(7), TIOCSCTTY in ioctl_tty(2). The process's own half is behind
// SignalTarget, whose functions are called with lock_ free.
#include "kernel/tty/terminal.h"

#include <abi/signal.h>
#include <asm/ioctls.h>

#include "mm/user/user_access.h"

namespace tty {

namespace {

/// What the running process is to terminals.
struct Caller {
    Pid session, group;
    bool leader;
    u64 terminal;
};

Caller running_process() {
    SignalTarget& target = *signal_target();
    return {target.current_session(), target.current_group(), target.is_session_leader(), target.controlling_terminal()};
}

}

/// Job control: only the foreground group of the terminal's session reads, or changes it. EIO, restart_sys.
Result<> Terminal::check_foreground(int signal) {
    if (!signal_target()) return {};
    Caller const caller = running_process();
    if (caller.terminal != number_) return {};
    {
        Lock::Guard guard(lock_);
        if (session_ != caller.session || foreground_.value == 0 || foreground_ == caller.group) return {};
    }
    return signal_target()->background_access(signal);
}

Result<i64> Terminal::session_ioctl(u32 command, u64 argument) {
    if (!signal_target()) return fail(ENOTTY);
    switch (command) {
    case TIOCSCTTY: return take_session(argument);
    case TIOCNOTTY: return leave_session();
    case TIOCGPGRP: return get_group(argument);
    case TIOCSPGRP: return set_group(argument);
    default: return get_session(argument);
    }
}

void Terminal::offer_to_opener() {
    if (!signal_target()) return;
    Caller const caller = running_process();
    if (!caller.leader || caller.terminal != 0) return;
    {
        Lock::Guard guard(lock_);
        if (session_.value != 0) return;
        session_ = caller.session;
        foreground_ = caller.group;
    }
    signal_target()->set_controlling_terminal(number_);
}

/// `argument` 1 would steal the terminal from another session; nobody may.
Result<i64> Terminal::take_session(u64) {
    Caller const caller = running_process();
    {
        Lock::Guard guard(lock_);
        if (caller.leader && session_ == caller.session) return 0;
        if (!caller.leader || caller.terminal != 0 || session_.value != 0) return fail(EPERM);
        session_ = caller.session;
        foreground_ = caller.group;
    }
    signal_target()->set_controlling_terminal(number_);
    return 0;
}

Result<i64> Terminal::leave_session() {
    Caller const caller = running_process();
    if (caller.terminal != number_) return fail(ENOTTY);
    if (caller.leader) end_session(caller.session);
    signal_target()->set_controlling_terminal(0);
    return 0;
}

void Terminal::end_session(Pid session) {
    Pid group;
    {
        Lock::Guard guard(lock_);
        if (session.value == 0 || session_ != session) return;
        group = foreground_;
        session_ = foreground_ = Pid{};
    }
    if (group.value == 0 || !signal_target()) return;
    signal_target()->signal_group(group, SIGHUP);
    signal_target()->signal_group(group, SIGCONT);
}

Result<i64> Terminal::get_group(u64 argument) {
    Caller const caller = running_process();
    Pid group;
    {
        Lock::Guard guard(lock_);
        if (caller.terminal != number_ || session_ != caller.session) return fail(ENOTTY);
        group = foreground_;
    }
    TRY(mm::UserPtr<i32>(argument).write(group.value));
    return 0;
}

Result<i64> Terminal::set_group(u64 argument) {
    Caller const caller = running_process();
    {
        Lock::Guard guard(lock_);
        if (caller.terminal != number_ || session_ != caller.session) return fail(ENOTTY);
    }
    TRY(check_foreground(SIGTTOU));
    Pid const group(TRY(mm::UserPtr<i32>(argument).read()));
    if (group.value < 0) return fail(EINVAL);
    Pid const session = signal_target()->session_of_group(group);
    if (session.value == 0) return fail(ESRCH);
    if (session != caller.session) return fail(EPERM);
    Lock::Guard guard(lock_);
    if (session_ != caller.session) return fail(ENOTTY);
    foreground_ = group;
    return 0;
}

Result<i64> Terminal::get_session(u64 argument) {
    Caller const caller = running_process();
    {
        Lock::Guard guard(lock_);
        if (caller.terminal != number_ || session_ != caller.session) return fail(ENOTTY);
    }
    TRY(mm::UserPtr<i32>(argument).write(caller.session.value));
    return 0;
}

}
