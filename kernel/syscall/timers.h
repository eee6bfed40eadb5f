// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/process/timers.h"
#include "kernel/syscall/caller.h"

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

// ---- timers.cpp
Result<u32> sys_alarm(Caller& caller, u32 seconds);
Result<> sys_getitimer(Caller& caller, i32 which, UserAddr out);
Result<> sys_setitimer(Caller& caller, i32 which, UserAddr in, UserAddr out);
Result<> sys_timer_create(Caller& caller, i32 clock, UserAddr event, mm::UserPtr<i32> id_out);
Result<> sys_timer_settime(Caller& caller, i32 id, u32 flags, UserAddr in, UserAddr out);
Result<> sys_timer_gettime(Caller& caller, i32 id, UserAddr out);
Result<i32> sys_timer_getoverrun(Caller& caller, i32 id);
Result<> sys_timer_delete(Caller& caller, i32 id);

// ---- timer_files.cpp
Result<Fd> sys_timerfd_create(Caller& caller, i32 clock, u32 flags);
Result<> sys_timerfd_settime(Caller& caller, Fd fd, u32 flags, UserAddr in, UserAddr out);
Result<> sys_timerfd_gettime(Caller& caller, Fd fd, UserAddr out);
Result<Fd> sys_signalfd(Caller& caller, Fd fd, mm::UserPtr<process::SignalMask> mask, u64 size);
Result<Fd> sys_signalfd4(Caller& caller, Fd fd, mm::UserPtr<process::SignalMask> mask, u64 size, u32 flags);

/// struct itimerspec: first the interval, then the value. EFAULT EINVAL.
Result<process::TimerSetting> read_timer_setting(UserAddr from);
Result<> write_timer_setting(UserAddr to, process::TimerSetting const& setting);

}
