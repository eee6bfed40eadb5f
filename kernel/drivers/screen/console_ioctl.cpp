// SPDX-License-Identifier: MIT
// The screen's part of ioctl_console(2): which consoles there are, which is in front, text or graphics. A switch never asks a program
// first: VT_PROCESS is EINVAL.
#include <linux/kd.h>
#include <linux/vt.h>

#include "kernel/drivers/keyboard/keyboard_ioctl.h"
#include "kernel/drivers/screen/screen.h"
#include "mm/user/user_access.h"

namespace drivers {

namespace {

constexpr u64 all = 0;

Result<VirtualConsole*> find(u64 number) {
    VirtualConsole* const console = number <= Screen::console_count ? screen.console(static_cast<u32>(number)) : nullptr;
    if (!console) return fail(ENXIO);
    return console;
}

/// The lowest console that nobody has open; -1: none.
i32 free_console() {
    Locked guard(screen_lock);
    for (u32 number = 1; number <= Screen::console_count; ++number)
        if (!screen.console(number)->is_open()) return static_cast<i32>(number);
    return -1;
}

/// Bit n of v_state: console n is open; bit 0 is tty0, and always set.
::vt_stat state() {
    Locked guard(screen_lock);
    ::vt_stat state{static_cast<u16>(screen.foreground().number()), 0, 1};
    for (u32 number = 1; number <= Screen::console_count; ++number)
        if (screen.console(number)->is_open()) state.v_state = static_cast<u16>(state.v_state | 1u << number);
    return state;
}

Result<i64> set_mode(u64 argument) {
    auto const mode = TRY(mm::UserPtr<::vt_mode>(argument).read());
    if (mode.mode != VT_AUTO) return fail(EINVAL);
    return 0;
}

Result<i64> deallocate_numbered(u64 number) {
    if (number != all) {
        TRY(TRY(find(number))->deallocate());
        return 0;
    }
    for (u32 i = 1; i <= Screen::console_count; ++i) static_cast<void>(screen.console(i)->deallocate());
    return 0;
}

/// True for root, and for a process whose controlling terminal this is.
bool may_change(tty::Terminal const& terminal) {
    tty::SignalTarget* const target = tty::signal_target.get();
    return target && (target->controlling_terminal() == terminal.number() || target->current_credentials().is_privileged());
}

}

/// The requests that need a right to the console.
Result<i64> VirtualConsole::change(u32 command, u64 argument) {
    if (!may_change(terminal)) return fail(EPERM);
    switch (command) {
    case KDSETMODE:
        if (argument != KD_TEXT && argument != KD_GRAPHICS) return fail(EINVAL);
        return screen.set_graphics(*this, argument == KD_GRAPHICS);
    case VT_SETMODE: return set_mode(argument);
    case VT_ACTIVATE: TRY(screen.activate(*TRY(find(argument)))); return 0;
    case VT_WAITACTIVE: TRY(screen.wait_until_active(*TRY(find(argument)))); return 0;
    case VT_LOCKSWITCH:
    case VT_UNLOCKSWITCH:
        if (!tty::signal_target->current_credentials().is_privileged()) return fail(EPERM);
        screen.forbid_switching(command == VT_LOCKSWITCH);
        return 0;
    default: return fail(EINVAL);   // VT_RELDISP: no program has been asked
    }
}

Result<i64> VirtualConsole::device_ioctl(u32 command, u64 argument) {
    switch (command) {
    case KDGETMODE: {
        i32 mode;
        {
            Locked guard(screen_lock);
            mode = shows_graphics ? KD_GRAPHICS : KD_TEXT;
        }
        TRY(mm::UserPtr<i32>(argument).write(mode));
        return 0;
    }
    case VT_OPENQRY: TRY(mm::UserPtr<i32>(argument).write(free_console())); return 0;
    case VT_GETSTATE: TRY(mm::UserPtr<::vt_stat>(argument).write(state())); return 0;
    case VT_GETMODE: TRY(mm::UserPtr<::vt_mode>(argument).write(::vt_mode{VT_AUTO, 0, 0, 0, 0})); return 0;
    case VT_DISALLOCATE: return deallocate_numbered(argument);
    case KDSETMODE:
    case VT_SETMODE:
    case VT_ACTIVATE:
    case VT_WAITACTIVE:
    case VT_RELDISP:
    case VT_LOCKSWITCH:
    case VT_UNLOCKSWITCH: return change(command, argument);
    default: return keyboard_ioctl(terminal.number(), command, argument);
    }
}

}
