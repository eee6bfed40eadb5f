// SPDX-License-Identifier: MIT
// ioctl_tty(2): settings, window size, flow, queues. Arguments are copied in before the
// lock is taken and out after it is free.
#include "kernel/tty/terminal.h"

#include <abi/signal.h>
#include <asm/ioctls.h>

#include "mm/user/user_access.h"

namespace tty {

namespace {

/// What a background group may not do: ioctl_tty(2), "Terminal job control".
bool changes_terminal(u32 command) {
    switch (command) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCXONC:
    case TCFLSH:
    case TCSBRK:
    case TCSBRKP: return true;
    default: return false;
    }
}

}

Result<i64> Terminal::ioctl(u32 command, u64 argument) {
    if (changes_terminal(command)) TRY(check_foreground(SIGTTOU));
    switch (command) {
    case TCGETS: return get_settings(argument);
    case TCSETS:
    case TCSETSW:
    case TCSETSF: return set_settings(command, argument);
    case TIOCGWINSZ: return get_window_size(argument);
    case TIOCSWINSZ: return set_window_size(argument);
    case TCXONC: return control_flow(argument);
    case TCFLSH: return flush(argument);
    case TIOCINQ:
    case TIOCOUTQ: return queue_length(command, argument);
    case TCSBRK:
    case TCSBRKP:
        TRY(wait_for_drain());
        return 0;
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID: return session_ioctl(command, argument);
    default: return device_->device_ioctl(command, argument);
    }
}

Result<i64> Terminal::get_settings(u64 argument) {
    ::termios settings;
    {
        Lock::Guard guard(lock_);
        settings = discipline_.settings();
    }
    TRY(mm::UserPtr<::termios>(argument).write(settings));
    return 0;
}

Result<i64> Terminal::set_settings(u32 command, u64 argument) {
    auto const settings = TRY(mm::UserPtr<::termios>(argument).read());
    if (command != TCSETS) TRY(wait_for_drain());
    {
        Lock::Guard guard(lock_);
        if (command == TCSETSF) {
            discipline_.discard_input();
            after_reading(guard);
        }
        discipline_.configure(settings, *this);
    }
    changes_.wake_all();
    return 0;
}

Result<i64> Terminal::get_window_size(u64 argument) {
    ::winsize window;
    {
        Lock::Guard guard(lock_);
        window = window_;
        if (window.ws_row == 0 && window.ws_col == 0) device_->size(window.ws_col, window.ws_row);
    }
    TRY(mm::UserPtr<::winsize>(argument).write(window));
    return 0;
}

Result<i64> Terminal::set_window_size(u64 argument) {
    auto const window = TRY(mm::UserPtr<::winsize>(argument).read());
    bool changed;
    Pid group;
    {
        Lock::Guard guard(lock_);
        changed = window.ws_row != window_.ws_row || window.ws_col != window_.ws_col;
        window_ = window;
        group = foreground_;
    }
    if (changed) deliver(1u << SIGWINCH, group);
    return 0;
}

Result<i64> Terminal::control_flow(u64 argument) {
    {
        Lock::Guard guard(lock_);
        ::termios const& settings = discipline_.settings();
        switch (argument) {
        case TCOOFF: discipline_.stop(); break;
        case TCOON: discipline_.start(*this); break;
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
        Lock::Guard guard(lock_);
        if (argument != TCOFLUSH) {
            discipline_.discard_input();
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
        Lock::Guard guard(lock_);
        length = command == TIOCINQ ? discipline_.readable_exact() : device_->pending();
    }
    TRY(mm::UserPtr<i32>(argument).write(static_cast<i32>(length)));
    return 0;
}

}
