// SPDX-License-Identifier: MIT
// The family of processes and threads: their life, identity, limits, signals, scheduling, futexes.
#pragma once

#include "kernel/process/signal_handlers.h"
#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

using process::SignalAction;
using process::SignalMask;

/// stack_t of sigaltstack(2).
struct UserStack {
    u64 address;
    i32 flags;
    i32 padding = 0;
    u64 size;
};

/// signals.cpp: a program's siginfo_t for the process or thread `to`. EFAULT EPERM.
Result<process::SignalInfo> read_info(Caller& caller, Pid to, i32 signal, UserAddr address);

// ---- clone.cpp
CALL(Pid, fork)
CALL(Pid, vfork)
CALL(Pid, clone, u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
CALL(Pid, clone3, UserAddr arguments, u64 size)
CALL(void, unshare, u32 flags)
CALL(u64, execve, UserAddr path_address, u64 argv, u64 envp)
CALL(void, exit, u32 status)
CALL(void, exit_group, u32 status)

// ---- wait.cpp
CALL(Pid, wait4, i32 pid, mm::UserPtr<i32> status, u32 options, UserAddr usage)
CALL(void, waitid, u32 which, i32 id, UserAddr out, u32 options, UserAddr usage)
CALL(void, getrusage, i32 who, UserAddr out)

// ---- processes.cpp
CALL(Pid, getpid)
CALL(Pid, gettid)
CALL(Pid, getppid)
CALL(void, setpgid, Pid pid, Pid group)
CALL(Pid, getpgid, Pid pid)
CALL(Pid, getpgrp)
CALL(Pid, setsid)
CALL(Pid, getsid, Pid pid)
CALL(Pid, set_tid_address, UserAddr address)
CALL(void, sched_yield)

// ---- limits.cpp
CALL(void, prlimit64, Pid pid, u32 resource, UserAddr new_limit, UserAddr old_limit)
CALL(void, getrlimit, u32 resource, UserAddr out)
CALL(void, setrlimit, u32 resource, UserAddr in)

// ---- prctl.cpp
CALL(i64, prctl, u32 option, u64 argument, u64 third, u64 fourth, u64 fifth)
CALL(void, arch_prctl, u32 code, u64 address)
CALL(u64, personality, u32 persona)

// ---- identity.cpp
CALL(u32, getuid)
CALL(u32, geteuid)
CALL(u32, getgid)
CALL(u32, getegid)
CALL(void, getresuid, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved)
CALL(void, getresgid, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved)
CALL(void, setresuid, u32 real, u32 effective, u32 saved)
CALL(void, setresgid, u32 real, u32 effective, u32 saved)
CALL(void, setuid, u32 uid)
CALL(void, setgid, u32 gid)
CALL(void, setreuid, u32 real, u32 effective)
CALL(void, setregid, u32 real, u32 effective)
CALL(u32, setfsuid, u32 uid)
CALL(u32, setfsgid, u32 gid)
CALL(u32, getgroups, i32 size, mm::UserPtr<u32> out)
CALL(void, setgroups, u32 count, mm::UserPtr<u32> in)

// ---- signals.cpp
CALL(void, rt_sigaction, i32 signal, mm::UserPtr<SignalAction> in, mm::UserPtr<SignalAction> out, u64 size)
CALL(void, rt_sigprocmask, i32 how, mm::UserPtr<SignalMask> in, mm::UserPtr<SignalMask> out, u64 size)
CALL(void, rt_sigsuspend, mm::UserPtr<SignalMask> mask_address, u64 size)
CALL(void, pause)
CALL(void, rt_sigpending, mm::UserPtr<SignalMask> out, u64 size)
CALL(u64, rt_sigreturn)
CALL(i64, rt_sigtimedwait, mm::UserPtr<SignalMask> wanted_address, UserAddr info_out, UserAddr timeout, u64 size)
CALL(void, kill, i32 pid, i32 signal)
CALL(void, tkill, Pid tid, i32 signal)
CALL(void, tgkill, Pid group, Pid tid, i32 signal)
CALL(void, rt_sigqueueinfo, Pid pid, i32 signal, UserAddr info)
CALL(void, rt_tgsigqueueinfo, Pid group, Pid tid, i32 signal, UserAddr info)
CALL(void, sigaltstack, mm::UserPtr<UserStack> in, mm::UserPtr<UserStack> out)

// ---- pid_files.cpp
CALL(Fd, pidfd_open, Pid pid, u32 flags)
CALL(void, pidfd_send_signal, Fd fd, i32 signal, UserAddr info_address, u32 flags)

// ---- scheduling.cpp
CALL(i32, getpriority, i32 which, i32 id)
CALL(void, setpriority, i32 which, i32 id, i32 nice)
CALL(void, sched_setscheduler, Pid tid, i32 policy, mm::UserPtr<i32> priority)
CALL(void, sched_setparam, Pid tid, mm::UserPtr<i32> priority)
CALL(i32, sched_getscheduler, Pid tid)
CALL(void, sched_getparam, Pid tid, mm::UserPtr<i32> priority)
CALL(i32, sched_get_priority_max, i32 policy)
CALL(i32, sched_get_priority_min, i32 policy)
CALL(void, sched_rr_get_interval, Pid tid, UserAddr out)
CALL(void, sched_setattr, Pid tid, UserAddr from, u32 flags)
CALL(void, sched_getattr, Pid tid, UserAddr out, u32 size, u32 flags)

// ---- affinity.cpp
CALL(void, sched_setaffinity, Pid tid, u32 size, UserAddr mask)
CALL(size_t, sched_getaffinity, Pid tid, u32 size, UserAddr out)

// ---- futexes.cpp
/// FUTEX_WAIT that a stop interrupted.
Result<u32> restart_futex(Caller& caller);
CALL(u32, futex, UserAddr address, u32 operation, u32 value, u64 timeout_or_count, UserAddr second, u32 third_value)
CALL(void, set_robust_list, UserAddr head, u64 size)
CALL(void, get_robust_list, Pid tid, mm::UserPtr<u64> head, mm::UserPtr<u64> size)

}
