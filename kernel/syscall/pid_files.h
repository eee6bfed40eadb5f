// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/process/signal_info.h"
#include "kernel/syscall/caller.h"

namespace syscall {

Result<Fd> sys_pidfd_open(Caller& caller, Pid pid, u32 flags);
Result<> sys_pidfd_send_signal(Caller& caller, Fd fd, i32 signal, UserAddr info_address, u32 flags);

/// signals.cpp: a program's siginfo_t for the process or thread `to`. EFAULT EPERM.
Result<process::SignalInfo> read_info(Caller& caller, Pid to, i32 signal, UserAddr address);

}
