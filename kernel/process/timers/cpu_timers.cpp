// SPDX-License-Identifier: MIT
// Timers of CPU time, and RLIMIT_CPU: ticks check them, so they expire up to one tick late. A tick costs one flag
// if the process has none of them; otherwise a read of each CPU's account and a walk through the armed CPU timers.
#include <abi/signal.h>

#include "kernel/process/process.h"
#include "kernel/process/signal/signal.h"
#include "kernel/process/timers/cpu_timers.h"
#include "kernel/process/timers/realtime_limit.h"
#include "sched/scheduler.h"

namespace process {

u64 cpu_time_of(UserThread const& thread) {
    u64 user_ns = 0, system_ns = 0;
    sched::scheduler.account(thread, user_ns, system_ns);
    return user_ns + system_ns;
}

ProcessTimers::CpuTime ProcessTimers::cpu_time() const {
    process_.signal_lock.assert_held();
    ResourceUsage const total = process_.total_usage_locked();
    return {total.user_ns, total.user_ns + total.system_ns};
}

void ProcessTimers::fit_watching() {
    bool const needed = !armed_cpu_.empty() || virtual_.expires_ns || profile_.expires_ns || soft_limit_ns_ != ~u64{0} || hard_limit_ns_ != ~u64{0};
    watches_cpu_.store(needed, std::memory_order_relaxed);
}

void ProcessTimers::set_cpu_limit(ResourceLimit const& limit) {
    auto const in_ns = [](u64 seconds) { return seconds < ~u64{0} / ns_per_s ? seconds * ns_per_s : ~u64{0}; };
    Locked guard(process_.signal_lock);
    soft_limit_ns_ = in_ns(limit.soft);
    hard_limit_ns_ = in_ns(limit.hard);
    fit_watching();
}

/// The signal to send, or 0. At most one expiry per tick, as in Linux.
int ProcessTimers::expired_interval(CpuInterval& interval, u64 used_ns, int signal) {
    if (interval.expires_ns == 0 || used_ns < interval.expires_ns) return 0;
    interval.expires_ns = interval.interval_ns ? interval.expires_ns + interval.interval_ns : 0;
    return signal;
}

int ProcessTimers::exceeded_limit(u64 used_ns) {
    if (used_ns >= hard_limit_ns_) {
        hard_limit_ns_ = ~u64{0};
        return SIGKILL;
    }
    if (used_ns < soft_limit_ns_) return 0;
    soft_limit_ns_ += ns_per_s;
    return SIGXCPU;
}

void ProcessTimers::on_tick(UserThread const& thread) {
    if (!watches_cpu_.load(std::memory_order_relaxed)) return;
    int signals[3];
    {
        Locked guard(process_.signal_lock);
        CpuTime const used = cpu_time();
        u64 const own_ns = cpu_time_of(thread);
        for (auto it = armed_cpu_.begin(); it != armed_cpu_.end();) {
            PosixTimer& timer = *it++;
            bool const of_process = timer.clock == TimerClock::ProcessCpu;
            if (!of_process && timer.measured_thread != &thread) continue;
            if ((of_process ? used.all_ns : own_ns) < timer.expires_ns) continue;
            armed_cpu_.erase(armed_cpu_.iterator_to(timer));
            timer.is_listed = false;
            expire(timer, guard);
        }
        signals[0] = expired_interval(virtual_, used.user_ns, SIGVTALRM);
        signals[1] = expired_interval(profile_, used.all_ns, SIGPROF);
        signals[2] = exceeded_limit(used.all_ns);
        fit_watching();
    }
    for (int signal : signals) {
        SignalInfo info;
        info.signal = signal;
        info.code = SI_KERNEL;
        (void)post_signal(process_, info, Prefer::Running);
    }
}

void on_cpu_tick() {
    if (!sched::timer_queue.read()) return;
    if (UserThread* const thread = current_user_thread_or_null()) {
        thread->process().timers.on_tick(*thread);
        check_realtime_limit(*thread);
    }
}

}
