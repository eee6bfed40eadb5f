// SPDX-License-Identifier: MIT
// The PS/2 keyboard behind the i8042 controller (or a USB one that firmware makes look like
// it). Its state belongs to its interrupt, which runs on one CPU; no lock. Every wait for
// the controller has an end, and there may be none.
#pragma once

#include <base/result.h>

#include "kernel/drivers/keymap.h"
#include "kernel/tty/terminal.h"

namespace drivers {

class Keyboard {
public:
    constexpr Keyboard() = default;
    /// Typed bytes go to `terminal` from here on. ENODEV: no controller answers.
    Result<> start(tty::Terminal& terminal);
    /// The program on the screen wants ESC O for arrows. Any context.
    void set_application_cursor(bool on) { application_cursor_.store(on, std::memory_order_relaxed); }

private:
    enum class Lights : u8 { Idle, CommandSent };
    static void on_interrupt(void* keyboard);
    void handle(u8 code);
    void answer(u8 code);
    void send_lights();

    Keymap keymap_;
    tty::Terminal* terminal_ = nullptr;
    Lights lights_ = Lights::Idle;
    std::atomic<bool> application_cursor_{false};   ///< Ordering: relaxed, one flag that guards nothing
};

extern constinit Keyboard keyboard;

}
