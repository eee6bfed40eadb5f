// SPDX-License-Identifier: MIT
// How much of a CPU realtime threads may take while others wait for it: sched(7),
// /proc/sys/kernel/sched_rt_runtime_us and sched_rt_period_us. Unlike on Linux the CPU never idles for it: if no
// other thread waits, realtime threads run on.
#pragma once

#include <atomic>

#include "sched/schedulable.h"

namespace sched {

// Ordering of both: relaxed; they are only numbers.
extern constinit std::atomic<i64> realtime_runtime_us;    ///< negative: no limit
extern constinit std::atomic<i64> realtime_period_us;

/// What realtime threads have used of one CPU. Guarded by its run queue's lock.
struct RealtimeShare {
    u64 start_ns = 0, used_ns = 0;               ///< of the current period
    bool is_spent = false;

    void begin_if_due(u64 now_ns, u64 period_ns) {
        if (now_ns - start_ns < period_ns) return;
        start_ns = now_ns;
        used_ns = 0;
        is_spent = false;
    }
    void add(u64 now_ns, u64 elapsed_ns, u64 runtime_ns, u64 period_ns) {
        begin_if_due(now_ns, period_ns);
        used_ns += elapsed_ns;
        is_spent = used_ns >= runtime_ns;
    }
};

struct RunQueue;
/// A realtime thread has run for `elapsed_ns`. Lock held.
void charge_realtime(RunQueue& queue, u64 now_ns, u64 elapsed_ns) REQUIRES(its_run_queue);

}
