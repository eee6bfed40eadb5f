// SPDX-License-Identifier: MIT
// Completion: one thread waits until another has done something. It may stand on the waiter's stack: whoever
// completes it does not touch it any more when wait() returns.
#pragma once

#include "sched/wait_queue.h"

namespace sync {

class Completion {
public:
    constexpr Completion() = default;
    Completion(Completion const&) = delete;
    Completion& operator=(Completion const&) = delete;
    /// Lets one thread through: the one that has waited longest, or the next that comes. Any context.
    void complete();
    /// Lets all through, from now on. Any context.
    void complete_all();
    /// Waits for, and uses up, one complete(). EINTR, ETIMEDOUT: none is used up.
    Result<> wait(sched::Interruptible kind = sched::Interruptible::No, u64 deadline_ns = sched::no_deadline);
    bool try_wait();
private:
    struct Waiter;
    static constexpr u32 for_ever = ~0u;
    bool use_one() REQUIRES(lock_);
    void release_first() REQUIRES(lock_);

    SpinLock<LockRank::wait_queue, InterruptsOff> lock_;
    u32 done_ GUARDED_BY(lock_) = 0;            ///< completions that nobody has used; for_ever after complete_all()
    sched::WaitList waiters_ GUARDED_BY(lock_);
};

}
