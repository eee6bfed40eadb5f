// SPDX-License-Identifier: MIT
// See realtime_share.h. The share is looked at by ticks and switches, so it is kept to a tick.
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
    if (queue.running->level() == 0) return;     // it frees memory, or ends
    queue.realtime_share.add(now_ns, elapsed_ns, in_ns(realtime_runtime_us), in_ns(realtime_period_us));
}

/// While the share is spent: threads that end come first as ever, then all others, and realtime threads if there are none.
Schedulable* Scheduler::pick_spared(RunQueue& queue) {
    if (queue.realtime.has(0)) return queue.realtime.pop();
    if (Schedulable* const other = policy().pick(queue.other)) return other;
    return queue.realtime.pop();
}

/// At a tick while the share is spent: a new period may have begun.
void Scheduler::settle_share(RunQueue& queue, u64 now_ns) {
    queue.realtime_share.begin_if_due(now_ns, in_ns(realtime_period_us));
    Level const level = queue.running->level();
    bool const realtime_runs = is_realtime(level) && level != 0;
    bool const others_turn = queue.realtime_share.is_spent && realtime_runs && !queue.other.is_empty();
    bool const realtime_turn = !queue.realtime_share.is_spent && !is_realtime(level) && !queue.realtime.is_empty();
    if (others_turn || realtime_turn) arch::set_need_resched();
}

}
