// SPDX-License-Identifier: MIT
// KeyInput: the one place where the events of all keyboards meet. They share the state of shift keys and locks, as if they were one
// keyboard, and what they type goes to one target.
#pragma once

#include <atomic>

#include <span>

#include <arch/spin_lock.h>
#include <base/from_above.h>
#include <base/result.h>

#include "kernel/drivers/keyboard/keymap.h"
#include "kernel/drivers/keyboard/sysrq_keys.h"

namespace drivers {

/// Where key events come from: a controller. It is never removed; its keyboards may come and go.
class KeySource {
public:
    /// KeyInput::lights() has changed. Called in any context, with no lock held; must not sleep.
    virtual void lights_changed() = 0;
protected:
    ~KeySource() = default;
};

/// The receiver of what is typed. Called in any context, with no lock held; must not sleep.
class KeyTarget {
public:
    virtual void type(std::span<char const> bytes) = 0;
    virtual void command(ScreenCommand const& command) = 0;
protected:
    ~KeyTarget() = default;
};

class KeyInput {
public:
    static constexpr size_t max_sources = 8;

    constexpr KeyInput() = default;
    /// From here on keys go to `target` and mean what the layout of this name says (US if there is none). No source has been added yet.
    void start(KeyTarget& target, std::string_view layout);
    /// ENOSPC: there are max_sources already. Only while booting.
    Result<> add_source(KeySource& source);
    /// Any context.
    void handle(KeyEvent event);
    /// Calls f(Keymap&) with the keymap locked, then notifies the keyboards if its lights() have changed. Any context.
    template <class F>
    auto with_keymap(F&& f) {
        u8 lights_before, lights_now;
        auto const result = [&] {
            Locked guard(lock_);
            lights_before = keymap_.lights();
            auto const out = f(keymap_);
            lights_now = keymap_.lights();
            lights_.store(lights_now, std::memory_order_relaxed);
            return out;
        }();
        if (lights_now != lights_before) tell_of_lights();
        return result;
    }
    /// What Ctrl-Alt-Del does; called in any context. If unset, the machine restarts at once. reboot(2), LINUX_REBOOT_CMD_CAD_OFF
    base::FromAbove<void()> restart_keys;
    /// As Keymap::lights(). Any context.
    u8 lights() const { return lights_.load(std::memory_order_relaxed); }
    /// Whether the program on the screen wants ESC O for arrow keys. Any context.
    void set_application_cursor(bool on) { application_cursor_.store(on, std::memory_order_relaxed); }

private:
    void tell_of_lights();

    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    Keymap keymap_ GUARDED_BY(lock_);
    SysRqKeys sysrq_keys_ GUARDED_BY(lock_);
    KeyTarget* target_ = nullptr;                   ///< set once by start()
    KeySource* sources_[max_sources] = {};          ///< written once, before source_count_ counts it
    /// Ordering: release once a source has been entered, acquire where the sources are called.
    std::atomic<u32> source_count_{0};
    std::atomic<u8> lights_{0};                     ///< Ordering: relaxed; a listener reads it after a change
    std::atomic<bool> application_cursor_{false};   ///< Ordering: relaxed, one flag that guards nothing
};

extern constinit KeyInput key_input;

}
