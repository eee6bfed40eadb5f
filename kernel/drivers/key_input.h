// SPDX-License-Identifier: MIT
// KeyInput: the one place where the events of all keyboards meet: they share the state of shift keys and
// locks, as one keyboard, and what they type goes to one place.
#pragma once

#include <atomic>

#include <span>

#include <arch/spin_lock.h>
#include <base/result.h>

#include "kernel/drivers/keymap.h"

namespace drivers {

/// Where key events come from: a controller, which stays for ever while its keyboards may come and go.
class KeySource {
public:
    /// KeyInput::lights() is different now. Any context, no lock held; must not sleep.
    virtual void lights_changed() = 0;
protected:
    ~KeySource() = default;
};

/// Whom keys are for. Called in any context, with no lock held; must not sleep.
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
    /// Before any source.
    void start(KeyTarget& target) { target_ = &target; }
    /// ENOSPC: there are max_sources already. While booting.
    Result<> add_source(KeySource& source);
    /// Any context.
    void handle(KeyEvent event);
    /// As Keymap::lights(). Any context.
    u8 lights() const { return lights_.load(std::memory_order_relaxed); }
    /// The program on the screen wants ESC O for arrows. Any context.
    void set_application_cursor(bool on) { application_cursor_.store(on, std::memory_order_relaxed); }

private:
    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    Keymap keymap_ GUARDED_BY(lock_);
    KeyTarget* target_ = nullptr;                   ///< set once by start()
    KeySource* sources_[max_sources] = {};          ///< written once, before source_count_ counts it
    /// Ordering: release when a source has been entered, acquire where they are called.
    std::atomic<u32> source_count_{0};
    std::atomic<u8> lights_{0};                     ///< Ordering: relaxed; who is told of a change reads it
    std::atomic<bool> application_cursor_{false};   ///< Ordering: relaxed, one flag that guards nothing
};

extern constinit KeyInput key_input;

}
