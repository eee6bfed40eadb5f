// SPDX-License-Identifier: MIT
// Where the events of all keyboards meet, as if they were one keyboard. The keymap is used only under its lock; the target and the
// SysRq commands are called without it.
#include "kernel/drivers/keyboard/key_input.h"

#include <arch/power.h>
#include <base/log.h>

#include "kernel/base/sysrq.h"

namespace drivers {

constinit KeyInput key_input;

Result<> KeyInput::add_source(KeySource& source) {
    u32 const count = source_count_.load(std::memory_order_relaxed);
    if (count == max_sources) return fail(ENOSPC);
    sources_[count] = &source;
    source_count_.store(count + 1, std::memory_order_release);
    return {};
}

void KeyInput::start(KeyTarget& target, std::string_view name) {
    constexpr std::string_view usual = "us";
    target_ = &target;
    LayoutFile const file(layout_file());
    Layout const* layout = file.find(name);
    if (!layout) {
        log_warning("keyboard", "keymap={}: no such layout; {} is taken", name, usual);
        name = usual, layout = file.find(usual);
    }
    if (!layout) return log_error("keyboard", "the image has no layouts");
    with_keymap([&](Keymap& keymap) {
        keymap.tables().load(*layout);
        keymap.tables().load_accents(file.accents());
        return true;
    });
    log_info("keyboard", "layout {}", name);
}

void KeyInput::tell_of_lights() {
    for (u32 i = 0, count = source_count_.load(std::memory_order_acquire); i < count; ++i) sources_[i]->lights_changed();
}

void KeyInput::handle(KeyEvent event) {
    SysRqKeys::Outcome request;
    KeyPress const press = with_keymap([&](Keymap& keymap) NO_THREAD_SAFETY_ANALYSIS {
        request = sysrq_keys_.feed(key_code(event), event.down);
        return request.taken ? KeyPress{} : keymap.feed(event, application_cursor_.load(std::memory_order_relaxed));
    });
    if (request.key != 0) base::sysrq(request.key, base::SysRqSource::Console);
    if (press.restart_machine) {
        if (auto* const restart = restart_keys.get()) restart();
        else arch::reset();
    }
    if (!target_) return;
    if (press.screen.is_any()) target_->command(press.screen);
    if (press.length != 0) target_->type({press.bytes.data(), press.length});
}

}
