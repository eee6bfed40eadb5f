// SPDX-License-Identifier: MIT
// Condition variable for use with any sync::Mutex.
#pragma once

#include "kernel/sync/mutex.h"

namespace sync {

class ConditionVariable {
public:
    constexpr ConditionVariable() = default;
    /// Gives `mutex` up, sleeps, takes it again. EINTR, ETIMEDOUT; the mutex is held again in every case.
    Result<> wait(MutexBase& mutex, sched::Interruptible kind = sched::Interruptible::No,
                  u64 deadline_ns = sched::no_deadline) REQUIRES(mutex);
    void signal() { queue_.wake_one(); }
    void broadcast() { queue_.wake_all(); }
private:
    sched::WaitQueue queue_;
};

}
