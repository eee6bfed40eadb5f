// SPDX-License-Identifier: MIT
// A completion is handed to a waiter outright, under the lock. The waiter takes the lock once more before it
// returns: then the one who completed has let go of it, and of the waiter's frame.
#include "kernel/sync/completion.h"

#include <optional>

#include <arch/time.h>

#include "sched/wake_timer.h"

namespace sync {

struct Completion::Waiter : sched::WaitNode {
    sched::Thread& thread = sched::current_thread();
    bool released = false;                      ///< out of the list; lock_ guards it
};

bool Completion::use_one() {
    if (done_ == 0) return false;
    if (done_ != for_ever) --done_;
    return true;
}

void Completion::release_first() {
    auto& waiter = static_cast<Waiter&>(*waiters_.first());
    waiters_.remove(waiter);
    waiter.released = true;
    sched::scheduler.wake_under_lock(waiter.thread);
}

void Completion::complete() {
    Locked guard(lock_);
    if (!waiters_.is_empty()) release_first();
    else if (done_ < for_ever - 1) ++done_;
}

void Completion::complete_all() {
    Locked guard(lock_);
    done_ = for_ever;
    while (!waiters_.is_empty()) release_first();
}

bool Completion::try_wait() {
    Locked guard(lock_);
    return use_one();
}

Result<> Completion::wait(sched::Interruptible kind, u64 deadline_ns) {
    Waiter waiter;
    {
        Locked guard(lock_);
        if (use_one()) return {};
        waiters_.push_back(waiter);
    }
    std::optional<sched::WakeTimer> timer;
    if (deadline_ns != sched::no_deadline) timer.emplace().arm(deadline_ns);
    for (;;) {
        sched::scheduler.prepare_to_block(kind);
        {
            Locked guard(lock_);
            bool const interrupted = waiter.thread.is_interrupted(kind);
            int const error = waiter.released ? 0 : interrupted ? EINTR : arch::clock_ns() >= deadline_ns ? ETIMEDOUT : 0;
            if (error) waiters_.remove(waiter);
            if (error || waiter.released) {
                sched::scheduler.cancel_block();
                return error ? Result<>(fail(error)) : Result<>();
            }
        }
        sched::scheduler.block();
    }
}

}
