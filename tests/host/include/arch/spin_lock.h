// SPDX-License-Identifier: MIT
// The host's SpinLock: the same type and Guard over a flag. Host tests have one thread,
// so a lock that is taken twice is a deadlock, and panics.
#pragma once

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <base/config.h>
#include <base/lock_rank.h>
#include <base/locked.h>
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

    using Guard = base::Locked<SpinLock>;

    bool is_held() const { return held_; }
    void assert_held() const { ASSERT(held_); }
    void take() { ASSERT(!held_); held_ = true; }
    void give() { ASSERT(held_); held_ = false; }

private:
    bool held_ = false;
};

}

template <LockRank rank, arch::IrqPolicy policy>
class [[nodiscard]] base::Locked<arch::SpinLock<rank, policy>> {
public:
    using Lock = arch::SpinLock<rank, policy>;
    explicit Locked(Lock& lock) : lock_(lock) { lock_.take(); }
    ~Locked() { lock_.give(); }
    Locked(Locked const&) = delete;
    Locked& operator=(Locked const&) = delete;
    bool guards(Lock const& lock) const { return &lock_ == &lock; }
private:
    Lock& lock_;
};

using arch::InterruptsOff;
using arch::PreemptOff;
using arch::SpinLock;
