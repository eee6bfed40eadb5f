// SPDX-License-Identifier: MIT
// What a process does with each signal, and where its threads' handlers run. sigaction(2), sigaltstack(2).
#pragma once

#include <array>

#include <arch/spin_lock.h>
#include <base/ref.h>

#include "kernel/process/signal_info.h"
#include "mm/slab.h"

namespace process {

/// The kernel's struct sigaction of x86-64 (rt_sigaction(2)).
struct SignalAction { u64 handler = 0; u64 flags = 0; u64 restorer = 0; SignalMask mask = 0; };

/// What a process does with each signal. fork shares the table, and a process that changes an action while
/// others share it takes a copy first. The process's signal_lock guards it, and the pointer to it.
/// Processes may also have one table in common (CLONE_SIGHAND): each changes it for all of them, under common_lock. Then a single
/// word may be read under the reader's own signal_lock; a whole action is read by read().
struct SignalHandlers : RefCounted<SignalHandlers> {
    constexpr SignalHandlers() = default;
    std::array<SignalAction, signal_count> actions{};    ///< index signal - 1
    bool is_common = false;                              ///< set before others see the table, and never cleared
    mutable SpinLock<LockRank::leaf, InterruptsOff> common_lock;
    SignalAction& of(int signal) { return actions[static_cast<size_t>(signal - 1)]; }
    SignalAction const& of(int signal) const { return actions[static_cast<size_t>(signal - 1)]; }
    SignalAction read(int signal) const {
        if (!is_common) [[likely]] return of(signal);
        Locked guard(common_lock);
        return of(signal);
    }
    /// read(), then resets the handler to the default (SA_RESETHAND): of two callers only one gets the handler.
    SignalAction take_once(int signal) {
        if (!is_common) [[likely]] return take_once_locked(signal);
        Locked guard(common_lock);
        return take_once_locked(signal);
    }
    void write(int signal, SignalAction const& action) {
        if (!is_common) [[likely]] return (void)(of(signal) = action);
        Locked guard(common_lock);
        of(signal) = action;
    }
    MM_OBJECT_CACHE(SignalHandlers)
private:
    SignalAction take_once_locked(int signal) {
        SignalAction const old = of(signal);
        of(signal).handler = 0;                          // SIG_DFL
        return old;
    }
};

/// sigaltstack(2).
struct AlternateStack {
    static constexpr u32 disable = 2, auto_disarm = u32{1} << 31;   ///< SS_DISABLE, SS_AUTODISARM
    u64 address = 0, size = 0;
    u32 flags = disable;                                 ///< as the program gave them
    bool contains(u64 rsp) const { return rsp > address && rsp - address <= size; }
    /// With SS_AUTODISARM the stack does not count as in use while a handler is on it.
    bool is_in_use(u64 rsp) const { return size != 0 && !(flags & auto_disarm) && contains(rsp); }
};

}
