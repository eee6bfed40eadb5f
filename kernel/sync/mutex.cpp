// SPDX-License-Identifier: MIT
// The contended side of Mutex. The owner is null, or the thread that may leave its critical section; a waiter is woken at
// a release, stays in the list until it owns the lock, and is given it outright once it has lost a race (impatient).
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

struct MutexBase::Waiter : sched::InheritableWaiter {
    using InheritableWaiter::InheritableWaiter;
    bool woken = false;        ///< a release has woken it; it will look; core_'s lock guards it
    bool impatient = false;    ///< it has looked in vain; the same
};

bool MutexBase::take(sched::Thread& self) {
    sched::Thread* expected = nullptr;
    // Ordering: acquire, with the exchange in release().
    return core_.owner.compare_exchange_strong(expected, &self, std::memory_order_acquire, std::memory_order_relaxed);
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
    if (!take(self) && !spin(self)) [[unlikely]] acquire_slowly();
}

/// While the owner runs on another CPU, it is likely to be done before we could have slept. An owner that does not run,
/// a thread that was handed the lock among them, is not waited for. True: it is ours.
bool MutexBase::spin(sched::Thread& self) {
    if (arch::online_cpus() == 1) return false;
    CpuId guess{0};
    for (u64 const end_ns = arch::clock_ns() + longest_spin_ns; arch::clock_ns() < end_ns; arch::relax()) {
        sched::Thread* const owner = core_.owner.load(std::memory_order_relaxed);
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
    if (core_.waiting() == 0) [[likely]] {
        // Ordering: release, with take(); and a full fence before waiting() is read again, with the one after a waiter
        // has counted itself: it sees the lock free or we see it.
        core_.owner.exchange(nullptr, std::memory_order_seq_cst);
        if (core_.waiting() == 0) [[likely]] return;
    }
    release_to_waiter(sched::current_thread());
}

/// Wakes the next waiter; `self` may have let go already. Who may not run at once, because others are more urgent, gets the
/// lock outright: it is the owner who inherits from those who are still more urgent. So do realtime threads.
void MutexBase::release_to_waiter(sched::Thread& self) {
    sched::Inheritable::Guard guard(core_);
    auto* const next = static_cast<Waiter*>(guard.next_to_serve());
    bool const owned = core_.owner.load(std::memory_order_relaxed) == &self;
    bool const given = next && owned && (next->impatient || sched::is_realtime(next->level) || next != guard.most_urgent());
    if (given) {
        // Ordering: release, with is_granted().
        core_.owner.store(&next->thread, std::memory_order_release);
    } else {
        if (owned) core_.owner.store(nullptr, std::memory_order_seq_cst);
        if (!next || next->woken) return;
    }
    next->woken = true;
    // Under the lock: the waiter takes it before it leaves its frame.
    sched::scheduler.wake_under_lock(next->thread);
}

/// One look of a waiter at the lock: got it, or will be woken again.
bool MutexBase::is_granted(Waiter& waiter) {
    sched::Inheritable::Guard guard(core_);
    // Ordering: acquire, with the hand-over in release_to_waiter().
    bool const granted = core_.owner.load(std::memory_order_acquire) == &waiter.thread || take(waiter.thread);
    if (granted) {
        guard.leave(waiter);
    } else {
        waiter.impatient = waiter.woken;
        waiter.woken = false;
    }
    return granted;
}

void MutexBase::acquire_slowly() {
    DEBUG_ASSERT(!is_held_by_current());
    Waiter waiter(core_);
    sched::Inheritable::Guard(core_).enter(waiter);
    for (;;) {
        sched::scheduler.prepare_to_block(sched::Interruptible::No);
        if (is_granted(waiter)) break;
        sched::scheduler.block();
    }
    sched::scheduler.cancel_block();
}

}
