// SPDX-License-Identifier: MIT
// What one process may do to another: each decision once. credentials(7), kill(2), setpriority(2),
// prlimit(2), and of ptrace(2) "Ptrace access mode checking", which is what /proc/PID asks.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// kill(2) and its relatives: EPERM.
Result<> may_signal(Process const& sender, Process const& target, int signal);
/// setpriority(2): EPERM: not its own; EACCES: `nice` is below what `now` and RLIMIT_NICE allow.
Result<> may_set_nice(Process const& caller, Process const& target, int now, int nice);
/// sched_setscheduler(2), sched_setaffinity(2): whether the target is the caller's to schedule at all. EPERM.
Result<> may_schedule(Process const& caller, Process const& target);
/// prlimit(2) of another process: EPERM.
Result<> may_change_limits(Process const& caller, Process const& target);
/// Its memory, its environment, its descriptors, where its directories are: EACCES, as /proc/PID answers.
Result<> may_look_into(Process const& caller, Process const& target);
/// From now on file systems know in whose name a call is carried out (fs::caller_credentials()). Called at boot.
void register_caller();

}
