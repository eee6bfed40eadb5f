// SPDX-License-Identifier: MIT
// The alarm's handler: timers, load average, the end of a quantum. Invariant: the alarm may ring early, so nothing
// here assumes that it rang for a reason.
#include <arch/time.h>

#include "sched/run_queue.h"
#include "sched/scheduler.h"
#include "sched/timer.h"

namespace sched {
namespace {

/// Callbacks per interrupt. Programs choose how many timers expire at one moment; between two such interrupts others
/// are served, and the thread that the timers have made most urgent runs.
constexpr unsigned most_timers_at_once = 16;

}

void Scheduler::on_timer(bool from_user) {
    if (!run_queue.read()) return;
    arch::preempt_disable();   // wake-ups only request a switch; it happens after the interrupt
    alarm_rang();
    u64 const now_ns = arch::clock_ns();
    timer_queue.read()->run_expired(now_ns, most_timers_at_once);
    alarm_no_later_than(timer_queue.read()->first_deadline_ns());
    if (load_average_.is_due(now_ns)) load_average_.sample(now_ns, runnable_threads());
    {
        LocalQueueGuard guard;
        RunQueue& queue = guard.queue();
        queue.running->charge_to_user = from_user;
        charge(queue, now_ns);
        continue_slice(queue, now_ns);
    }
    check_balance(*run_queue.read());
    arch::preempt_enable_no_check();
}

/// Ends the quantum if it is over, else sets the alarm for its end and for the tick. An idle CPU has neither.
void Scheduler::continue_slice(RunQueue& queue, u64 now_ns) {
    if (queue.running == queue.idle) return;
    alarm_no_later_than(now_ns + statistics_tick_ns);
    if (queue.ready_count() == 0) return;
    if (queue.realtime_share.is_spent) [[unlikely]] settle_share(queue, now_ns);
    if (now_ns >= queue.slice_end_ns) arch::set_need_resched();
    else alarm_no_later_than(queue.slice_end_ns);
}

}
