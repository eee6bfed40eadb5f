// SPDX-License-Identifier: MIT
// WaitQueue: entering, sleeping and waking. Invariant: no wake-up is lost.
//
//                       sleeper                        waker
//                       Preparing, then enter queue    make the condition true
//                       full fence                     full fence
//                       look at the condition          look at the queue; wake under its lock
// One of the two sees the other. Preparing comes first: a thread in a queue can be woken, and from then on
// a wake leaves Woken behind, so that block() returns at once.
#include "sched/wait_queue.h"

#include <arch/time.h>

#include "sched/wake_timer.h"

namespace sched {
[[gnu::always_inline]] inline void WaitQueue::wake_first() {
    auto& waiter = static_cast<Waiter&>(*waiters_.first());
    waiters_.remove(waiter);
    count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    // Until the state is Woken, ~Waiter waits for our lock, so the thread cannot end while it is being woken.
    waiter.state_.store(Waiter::State::Waking, std::memory_order_relaxed);
    scheduler.wake_under_lock(waiter.thread_);
    waiter.state_.store(Waiter::State::Woken, std::memory_order_release);
}

void WaitQueue::wake_one() {
    // Ordering: full fence, pairs with the one in Waiter::enter(); see the head of the file.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_waiters()) return;
    {
        Locked guard(lock_);
        if (!waiters_.is_empty()) wake_first();
        if (observers_.is_empty()) [[likely]] return;
    }
    tell_observers(0);
}

/// Wakes all threads that are in the queue now, a few at a time: a thread that enters later has checked the
/// condition, or will.
/// True: there are observers.
bool WaitQueue::wake_waiters() {
    for (u32 left = count_.load(std::memory_order_relaxed);;) {
        Locked guard(lock_);
        for (u32 room = at_once; left > 0 && room > 0 && !waiters_.is_empty(); --left, --room) wake_first();
        if (left == 0 || waiters_.is_empty()) return !observers_.is_empty();
    }
}

void WaitQueue::wake_all(WakeEvents events) {
    // Ordering: as in wake_one().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_waiters()) return;
    if (wake_waiters()) [[unlikely]] tell_observers(events);
}

void WaitQueue::Waiter::prepare(Interruptible kind) {
    scheduler.prepare_to_block(kind);
    enter();
}

void WaitQueue::Waiter::enter() {
    {
        Locked guard(queue_.lock_);
        if (state_.load(std::memory_order_relaxed) != State::Queued) {
            state_.store(State::Queued, std::memory_order_relaxed);
            queue_.waiters_.push_back(*this);
            queue_.count_.store(queue_.count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
    }
    // Ordering: full fence, pairs with the one in wake_one(); see the head of the file.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// Leaves the queue; false: it was not in it, because it has been woken.
bool WaitQueue::Waiter::leave() {
    Locked guard(queue_.lock_);
    if (state_.load(std::memory_order_relaxed) != State::Queued) return false;
    state_.store(State::Outside, std::memory_order_relaxed);
    queue_.waiters_.remove(*this);
    queue_.count_.store(queue_.count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return true;
}

void WaitQueue::Waiter::leave_for_good() {
    scheduler.cancel_block();
    leave();
}

/// A waiter that has already been woken must not fail, or that wake_one() would be lost.
Result<> WaitQueue::Waiter::give_up(int error) {
    if (leave()) return fail(error);
    return {};
}

Result<> WaitQueue::Waiter::sleep(Interruptible kind, u64 deadline_ns) {
    if (thread_.is_interrupted(kind)) [[unlikely]] return give_up(EINTR);
    if (deadline_ns != no_deadline) return sleep_until(kind, deadline_ns);
    scheduler.block();
    if (thread_.is_interrupted(kind)) [[unlikely]] return give_up(EINTR);
    return {};
}

Result<> WaitQueue::Waiter::sleep_until(Interruptible kind, u64 deadline_ns) {
    if (arch::clock_ns() >= deadline_ns) return give_up(ETIMEDOUT);
    {
        WakeTimer timer;
        timer.arm(deadline_ns);
        scheduler.block();
    }
    if (thread_.is_interrupted(kind)) return give_up(EINTR);
    if (arch::clock_ns() >= deadline_ns) return give_up(ETIMEDOUT);
    return {};
}

}
