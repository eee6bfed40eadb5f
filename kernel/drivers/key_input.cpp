// SPDX-License-Identifier: MIT
#include "kernel/drivers/key_input.h"

#include <arch/power.h>

namespace drivers {

constinit KeyInput key_input;

Result<> KeyInput::add_source(KeySource& source) {
    u32 const count = source_count_.load(std::memory_order_relaxed);
    if (count == max_sources) return fail(ENOSPC);
    sources_[count] = &source;
    source_count_.store(count + 1, std::memory_order_release);
    return {};
}

void KeyInput::handle(KeyEvent event) {
    KeyPress press;
    {
        decltype(lock_)::Guard guard(lock_);
        press = keymap_.feed(event, application_cursor_.load(std::memory_order_relaxed));
        lights_.store(keymap_.lights(), std::memory_order_relaxed);
    }
    if (press.restart_machine) arch::reset();
    if (press.lights_changed)
        for (u32 i = 0, count = source_count_.load(std::memory_order_acquire); i < count; ++i) sources_[i]->lights_changed();
    if (!target_) return;
    if (press.screen.is_any()) target_->command(press.screen);
    if (press.length != 0) target_->type({press.bytes.data(), press.length});
}

}
