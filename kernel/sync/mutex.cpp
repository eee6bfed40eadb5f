// SPDX-License-Identifier: MIT
// The contended side of Mutex. owner_ is null, or the thread that may leave its critical section;
// the first waiter is woken at a release, stays in the list until it owns the lock, and is
// given it outright once it has lost a race (impatient).
#include "kernel/sync/mutex.h"

#include <arch/time.h>
#include <base/config.h>
#include <base/panic.h>

#include "sched/running.h"

namespace sync {
namespace {

/// About what it costs to sleep and to be woken: whoever spins in vain loses no more than twice the time.
constexpr u64 longest_spin_ns = 20 * ns_per_us;

}

struct MutexBase::Waiter : sched::WaitNode {
    explicit Waiter(sched::Thread& t) : thread(t) {}
    sched::Thread& thread;
    bool woken = false;        ///< a release has woken it; it will look. GUARDED_BY(lock_)
    bool impatient = false;    ///< it has looked in vain. GUARDED_BY(lock_)
};

bool MutexBase::take(sched::Thread& self) {
    sched::Thread* expected = nullptr;
    // Ordering: acquire, with the exchange in release().
    return owner_.compare_exchange_strong(expected, &self, std::memory_order_acquire, std::memory_order_relaxed);
}

bool MutexBase::try_acquire() {
    if (!take(sched::current_thread())) return false;
    if constexpr (config::debug) arch::lock_check_acquire(rank_, this);
    return true;
}

void MutexBase::acquire() {
    if constexpr (config::debug) {
        arch::lock_check_may_sleep();
        arch::lock_check_acquire(rank_, this);
    }
    sched::Thread& self = sched::current_thread();
    if (!take(self) && !spin(self)) [[unlikely]] acquire_slowly(self);
}

/// While the owner runs on another CPU, it is likely to be done before we could have slept. An owner that does not run,
/// a thread that was handed the lock among them, is not waited for. True: it is ours.
bool MutexBase::spin(sched::Thread& self) {
    if (arch::online_cpus() == 1) return false;
    CpuId guess{0};
    for (u64 const end_ns = arch::clock_ns() + longest_spin_ns; arch::clock_ns() < end_ns; arch::relax()) {
        sched::Thread* const owner = owner_.load(std::memory_order_relaxed);
        if (!owner) {
            if (take(self)) return true;
        } else if (!sched::is_running_now(owner, guess)) {
            return false;
        }
    }
    return false;
}

void MutexBase::release() {
    if constexpr (config::debug) arch::lock_check_release(rank_, this);
    if (waiters_.load(std::memory_order_relaxed) == 0) [[likely]] {
        // Ordering: release, with take(); and a full fence before waiters_ is read again, with the one after a waiter
        // has counted itself: it sees the lock free or we see it.
        owner_.exchange(nullptr, std::memory_order_seq_cst);
        if (waiters_.load(std::memory_order_relaxed) == 0) [[likely]] return;
    }
    release_to_waiter(sched::current_thread());
}

/// Wakes the first waiter; `self` may have let go already.
void MutexBase::release_to_waiter(sched::Thread& self) {
    decltype(lock_)::Guard guard(lock_);
    auto* const first = static_cast<Waiter*>(list_.first());
    bool const owned = owner_.load(std::memory_order_relaxed) == &self;
    if (first && first->impatient && owned) {
        // Ordering: release, with is_granted().
        owner_.store(&first->thread, std::memory_order_release);
    } else {
        if (owned) owner_.store(nullptr, std::memory_order_seq_cst);
        if (!first || first->woken) return;
    }
    first->woken = true;
    // Under the lock: the waiter takes it before it leaves its frame.
    sched::scheduler.wake_under_lock(first->thread);
}

/// One look of a waiter at the lock: got it, or will be woken again.
bool MutexBase::is_granted(Waiter& waiter) {
    decltype(lock_)::Guard guard(lock_);
    // Ordering: acquire, with the hand-over in release_to_waiter().
    bool const granted = owner_.load(std::memory_order_acquire) == &waiter.thread || take(waiter.thread);
    if (granted) {
        list_.remove(waiter);
        waiters_.store(waiters_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    } else {
        waiter.impatient = waiter.woken;
        waiter.woken = false;
    }
    return granted;
}

void MutexBase::acquire_slowly(sched::Thread& self) {
    DEBUG_ASSERT(owner_.load(std::memory_order_relaxed) != &self);
    Waiter waiter(self);
    {
        decltype(lock_)::Guard guard(lock_);
        list_.push_back(waiter);
        waiters_.store(waiters_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    for (;;) {
        sched::scheduler.prepare_to_block(sched::Interruptible::No);   // contains the full fence
        if (is_granted(waiter)) break;
        sched::scheduler.block();
    }
    sched::scheduler.cancel_block();
}

}
