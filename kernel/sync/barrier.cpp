// SPDX-License-Identifier: MIT
// A thread reads the round before it is counted: the round cannot end without it.
#include "kernel/sync/barrier.h"

namespace sync {

bool Barrier::wait() {
    u32 const round = round_.load(std::memory_order_relaxed);
    // Ordering: acquire and release; the last has seen what all the others did.
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 != size_) {
        (void)queue_.wait([&] { return round_.load(std::memory_order_acquire) != round; }, sched::Interruptible::No);
        return false;
    }
    arrived_.store(0, std::memory_order_relaxed);   // before the round ends: nobody of the next one has been counted
    round_.store(round + 1, std::memory_order_release);
    queue_.wake_all();
    return true;
}

}
