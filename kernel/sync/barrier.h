// SPDX-License-Identifier: MIT
// Barrier: a number of threads wait for each other, again and again. It must outlive the last return of wait().
#pragma once

#include <atomic>

#include "sched/wait_queue.h"

namespace sync {

class Barrier {
public:
    /// For `size` threads, 1 at least.
    explicit constexpr Barrier(u32 size) : size_(size) {}
    Barrier(Barrier const&) = delete;
    Barrier& operator=(Barrier const&) = delete;
    /// Returns when `size` threads have called it in this round: true in the last of them, false in the others. What each did before
    /// is seen by all after.
    bool wait();
private:
    u32 const size_;
    std::atomic<u32> arrived_{0};
    /// Rounds that are over. Ordering: release by the last of a round, acquire by the others.
    std::atomic<u32> round_{0};
    sched::WaitQueue queue_;
};

}
