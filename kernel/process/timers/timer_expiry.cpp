// SPDX-License-Identifier: MIT
// What happens when POSIX timers and ITIMER_REAL expire, and when their signals are taken.
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
    // The first of them is what the signal itself tells of.
    timer->last_overruns = passed ? passed - 1 : 0;
    timer->overruns = 0;
    info.uid = static_cast<u32>(std::min<u64>(timer->last_overruns, INT_MAX));   // si_overrun lies there
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
