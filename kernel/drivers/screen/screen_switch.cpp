// SPDX-License-Identifier: MIT
// Brings a console to the front, and does what keys ask of the screen. Keys come in any context, so a switch, which may allocate
// memory, is left to the drawing thread.
#include <abi/signal.h>

#include "kernel/drivers/screen/screen.h"

namespace drivers {

Result<> Screen::activate(VirtualConsole& console) {
    if (!may_switch_.load(std::memory_order_relaxed)) return {};
    TRY(console.opened());   // so that it keeps its memory
    {
        Locked guard(screen_lock);
        if (VirtualConsole& before = foreground(); &before != &console) previous_ = before.number();
        foreground_.store(console.number() - 1, std::memory_order_relaxed);
        console.vt.cells().mark_all();
        key_input.set_application_cursor(console.vt.application_cursor());
    }
    console.closed();
    // If several threads switch at once, the last of them to come here sees the console that stays in front.
    static_cast<void>(key_input.with_keymap([this](Keymap& keymap) { return keymap.show_console(foreground().number()), true; }));
    wake();
    switches_.wake_all();
    return {};
}

Result<> Screen::wait_until_active(VirtualConsole& console) {
    if (!switches_.wait([&] { return &foreground() == &console; })) return fail(restart_sys);
    return {};
}

Result<i64> Screen::set_graphics(VirtualConsole& console, bool on) {
    {
        Locked guard(screen_lock);
        if (console.shows_graphics == on) return 0;
        console.shows_graphics = on;
    }
    if (!on) repaint();
    return 0;
}

// ---------------------------------------------------------------- keys

void Screen::type(std::span<char const> bytes) {
    VirtualConsole& console = foreground();
    bool looked_back;
    {
        Locked guard(screen_lock);
        looked_back = console.vt.cells().view() != 0;
        console.vt.cells().end_view();
    }
    if (looked_back) wake();
    console.terminal.input(bytes);
}

void Screen::command(ScreenCommand const& command) {
    if (command.console != 0) wanted_console_.store(command.console, std::memory_order_relaxed);
    if (command.step != 0) wanted_step_.store(command.step, std::memory_order_relaxed);
    if (command.last) wanted_last_.store(true, std::memory_order_relaxed);
    if (command.half_pages != 0) {
        Locked guard(screen_lock);
        foreground().vt.cells().move_view(command.half_pages * (rows() / 2));
    }
    wake();
}

/// The number of the next console in that direction that has been used; the one in front if there is no other.
u32 Screen::neighbour(i32 step) {
    Locked guard(screen_lock);
    u32 const start = foreground().number() - 1;
    for (u32 i = 1; i < console_count; ++i) {
        u32 const index = (start + (step > 0 ? i : console_count - i)) % console_count;
        if (consoles_[index].is_allocated()) return index + 1;
    }
    return start + 1;
}

/// Does what keys have asked for, in the drawing thread. A switch for which there is no memory does not happen.
void Screen::obey() {
    u32 number = wanted_console_.exchange(0, std::memory_order_relaxed);
    if (i32 const step = wanted_step_.exchange(0, std::memory_order_relaxed)) number = neighbour(step);
    if (wanted_last_.exchange(false, std::memory_order_relaxed)) {
        Locked guard(screen_lock);
        number = previous_;
    }
    if (VirtualConsole* const wanted = console(number)) static_cast<void>(activate(*wanted));
}

}
