// SPDX-License-Identifier: MIT
// POSIX timers: timer_create(2) and related calls. Each timer contains the node of its signal, so at most one signal of a
// timer is pending, and sending it allocates nothing.
#include <algorithm>
#include <climits>

#include <asm/resource.h>

#include "kernel/process/process.h"
#include "kernel/process/timers/cpu_timers.h"
#include "sched/clock.h"

namespace process {

MM_OBJECT_CACHE_DEFINE(PosixTimer)

PosixTimer::PosixTimer(Process& owner, TimerRequest const& request, fs::Charge charge)
    : Timer([](sched::Timer& timer) {
          auto& self = static_cast<PosixTimer&>(timer);
          Locked guard(self.process.signal_lock);
          // The timer may have been set again or stopped while this interrupt was on its way.
          if (self.expires_ns == 0 || self.is_armed() || sched::clock.monotonic_ns() < self.expires_ns) return;
          self.process.timers.expire(self, guard);
      }),
      process(owner), clock(request.clock), notice(request.notice), has_target(request.target.value != 0),
      measured_thread(&current_user_thread()), node(std::move(charge)) {
    node.timer = this;
    node.info.signal = request.signal;
    node.info.code = -2;                         // SI_TIMER
}

PosixTimer* ProcessTimers::find(int id) {
    auto const found = timers_.find(id);
    return found == timers_.end() ? nullptr : &*found;
}

/// The clock's current time; times of Realtime are kept as times of clock_ns().
u64 ProcessTimers::now(PosixTimer const& timer) const {
    process_.signal_lock.assert_held();
    switch (timer.clock) {
    case TimerClock::ProcessCpu: return cpu_time().all_ns;
    case TimerClock::ThreadCpu:
        return timer.measured_thread ? cpu_time_of(*timer.measured_thread) : 0;
    default: return sched::clock.monotonic_ns();
    }
}

/// Null: the process has no such thread.
UserThread* ProcessTimers::thread_of(Pid tid) const {
    process_.signal_lock.assert_held();
    for (UserThread& thread : process_.threads)
        if (thread.tid == tid) return &thread;
    return nullptr;
}

Result<int> ProcessTimers::create(TimerRequest const& request) {
    auto charge = SignalNode::charge(process_);
    if (!charge) return fail(EAGAIN);
    auto made = mm::make<PosixTimer>(process_, request, std::move(*charge));
    if (!made) return fail(EAGAIN);
    mm::Owned<PosixTimer> timer(*made);
    Locked guard(process_.signal_lock);
    if (timer->has_target && !(timer->target = thread_of(request.target))) return fail(EINVAL);
    while (find(next_id_)) next_id_ = next_id_ == INT_MAX ? 0 : next_id_ + 1;
    timer->id = next_id_;
    next_id_ = next_id_ == INT_MAX ? 0 : next_id_ + 1;
    timer->node.info.pid = timer->id;            // it shares its place with si_timerid
    timer->node.info.value = request.value.value_or(static_cast<u64>(timer->id));
    int const id = timer->id;
    timers_.insert(*timer.leak());
    return id;
}

void ProcessTimers::start(PosixTimer& timer) {
    if (timer.notice == TimerNotice::Nothing) return;
    if (!is_cpu_clock(timer.clock)) return timer.arm(timer.expires_ns);
    if (!std::exchange(timer.is_listed, true)) armed_cpu_.push_back(timer);
    fit_watching();
}

/// Disarms the timer; a signal that nobody has taken is removed, too.
void ProcessTimers::stop(PosixTimer& timer) {
    timer.cancel();
    if (std::exchange(timer.is_listed, false)) armed_cpu_.erase(armed_cpu_.iterator_to(timer));
    if (timer.node.in) timer.node.in->remove_timer(timer.node);
    timer.node.was_ignored = false;
    timer.expires_ns = 0;
    fit_watching();
}

/// Moves a past expiry into the future; returns the number of intervals.
u64 ProcessTimers::forward(PosixTimer& timer, u64 now_ns) {
    if (timer.interval_ns == 0 || now_ns < timer.expires_ns) return 0;
    u64 const passed = (now_ns - timer.expires_ns) / timer.interval_ns + 1;
    timer.expires_ns += passed * timer.interval_ns;
    return passed;
}

TimerSetting ProcessTimers::left(PosixTimer& timer) {
    bool const is_silent = timer.notice == TimerNotice::Nothing;
    bool const waits_for_taker = timer.node.in || timer.node.was_ignored;
    TimerSetting setting{0, timer.interval_ns};
    if (timer.expires_ns == 0) return timer.interval_ns ? TimerSetting{0, timer.interval_ns} : TimerSetting{};
    u64 const now_ns = now(timer);
    if (waits_for_taker || is_silent) timer.overruns += forward(timer, now_ns);
    if (timer.expires_ns > now_ns) setting.value_ns = timer.expires_ns - now_ns;
    else if (timer.interval_ns == 0 && (waits_for_taker || is_silent)) setting.value_ns = 0;
    else setting.value_ns = 1;                   // about to expire
    return setting;
}

Result<TimerSetting> ProcessTimers::set(int id, TimerSetting const& setting, bool is_absolute) {
    Locked guard(process_.signal_lock);
    PosixTimer* const timer = find(id);
    if (!timer) return fail(EINVAL);
    TimerSetting const old = left(*timer);
    stop(*timer);
    timer->interval_ns = setting.value_ns ? setting.interval_ns : 0;
    timer->overruns = timer->last_overruns = 0;
    if (setting.value_ns == 0) return old;
    u64 const now_ns = now(*timer);
    if (!is_absolute) timer->expires_ns = now_ns + setting.value_ns;
    else if (timer->clock != TimerClock::Realtime) timer->expires_ns = setting.value_ns;
    else {
        u64 const wall_ns = sched::clock.realtime_ns();
        // A time before the boot counts as the boot.
        u64 const behind_ns = wall_ns > setting.value_ns ? std::min(wall_ns - setting.value_ns, now_ns - 1) : 0;
        timer->expires_ns = behind_ns ? now_ns - behind_ns : now_ns + (setting.value_ns - wall_ns);
    }
    start(*timer);
    return old;
}

Result<TimerSetting> ProcessTimers::get(int id) {
    Locked guard(process_.signal_lock);
    PosixTimer* const timer = find(id);
    if (!timer) return fail(EINVAL);
    return left(*timer);
}

Result<int> ProcessTimers::overruns(int id) {
    Locked guard(process_.signal_lock);
    PosixTimer const* const timer = find(id);
    if (!timer) return fail(EINVAL);
    return static_cast<int>(std::min<u64>(timer->last_overruns, INT_MAX));
}

Result<> ProcessTimers::remove(int id) {
    mm::Owned<PosixTimer> gone;                  // destroyed without the lock, for which its callback may be waiting
    Locked guard(process_.signal_lock);
    PosixTimer* const timer = find(id);
    if (!timer) return fail(EINVAL);
    stop(*timer);
    timers_.erase(timers_.iterator_to(*timer));
    gone = mm::Owned<PosixTimer>(timer);
    return {};
}

void ProcessTimers::remove_all() {
    for (;;) {
        int id;
        {
            Locked guard(process_.signal_lock);
            if (timers_.empty()) return;
            id = timers_.begin()->id;
        }
        (void)remove(id);
    }
}

void ProcessTimers::end() {
    remove_all();
    {
        Locked guard(process_.signal_lock);
        real_.expires_ns = real_.interval_ns = 0;
        real_.cancel();
        virtual_ = profile_ = {};
        soft_limit_ns_ = hard_limit_ns_ = ~u64{0};
        fit_watching();
    }
    real_.finish();
}

}
