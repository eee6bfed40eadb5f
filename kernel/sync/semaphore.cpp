// SPDX-License-Identifier: MIT
// See semaphore.h.
#include "kernel/sync/semaphore.h"

namespace sync {

bool Semaphore::try_down() {
    u32 count = count_.load(std::memory_order_relaxed);
    while (count != 0) {
        // Ordering: acquire, with up(): who gets a unit sees what was done before it was given.
        if (count_.compare_exchange_weak(count, count - 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
    return false;
}

Result<> Semaphore::down(sched::Interruptible kind, u64 deadline_ns) {
    if (try_down()) return {};
    return queue_.wait([this] { return try_down(); }, kind, deadline_ns);
}

void Semaphore::up() {
    count_.fetch_add(1, std::memory_order_release);
    queue_.wake_one();
}

}
