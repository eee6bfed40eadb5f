// SPDX-License-Identifier: MIT
// What one process may do to another: each decision is made in one place. credentials(7), kill(2), setpriority(2),
// prlimit(2), and "Ptrace access mode checking" of ptrace(2), which decides on access to /proc/PID.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// kill(2) and related calls: EPERM.
Result<> may_signal(Process const& sender, Process const& target, int signal);
/// setpriority(2). EPERM: the target is not the caller's; EACCES: `nice` is below what `now` and RLIMIT_NICE allow.
Result<> may_set_nice(Process const& caller, Process const& target, int now, int nice);
/// sched_setscheduler(2), sched_setaffinity(2): whether the caller may schedule the target at all. EPERM.
Result<> may_schedule(Process const& caller, Process const& target);
/// prlimit(2) of another process: EPERM.
Result<> may_change_limits(Process const& caller, Process const& target);
/// To read its memory, its environment, its descriptors, its directories: EACCES, as /proc/PID answers.
Result<> may_look_into(Process const& caller, Process const& target);
/// Provides file systems with the credentials of a call's caller (fs::caller_credentials()). Called at boot.
void register_caller();

}
