// SPDX-License-Identifier: MIT
// The family of time: clocks, sleeping, timers.
#pragma once

#include "kernel/process/timers.h"
#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

/// A clock of the CPU time of a process or thread, by its number (clock_getcpuclockid(3)): ~number << 3, 4 for a thread's, what it counts.
struct CpuClock {
    static constexpr i32 own_process = -6, own_thread = -2;   ///< of number 0
    enum class Counts : u8 { Ticks, UserTime, Precise, Nothing };
    explicit CpuClock(i32 clock) : id(~(clock >> 3)), of_thread(clock & 4), counts(static_cast<Counts>(clock & 3)) {}
    Pid id;                                      ///< 0: the caller's own
    bool of_thread;
    Counts counts;
    /// The caller's own.
    bool is_own(Caller const& caller) const { return id.value == 0 || id == (of_thread ? caller.thread.tid : caller.process.pid()); }
    u64 value(u64 user_ns, u64 system_ns) const { return counts == Counts::UserTime ? user_ns : user_ns + system_ns; }
};

// ---- clocks.cpp
CALL(void, clock_gettime, i32 clock, UserAddr out)
CALL(void, clock_getres, i32 clock, UserAddr out)
CALL(void, clock_settime, i32 clock, UserAddr in)
CALL(i64, time, mm::UserPtr<i64> out)
CALL(void, gettimeofday, mm::UserPtr<i64> out, UserAddr zone)
CALL(void, clock_nanosleep, i32 clock, u32 flags, UserAddr request, UserAddr remaining)
CALL(void, nanosleep, UserAddr request, UserAddr remaining)
CALL(u32, restart_syscall)
CALL(u64, times, mm::UserPtr<i64> out)

// ---- timers.cpp
/// struct itimerspec: first the interval, then the value. EFAULT EINVAL.
Result<process::TimerSetting> read_timer_setting(UserAddr from);
Result<> write_timer_setting(UserAddr to, process::TimerSetting const& setting);
CALL(u32, alarm, u32 seconds)
CALL(void, getitimer, i32 which, UserAddr out)
CALL(void, setitimer, i32 which, UserAddr in, UserAddr out)
CALL(void, timer_create, i32 clock, UserAddr event, mm::UserPtr<i32> id_out)
CALL(void, timer_settime, i32 id, u32 flags, UserAddr in, UserAddr out)
CALL(void, timer_gettime, i32 id, UserAddr out)
CALL(i32, timer_getoverrun, i32 id)
CALL(void, timer_delete, i32 id)

}
