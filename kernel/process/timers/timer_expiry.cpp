// SPDX-License-Identifier: MIT
// The expiry of POSIX timers, and the restart of periodic timers and ITIMER_REAL when their signals are taken. An expiry while the
// signal is pending sends nothing; on_taken() counts it as an overrun.
#include <algorithm>
#include <climits>

#include <abi/signal.h>

#include "kernel/process/process.h"
#include "sched/clock.h"

namespace process {

void ProcessTimers::expire(PosixTimer& timer, Guard const& guard) {
    if (timer.node.in) return;
    timer.node.was_ignored = !send(timer, guard);
}

void ProcessTimers::on_taken(SignalInfo& info) {
    if (info.signal == SIGALRM) restart_real();
    PosixTimer* const timer = std::exchange(info.timer, nullptr);
    if (!timer) return;
    if (timer->interval_ns == 0) {
        timer->expires_ns = 0;
        return;
    }
    u64 const passed = timer->overruns + forward(*timer, now(*timer));
    // The signal itself stands for the first one.
    timer->last_overruns = passed ? passed - 1 : 0;
    timer->overruns = 0;
    info.uid = static_cast<u32>(std::min<u64>(timer->last_overruns, INT_MAX));   // it shares its place with si_overrun
    start(*timer);
}

void ProcessTimers::send_ignored(int signal, Guard const& guard) {
    for (PosixTimer& timer : timers_) {
        if (timer.node.info.signal != signal || !timer.node.was_ignored || timer.interval_ns == 0) continue;
        timer.node.was_ignored = !send(timer, guard);
    }
}

void ProcessTimers::forget_thread(UserThread& thread) {
    for (PosixTimer& timer : timers_) {
        if (timer.node.in == &thread.pending) thread.pending.remove_timer(timer.node);
        if (timer.target == &thread) timer.target = nullptr;
        if (timer.measured_thread == &thread) timer.measured_thread = nullptr;
    }
}

}
