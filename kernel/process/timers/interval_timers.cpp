// SPDX-License-Identifier: MIT
// setitimer(2): ITIMER_REAL, VIRTUAL, PROF. Times here are in nanoseconds; programs see microseconds. While an armed
// timer's time is not over, at least 1 us is reported.
#include <abi/signal.h>

#include "kernel/process/process.h"
#include "kernel/process/signal/signal.h"
#include "sched/clock.h"

namespace process {

void ProcessTimers::initialize() { RealTimer::rings.provide(on_real_expiry); }

void ProcessTimers::on_real_expiry(sched::Timer& timer) {
    auto& self = static_cast<RealTimer&>(timer);
    {
        Locked guard(self.process.signal_lock);
        if (self.expires_ns == 0 || self.is_armed() || sched::clock.monotonic_ns() < self.expires_ns) return;
        if (self.interval_ns == 0) self.expires_ns = 0;
    }
    SignalInfo info;
    info.signal = SIGALRM;
    info.code = SI_KERNEL;
    (void)post_signal(self.process, info, Prefer::Urgent);
}

/// A SIGALRM was taken, whoever sent it.
void ProcessTimers::restart_real() {
    if (real_.interval_ns == 0 || real_.expires_ns == 0 || real_.is_armed()) return;
    u64 const now_ns = sched::clock.monotonic_ns();
    if (now_ns >= real_.expires_ns) real_.expires_ns += ((now_ns - real_.expires_ns) / real_.interval_ns + 1) * real_.interval_ns;
    real_.arm(real_.expires_ns);
}

namespace {

u64 left_until(u64 expires_ns, u64 now_ns) {
    constexpr u64 about_to_expire_ns = ns_per_us;
    if (expires_ns == 0) return 0;
    return expires_ns > now_ns + about_to_expire_ns ? expires_ns - now_ns : about_to_expire_ns;
}

}

TimerSetting ProcessTimers::interval_timer(IntervalTimer which) {
    Locked guard(process_.signal_lock);
    if (which == IntervalTimer::Real) {
        u64 const left = real_.is_armed() ? left_until(real_.expires_ns, sched::clock.monotonic_ns()) : 0;
        return {left, real_.interval_ns};
    }
    CpuTime const used = cpu_time();
    bool const is_virtual = which == IntervalTimer::Virtual;
    CpuInterval const& interval = is_virtual ? virtual_ : profile_;
    return {left_until(interval.expires_ns, is_virtual ? used.user_ns : used.all_ns), interval.interval_ns};
}

TimerSetting ProcessTimers::set_interval_timer(IntervalTimer which, TimerSetting const& setting) {
    TimerSetting const old = interval_timer(which);
    Locked guard(process_.signal_lock);
    if (which == IntervalTimer::Real) {
        real_.cancel();
        real_.interval_ns = setting.value_ns ? setting.interval_ns : 0;
        real_.expires_ns = setting.value_ns ? sched::clock.monotonic_ns() + setting.value_ns : 0;
        if (real_.expires_ns) real_.arm(real_.expires_ns);
        return old;
    }
    CpuTime const used = cpu_time();
    bool const is_virtual = which == IntervalTimer::Virtual;
    u64 const now_ns = is_virtual ? used.user_ns : used.all_ns;
    CpuInterval& interval = is_virtual ? virtual_ : profile_;
    interval = {setting.value_ns ? now_ns + setting.value_ns : 0, setting.interval_ns};
    fit_watching();
    return old;
}

}
