// SPDX-License-Identifier: MIT
// Counting semaphore of the kernel.
#pragma once

#include <atomic>

#include "sched/wait_queue.h"

namespace sync {

class Semaphore {
public:
    explicit constexpr Semaphore(u32 count) : count_(count) {}
    /// EINTR, ETIMEDOUT.
    Result<> down(sched::Interruptible kind = sched::Interruptible::No, u64 deadline_ns = sched::no_deadline);
    bool try_down();
    void up();          ///< any context
private:
    std::atomic<u32> count_;
    sched::WaitQueue queue_;
};

}
