// SPDX-License-Identifier: MIT
// ioctl_tty(2): settings, window size, flow, queues. Arguments are copied in before the
// lock is taken, and out after it is released.
#include "kernel/tty/terminal.h"

#include <algorithm>

#include <abi/signal.h>
#include <asm/ioctls.h>
#include <linux/tty.h>

#include "mm/user/user_access.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace tty {

namespace {

bool changes_settings(u32 command) {
    constexpr u32 commands[] = {TCSETS, TCSETSW, TCSETSF, TCSETS2, TCSETSW2, TCSETSF2, TCSETA, TCSETAW, TCSETAF};
    return std::ranges::find(commands, command) != std::end(commands);
}

/// Requests that a background group may not make: ioctl_tty(2), "Terminal job control".
bool changes_terminal(u32 command) {
    if (changes_settings(command)) return true;
    switch (command) {
    case TIOCSETD:
    case TIOCSBRK:
    case TIOCCBRK:
    case TCXONC:
    case TCFLSH:
    case TCSBRK:
    case TCSBRKP: return true;
    default: return false;
    }
}

Result<i64> write_int(u64 address, i32 value) {
    TRY(mm::UserPtr<i32>(address).write(value));
    return 0;
}

}

Result<i64> Terminal::ioctl(u32 command, u64 argument, Use use) {
    if (is_hung_up(use)) return fail(command == TIOCSPGRP ? ENOTTY : EIO);
    if (changes_terminal(command)) TRY(check_foreground(SIGTTOU));
    if (changes_settings(command)) return set_settings(command, argument, use);
    constexpr u64 usual_ms = 250, unit_ms = 100;
    switch (command) {
    case TCGETS:
    case TCGETS2:
    case TCGETA:
    case TIOCGSOFTCAR: return get_settings(command, argument);
    case TIOCSSOFTCAR: return set_settings(command, argument, use);
    case TCSBRK:
        TRY(wait_for_drain(use));
        return argument == 0 ? send_break(usual_ms) : Result<i64>(0);
    case TCSBRKP:
        TRY(wait_for_drain(use));
        return send_break(argument == 0 ? usual_ms : static_cast<u32>(argument) * unit_ms);
    default: return plain_ioctl(command, argument, use);
    }
}

Result<i64> Terminal::plain_ioctl(u32 command, u64 argument, Use use) {
    switch (command) {
    case TIOCGWINSZ: return get_window_size(argument);
    case TIOCSWINSZ: return set_window_size(argument);
    case TCXONC: return control_flow(argument);
    case TCFLSH: return flush(argument);
    case TIOCINQ:
    case TIOCOUTQ: return queue_length(command, argument);
    case TIOCSBRK:
    case TIOCCBRK: device_->hold_break(command == TIOCSBRK); return 0;
    case TIOCGETD: return write_int(argument, N_TTY);
    case TIOCSETD: return TRY(mm::UserPtr<i32>(argument).read()) == N_TTY ? Result<i64>(0) : fail(EINVAL);
    case TIOCGDEV: return write_int(argument, static_cast<i32>(number_));
    case TIOCSTI: return simulate_input(argument);
    case TIOCGPTPEER: return fail(EIO);                           // this is no master
    case TIOCEXCL: return set_exclusive(true);
    case TIOCNXCL: return set_exclusive(false);
    case TIOCGEXCL: return write_int(argument, is_exclusive());
    case TIOCVHANGUP:
        if (signal_target && !signal_target->current_credentials().is_privileged()) return fail(EPERM);
        hang_up();
        return 0;
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID: return session_ioctl(command, argument, use);
    default: return device_->device_ioctl(command, argument);
    }
}

/// Returns at once if the device has no line. EINTR: the break was shorter.
Result<i64> Terminal::send_break(u64 milliseconds) {
    if (!device_->hold_break(true)) return 0;
    auto const slept = sched::scheduler.sleep_until(sched::clock.monotonic_ns() + milliseconds * ns_per_ms, sched::Interruptible::Yes);
    device_->hold_break(false);
    return slept ? Result<i64>(0) : fail(EINTR);
}

Result<i64> Terminal::get_window_size(u64 argument) {
    ::winsize window;
    {
        Locked guard(lock_);
        window = window_;
        if (window.ws_row == 0 && window.ws_col == 0) device_->size(window.ws_col, window.ws_row);
    }
    TRY(mm::UserPtr<::winsize>(argument).write(window));
    return 0;
}

Result<i64> Terminal::set_window_size(u64 argument) {
    auto const window = TRY(mm::UserPtr<::winsize>(argument).read());
    bool changed;
    base::HeldPid group;
    {
        Locked guard(lock_);
        changed = __builtin_memcmp(&window, &window_, sizeof window) != 0;
        window_ = window;
        group = foreground_;
    }
    if (changed) deliver(1u << SIGWINCH, group);
    return 0;
}

Result<i64> Terminal::control_flow(u64 argument) {
    {
        Locked guard(lock_);
        ::termios const& settings = discipline_.settings();
        switch (argument) {
        case TCOOFF: discipline_.hold(*this); break;
        case TCOON: discipline_.let_go(*this); break;
        case TCIOFF:
        case TCION: {
            char const byte = static_cast<char>(settings.c_cc[argument == TCIOFF ? VSTOP : VSTART]);
            if (byte != 0 && device_->room() != 0) device_->transmit({&byte, 1});
            break;
        }
        default: return fail(EINVAL);
        }
    }
    changes_.wake_all();
    return 0;
}

Result<i64> Terminal::flush(u64 argument) {
    if (argument > TCIOFLUSH) return fail(EINVAL);
    {
        Locked guard(lock_);
        if (argument != TCOFLUSH) {
            discipline_.discard_input();
            device_->input_discarded();
            after_reading(guard);
        }
        if (argument != TCIFLUSH) device_->discard();
    }
    changes_.wake_all();
    return 0;
}

Result<i64> Terminal::queue_length(u32 command, u64 argument) {
    size_t length;
    {
        Locked guard(lock_);
        length = command == TIOCINQ ? discipline_.readable_exact() : device_->pending();
    }
    return write_int(argument, static_cast<i32>(length));
}

/// Acts as if `*argument` had been typed. ioctl_tty(2): only on the caller's own terminal, or by root.
Result<i64> Terminal::simulate_input(u64 argument) {
    SignalTarget* const target = signal_target.get();
    if (!target) return fail(EPERM);
    bool const is_own = target->controlling_terminal() == number_ && belongs_to(target->current_session());
    if (!is_own && !target->current_credentials().is_privileged()) return fail(EPERM);
    char const byte = TRY(mm::UserPtr<char>(argument).read());
    input({&byte, 1});
    return 0;
}

Result<i64> Terminal::set_exclusive(bool on) {
    Locked guard(lock_);
    exclusive_ = on;
    return 0;
}

bool Terminal::is_exclusive() {
    Locked guard(lock_);
    return exclusive_;
}

}
