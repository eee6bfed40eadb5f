// SPDX-License-Identifier: MIT
// Limits of setrlimit(2) that are asked for the running program. README.md of this folder has a table of all.
#pragma once

#include <base/result.h>

namespace process {

class UserThread;

/// Tells fs of RLIMIT_FSIZE. Called once at boot.
void register_size_limit();
/// RLIMIT_RTTIME, from the timer interrupt.
void check_realtime_limit(UserThread& thread);
/// /proc/sys/kernel/sched_rt_*. Called once at boot.
Result<> register_realtime_limits();

}
