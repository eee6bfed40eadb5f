// SPDX-License-Identifier: MIT
// Time: clock_gettime(2) gettimeofday(2) time(2) nanosleep(2) times(2). A sleep that a
// signal interrupts is continued by restart_syscall(2) with its first deadline.
#include <linux/time_types.h>

#include "kernel/ipc/timer_file.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"
#include "kernel/syscall/time/time.h"
#include "kernel/syscall/timespec.h"
#include "sched/clock.h"

namespace syscall {
namespace {

// linux/time.h has these too, and clashes with the C library's headers.
constexpr i32 clock_realtime = 0, clock_monotonic = 1, clock_process_cpu = 2, clock_thread_cpu = 3, clock_monotonic_raw = 4,
              clock_realtime_coarse = 5, clock_monotonic_coarse = 6, clock_boottime = 7;
constexpr u32 timer_abstime = 1;
constexpr u64 ticks_per_second = 100;      // USER_HZ

__kernel_timespec encode(u64 ns) {
    __kernel_timespec t;
    t.tv_sec = static_cast<i64>(ns / ns_per_s);
    t.tv_nsec = static_cast<i64>(ns % ns_per_s);
    return t;
}

u64 read_thread(process::UserThread const& thread, CpuClock const& clock) {
    u64 user = 0, system = 0;
    sched::scheduler.account(thread, user, system);
    return clock.value(user, system);
}

Result<u64> read_thread_clock(Caller& caller, CpuClock const& clock) {
    if (clock.is_own(caller)) return read_thread(caller.thread, clock);
    Locked guard(caller.process.signal_lock);
    for (process::UserThread const& thread : caller.process.threads)
        if (thread.tid == clock.id) return read_thread(thread, clock);
    return fail(EINVAL);
}

/// A thread may name its process by its own number, too.
Result<u64> read_process_clock(Caller& caller, CpuClock const& clock) {
    bool const is_own = clock.id.value == 0 || clock.id == caller.thread.tid;
    auto const process = is_own ? Ref<process::Process>::share(&caller.process) : process::process_manager.find(clock.id);
    if (!process) return fail(EINVAL);
    auto const usage = process->total_usage();
    return clock.value(usage.user_ns, usage.system_ns);
}

Result<u64> read_cpu_clock(Caller& caller, i32 number) {
    CpuClock const clock(number);
    if (clock.counts == CpuClock::Counts::Nothing) return fail(EINVAL);
    return clock.of_thread ? read_thread_clock(caller, clock) : read_process_clock(caller, clock);
}

Result<u64> read_clock(Caller& caller, i32 clock) {
    switch (clock) {
    case clock_realtime: case clock_realtime_coarse: return sched::clock.realtime_ns();
    case clock_monotonic: case clock_monotonic_raw: case clock_monotonic_coarse: case clock_boottime: return sched::clock.monotonic_ns();
    case clock_process_cpu: return read_cpu_clock(caller, CpuClock::own_process);
    case clock_thread_cpu: return read_cpu_clock(caller, CpuClock::own_thread);
    default: return clock < 0 ? read_cpu_clock(caller, clock) : fail(EINVAL);
    }
}

Result<> write_remaining(u64 deadline, UserAddr out) {
    if (out.is_null()) return {};
    u64 const now = sched::clock.monotonic_ns();
    return mm::UserPtr<__kernel_timespec>(out).write(encode(deadline > now ? deadline - now : 0));
}

}

Result<> sys_clock_gettime(Caller& caller, i32 clock, UserAddr out) {
    return mm::UserPtr<__kernel_timespec>(out).write(encode(TRY(read_clock(caller, clock))));
}

Result<> sys_clock_getres(Caller& caller, i32 clock, UserAddr out) {
    (void)TRY(read_clock(caller, clock));
    if (out.is_null()) return {};
    bool const by_ticks = clock < 0 && CpuClock(clock).counts != CpuClock::Counts::Precise;
    bool const coarse = clock == clock_realtime_coarse || clock == clock_monotonic_coarse || by_ticks;
    return mm::UserPtr<__kernel_timespec>(out).write(encode(coarse ? 4 * ns_per_ms : 1));
}

Result<> sys_clock_settime(Caller& caller, i32 clock, UserAddr in) {
    if (clock != clock_realtime && clock >= 0) return fail(EINVAL);
    if (clock < 0) {
        (void)TRY(mm::UserPtr<__kernel_timespec>(in).read());
        (void)TRY(read_cpu_clock(caller, clock));
        return fail(EPERM);                      // nobody sets what time has been used
    }
    u64 const ns = TRY(read_timespec(in));
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    sched::clock.set_realtime(ns);
    ipc::on_clock_set();
    return {};
}

Result<i64> sys_time(Caller&, mm::UserPtr<i64> out) {
    i64 const seconds = static_cast<i64>(sched::clock.realtime_ns() / ns_per_s);
    if (!out.is_null()) TRY(out.write(seconds));
    return seconds;
}

Result<> sys_gettimeofday(Caller&, mm::UserPtr<i64> out, UserAddr zone) {
    u64 const now = sched::clock.realtime_ns();
    if (!out.is_null()) {
        i64 const value[2] = {static_cast<i64>(now / ns_per_s), static_cast<i64>(now % ns_per_s / ns_per_us)};
        TRY(out.write_array(value));
    }
    if (!zone.is_null()) TRY(mm::UserPtr<u64>(zone).write(0));   // struct timezone: UTC
    return {};
}

Result<> sys_clock_nanosleep(Caller& caller, i32 clock, u32 flags, UserAddr request, UserAddr remaining) {
    if (clock != clock_realtime && clock != clock_monotonic && clock != clock_boottime) {
        if (clock < 0 && CpuClock(clock).counts == CpuClock::Counts::Nothing) return fail(EOPNOTSUPP);   // a clock that is a file
        (void)TRY(read_clock(caller, clock));
        return fail(clock < 0 && CpuClock(clock).of_thread && CpuClock(clock).is_own(caller) ? EINVAL : EOPNOTSUPP);   // a sleeping thread uses no time
    }
    TRY(accepted::clock_nanosleep.check(flags));
    u64 const ns = TRY(read_timespec(request));
    u64 const deadline = deadline_of(ns, flags & timer_abstime, clock == clock_realtime);
    auto const slept = sched::scheduler.sleep_until(deadline, sched::Interruptible::Yes);
    if (slept) return {};
    if (flags & timer_abstime) return fail(restart_no_hand);
    TRY(write_remaining(deadline, remaining));
    caller.thread.restart_block = {};
    caller.thread.restart_block.deadline_ns = deadline;
    return fail(process::restart_by_block);
}

Result<> sys_nanosleep(Caller& caller, UserAddr request, UserAddr remaining) {
    return sys_clock_nanosleep(caller, clock_monotonic, 0, request, remaining);
}

Result<u32> sys_restart_syscall(Caller& caller) {
    process::RestartBlock& block = caller.thread.restart_block;
    if (!block.deadline_ns) return fail(EINTR);
    if (!block.futex.is_null()) return restart_futex(caller);
    if (!sched::scheduler.sleep_until(block.deadline_ns, sched::Interruptible::Yes)) return fail(process::restart_by_block);
    block = {};
    return 0u;
}

Result<u64> sys_times(Caller& caller, mm::UserPtr<i64> out) {
    constexpr u64 ns_per_tick = ns_per_s / ticks_per_second;
    if (!out.is_null()) {
        auto const own = caller.process.total_usage();
        process::ResourceUsage children;
        {
            Locked guard(process::tree_lock);
            children = caller.process.children_usage;
        }
        i64 const value[4] = {static_cast<i64>(own.user_ns / ns_per_tick), static_cast<i64>(own.system_ns / ns_per_tick),
                              static_cast<i64>(children.user_ns / ns_per_tick), static_cast<i64>(children.system_ns / ns_per_tick)};
        TRY(out.write_array(value));
    }
    return sched::clock.monotonic_ns() / ns_per_tick;
}

}
