// SPDX-License-Identifier: MIT
// No wake-up is lost:   sleeper                        waker
//                       enter queue, Preparing         make the condition true
//                       full fence                     full fence
//                       look at the condition          look at the queue; wake under its lock
// One of the two sees the other. A wake between the look and block() leaves Woken behind.
#include "sched/wait_queue.h"

#include <arch/time.h>

#include "sched/timer.h"

namespace sched {
namespace {

struct WakeTimer : Timer {
    explicit WakeTimer(Thread& t) : Timer([](Timer& timer) { scheduler.wake(static_cast<WakeTimer&>(timer).thread); }), thread(t) {}
    Thread& thread;
};

}

void WaitQueue::wake_first() {
    auto& waiter = static_cast<Waiter&>(*waiters_.first());
    waiters_.remove(waiter);
    count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    waiter.queued_ = false;
    // Under the lock: ~Waiter takes it, so neither the thread nor the queue is gone before we are done.
    scheduler.wake(waiter.thread_);
}

void WaitQueue::wake_one() {
    // Ordering: full fence, with the one in prepare_to_block(); see the head of the file.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_waiters()) return;
    decltype(lock_)::Guard guard(lock_);
    if (!waiters_.is_empty()) wake_first();
}

void WaitQueue::wake_all() {
    // Ordering: as in wake_one().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_waiters()) return;
    decltype(lock_)::Guard guard(lock_);
    while (!waiters_.is_empty()) wake_first();
}

void WaitQueue::Waiter::prepare(Interruptible kind) {
    prepared_ = true;
    {
        decltype(queue_.lock_)::Guard guard(queue_.lock_);
        if (!queued_) {
            queued_ = true;
            queue_.waiters_.push_back(*this);
            queue_.count_.store(queue_.count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
    }
    scheduler.prepare_to_block(kind);
}

/// Out of the queue; false: was not in it, because it has been woken.
bool WaitQueue::Waiter::leave() {
    decltype(queue_.lock_)::Guard guard(queue_.lock_);
    if (!queued_) return false;
    queued_ = false;
    queue_.waiters_.remove(*this);
    queue_.count_.store(queue_.count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return true;
}

/// A reason to give up; but a waiter that was already woken may not, or that wake_one() would be lost.
Result<> WaitQueue::Waiter::check(Interruptible kind, u64 deadline_ns) {
    int error = 0;
    if (kind == Interruptible::Yes && thread_.has_signal()) error = EINTR;
    else if (deadline_ns != no_deadline && arch::clock_ns() >= deadline_ns) error = ETIMEDOUT;
    if (error != 0 && leave()) return fail(error);
    return {};
}

Result<> WaitQueue::Waiter::sleep(Interruptible kind, u64 deadline_ns) {
    TRY(check(kind, deadline_ns));
    if (deadline_ns == no_deadline) {
        scheduler.block();
    } else {
        WakeTimer timer(thread_);
        timer.arm(deadline_ns);
        scheduler.block();
    }
    return check(kind, deadline_ns);
}

WaitQueue::Waiter::~Waiter() {
    if (!prepared_) return;
    scheduler.cancel_block();
    leave();
}

}
