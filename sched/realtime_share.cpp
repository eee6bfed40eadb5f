// SPDX-License-Identifier: MIT
// Enforces the realtime share at ticks and switches, so it is accurate to a tick.
#include "sched/realtime_share.h"

#include "sched/run_queue.h"
#include "sched/scheduler.h"

namespace sched {

constinit std::atomic<i64> realtime_runtime_us{950'000};
constinit std::atomic<i64> realtime_period_us{1'000'000};

namespace {

u64 in_ns(std::atomic<i64> const& us) {
    i64 const value = us.load(std::memory_order_relaxed);
    return value < 0 ? ~u64{0} : static_cast<u64>(value) * ns_per_us;
}

}

void charge_realtime(RunQueue& queue, u64 now_ns, u64 elapsed_ns) {
    if (queue.running->level() == 0) return;     // the thread frees memory, or is ending
    queue.realtime_share.add(now_ns, elapsed_ns, in_ns(realtime_runtime_us), in_ns(realtime_period_us));
}

/// While the share is spent: ending threads still come first, then all others, and realtime threads only if there are
/// none.
Schedulable* Scheduler::pick_spared(RunQueue& queue) {
    if (queue.realtime.has(0)) return queue.realtime.pop();
    if (Schedulable* const other = policy().pick(queue.other)) return other;
    return queue.realtime.pop();
}

/// At a tick while the share is spent: checks whether a new period has begun.
void Scheduler::settle_share(RunQueue& queue, u64 now_ns) {
    queue.realtime_share.begin_if_due(now_ns, in_ns(realtime_period_us));
    Level const level = queue.running->level();
    bool const realtime_runs = is_realtime(level) && level != 0;
    bool const others_turn = queue.realtime_share.is_spent && realtime_runs && !queue.other.is_empty();
    bool const realtime_turn = !queue.realtime_share.is_spent && !is_realtime(level) && !queue.realtime.is_empty();
    if (others_turn || realtime_turn) arch::set_need_resched();
}

}
