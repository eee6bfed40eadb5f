// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/process/timers.h"
#include "kernel/syscall/caller.h"

namespace syscall {

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
