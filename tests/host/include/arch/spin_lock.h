// SPDX-License-Identifier: MIT
// The host's SpinLock: the same type and Guard over a flag. Host tests have one thread,
// so a lock that is taken twice is a deadlock, and panics.
#pragma once

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <base/config.h>
#include <base/lock_rank.h>
#include <base/panic.h>
#include <base/thread_annotations.h>

namespace arch {

enum class IrqPolicy : u8 { InterruptsOff, PreemptOff };
inline constexpr IrqPolicy InterruptsOff = IrqPolicy::InterruptsOff;
inline constexpr IrqPolicy PreemptOff = IrqPolicy::PreemptOff;

struct LockList {};
inline void set_thread_lock_list(LockList*) {}
inline void lock_check_acquire(LockRank, void const*) {}
inline void lock_check_release(LockRank, void const*) {}
inline void lock_check_may_sleep() {}

template <LockRank rank, IrqPolicy policy>
class SpinLock {
    static_assert(!is_sleeping(rank), "this rank belongs to sleeping locks");
public:
    constexpr SpinLock() = default;
    SpinLock(SpinLock const&) = delete;
    SpinLock& operator=(SpinLock const&) = delete;

    class [[nodiscard]] Guard {
    public:
        explicit Guard(SpinLock& lock) : lock_(lock) { lock_.take(); }
        ~Guard() { lock_.give(); }
        Guard(Guard const&) = delete;
        Guard& operator=(Guard const&) = delete;
        bool guards(SpinLock const& lock) const { return &lock_ == &lock; }
    private:
        SpinLock& lock_;
    };

    bool is_held() const { return held_; }
    void assert_held() const { ASSERT(held_); }
    void take() { ASSERT(!held_); held_ = true; }
    void give() { ASSERT(held_); held_ = false; }

private:
    bool held_ = false;
};

}

using arch::InterruptsOff;
using arch::PreemptOff;
using arch::SpinLock;
