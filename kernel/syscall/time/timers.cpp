// SPDX-License-Identifier: MIT
// alarm(2) setitimer(2) timer_create(2) and related calls.

#include <algorithm>
#include <climits>

#include <abi/signal.h>
#include <linux/time_types.h>

#include "kernel/process/process.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/time/time.h"
#include "kernel/syscall/timespec.h"

namespace syscall {

using process::IntervalTimer;
using process::TimerClock;
using process::TimerSetting;

Result<TimerSetting> read_timer_setting(UserAddr from) {
    TimerSetting setting;
    setting.interval_ns = TRY(read_timespec(from));
    setting.value_ns = TRY(read_timespec(from + sizeof(__kernel_timespec)));
    return setting;
}

Result<> write_timer_setting(UserAddr to, TimerSetting const& setting) {
    __kernel_timespec parts[2];
    u64 const ns[2] = {setting.interval_ns, setting.value_ns};
    for (int i = 0; i < 2; ++i) {
        parts[i].tv_sec = static_cast<i64>(ns[i] / ns_per_s);
        parts[i].tv_nsec = static_cast<i64>(ns[i] % ns_per_s);
    }
    return mm::UserPtr<__kernel_timespec>(to).write_array(parts);
}

namespace {

struct UserInterval { i64 interval_s, interval_us, value_s, value_us; };   ///< struct itimerval

Result<u64> in_ns(i64 seconds, i64 microseconds) {
    constexpr i64 most_seconds = INT64_MAX / 4 / static_cast<i64>(ns_per_s);
    if (seconds < 0 || microseconds < 0 || microseconds >= 1'000'000) return fail(EINVAL);
    return static_cast<u64>(std::min(seconds, most_seconds)) * ns_per_s + static_cast<u64>(microseconds) * ns_per_us;
}

Result<> write_interval(UserAddr to, TimerSetting const& setting) {
    auto const seconds = [](u64 ns) { return static_cast<i64>(ns / ns_per_s); };
    auto const rest = [](u64 ns) { return static_cast<i64>(ns % ns_per_s / ns_per_us); };
    return mm::UserPtr<UserInterval>(to).write(
        {seconds(setting.interval_ns), rest(setting.interval_ns), seconds(setting.value_ns), rest(setting.value_ns)});
}

Result<IntervalTimer> interval_timer_of(i32 which) {
    if (which < 0 || which > 2) return fail(EINVAL);
    return static_cast<IntervalTimer>(which);
}

}

Result<u32> sys_alarm(Caller& caller, u32 seconds) {
    TimerSetting const setting{std::min<u64>(seconds, INT_MAX) * ns_per_s, 0};
    TimerSetting const old = caller.process.timers.set_interval_timer(IntervalTimer::Real, setting);
    u64 const whole = old.value_ns / ns_per_s, rest = old.value_ns % ns_per_s;
    bool const rounds_up = rest >= ns_per_s / 2 || (whole == 0 && rest != 0);   // never report 0 while time remains
    return static_cast<u32>(whole + rounds_up);
}

Result<> sys_getitimer(Caller& caller, i32 which, UserAddr out) {
    auto const timer = TRY(interval_timer_of(which));
    return write_interval(out, caller.process.timers.interval_timer(timer));
}

Result<> sys_setitimer(Caller& caller, i32 which, UserAddr in, UserAddr out) {
    UserInterval given{};
    if (!in.is_null()) given = TRY(mm::UserPtr<UserInterval>(in).read());
    TimerSetting setting;
    setting.value_ns = TRY(in_ns(given.value_s, given.value_us));
    setting.interval_ns = TRY(in_ns(given.interval_s, given.interval_us));
    auto const timer = TRY(interval_timer_of(which));
    TimerSetting const old = caller.process.timers.set_interval_timer(timer, setting);
    if (out.is_null()) return {};
    return write_interval(out, old);
}

namespace {

Result<TimerClock> timer_clock_of(Caller& caller, i32 clock) {
    if (clock < 0) {
        CpuClock const cpu(clock);
        if (cpu.counts == CpuClock::Counts::Nothing) return fail(EOPNOTSUPP);
        if (cpu.counts != CpuClock::Counts::Precise || !cpu.is_own(caller)) return fail(EINVAL);
        return cpu.of_thread ? TimerClock::ThreadCpu : TimerClock::ProcessCpu;
    }
    switch (clock) {
    case 0: return TimerClock::Realtime;
    case 1: case 7: return TimerClock::Monotonic;          // BOOTTIME: the machine never sleeps
    case 2: return TimerClock::ProcessCpu;
    case 3: return TimerClock::ThreadCpu;
    // The same by the numbers that C libraries make of them (clock_getcpuclockid(3)): ~pid << 3, 4 for a thread's, 2 for all its time.
    case -6: return TimerClock::ProcessCpu;
    case -2: return TimerClock::ThreadCpu;
    case 4: case 5: case 6: return fail(EOPNOTSUPP);       // MONOTONIC_RAW, and the coarse ones
    default: return fail(EINVAL);
    }
}

struct UserEvent { u64 value = 0; i32 signal = 0, notify = 0, tid = 0; i32 padding[11] = {}; };       ///< struct sigevent
static_assert(sizeof(UserEvent) == 64);

Result<> apply_event(UserEvent const& event, process::TimerRequest& request) {
    constexpr i32 by_signal = 0, nothing = 1, by_thread = 2, to_thread = 4;      // SIGEV_*; a "thread" is the C library's
    request.value = event.value;
    request.signal = event.signal;
    if (event.notify == nothing) {
        request.notice = process::TimerNotice::Nothing;
        return {};
    }
    if (event.notify != by_signal && event.notify != by_thread && event.notify != (by_signal | to_thread)) return fail(EINVAL);
    if (event.notify & to_thread) {
        request.target = Pid(event.tid);
        if (event.tid == 0) return fail(EINVAL);
    }
    if (event.signal <= 0 || event.signal > process::signal_count) return fail(EINVAL);
    return {};
}

}

Result<> sys_timer_create(Caller& caller, i32 clock, UserAddr event, mm::UserPtr<i32> id_out) {
    UserEvent given{};
    if (!event.is_null()) given = TRY(mm::UserPtr<UserEvent>(event).read());
    process::TimerRequest request;
    request.clock = TRY(timer_clock_of(caller, clock));
    if (!event.is_null()) TRY(apply_event(given, request));
    int const id = TRY(caller.process.timers.create(request));
    if (id_out.write(id)) return {};
    (void)caller.process.timers.remove(id);
    return fail(EFAULT);
}

Result<> sys_timer_settime(Caller& caller, i32 id, u32 flags, UserAddr in, UserAddr out) {
    if (in.is_null()) return fail(EINVAL);
    TimerSetting const setting = TRY(read_timer_setting(in));
    TimerSetting const old = TRY(caller.process.timers.set(id, setting, flags & TIMER_ABSTIME));
    if (out.is_null()) return {};
    return write_timer_setting(out, old);
}

Result<> sys_timer_gettime(Caller& caller, i32 id, UserAddr out) {
    return write_timer_setting(out, TRY(caller.process.timers.get(id)));
}

Result<i32> sys_timer_getoverrun(Caller& caller, i32 id) { return caller.process.timers.overruns(id); }
Result<> sys_timer_delete(Caller& caller, i32 id) { return caller.process.timers.remove(id); }

}
