// SPDX-License-Identifier: MIT
// CPU time per thread, process and CPU, and the scheduler's statistics. Threads are charged at each switch and tick,
// so the sum is exact. Between ticks all of it counts for the mode in which the last tick found the thread, which is
// fair on average and costs system calls nothing.
#include <arch/time.h>
#include <base/format.h>

#include "sched/run_queue.h"
#include "sched/scheduler.h"

namespace sched {

void Scheduler::account(Thread const& thread, u64& user_ns, u64& system_ns) const {
    ThreadQueueGuard guard(thread);
    RunQueue& queue = guard.queue();
    user_ns = thread.user_ns;
    system_ns = thread.system_ns;
    if (queue.running != &thread) return;
    u64 const running_ns = arch::clock_ns() - thread.last_charged_ns;   // only its own CPU charges it
    (thread.charge_to_user ? user_ns : system_ns) += running_ns;
}

void Scheduler::account_together(SharedUsage const& usage, u64& user_ns, u64& system_ns) const {
    // Reads the charged totals first. A thread that is charged while this function runs counts only from that charge
    // on: nothing counts twice.
    user_ns = usage.user_ns.load(std::memory_order_acquire);
    system_ns = usage.system_ns.load(std::memory_order_acquire);
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        RunQueue& queue = *run_queue.on(CpuId(cpu));
        QueueGuard const guard(queue);
        if (queue.running->shared_usage != &usage) continue;
        u64 const running_ns = arch::clock_ns() - queue.running->last_charged_ns;
        (queue.running->charge_to_user ? user_ns : system_ns) += running_ns;
    }
}

CpuTimes Scheduler::cpu_times(CpuId cpu) const {
    RunQueue& queue = *run_queue.on(cpu);
    QueueGuard const guard(queue);
    u64 const running_ns = arch::clock_ns() - queue.running->last_charged_ns;
    u64 const idle_ns = queue.idle->system_ns;
    CpuTimes times{queue.user_ns, queue.system_ns - idle_ns, idle_ns};
    if (queue.running == queue.idle) times.idle_ns += running_ns;
    else (queue.running->charge_to_user ? times.user_ns : times.system_ns) += running_ns;
    return times;
}

u64 Scheduler::idle_ns(CpuId cpu) const { return cpu_times(cpu).idle_ns; }

u64 Scheduler::context_switches() const {
    u64 sum = 0;
    // Unlocked: each is one word, and the sum is out of date anyway by the time it is read.
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) sum += run_queue.on(CpuId(cpu))->switches;
    return sum;
}

/// Not analysed: a look without the locks, as above.
u32 Scheduler::runnable_threads() const NO_THREAD_SAFETY_ANALYSIS {
    u32 sum = 0;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        RunQueue const& queue = *run_queue.on(CpuId(cpu));
        sum += queue.ready_count() + (queue.running != queue.idle);
    }
    return sum;
}

void Scheduler::load_averages(u64 (&out)[3]) {
    u64 const now_ns = arch::clock_ns();
    if (load_average_.is_due(now_ns)) load_average_.sample(now_ns, runnable_threads());
    load_average_.read(out);
}

void Scheduler::write_status(base::Writer& out) const {
    Policy const& current = policy();
    base::format_to(out, "policy:     {}\navailable: ", current.name());
    for (Policy const* row : policy_table()) {
        if (row == &current) base::format_to(out, " [{}]", row->name());
        else base::format_to(out, " {}", row->name());
    }
    base::format_to(out, "\nquantum_ms: {}\nrunnable:   {}\nswitches:   {}\n", quantum_ns_ / ns_per_ms, runnable_threads(),
                    context_switches());
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        RunQueue const& queue = *run_queue.on(CpuId(cpu));
        CpuTimes const times = cpu_times(CpuId(cpu));
        base::format_to(out, "cpu{}: ready {} switches {} user_ms {} system_ms {} idle_ms {}\n", cpu, queue.ready_count(), queue.switches,
                        times.user_ns / ns_per_ms, times.system_ns / ns_per_ms, times.idle_ns / ns_per_ms);
    }
}

}
