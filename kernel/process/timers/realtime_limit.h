// SPDX-License-Identifier: MIT
// RLIMIT_RTTIME, and the files that set the share of a CPU that all realtime threads together may use.
#pragma once

#include <base/result.h>

namespace process {

class UserThread;

/// Enforces RLIMIT_RTTIME; called in the timer interrupt.
void check_realtime_limit(UserThread& thread);
/// Registers /proc/sys/kernel/sched_rt_*. Called once at boot.
Result<> register_realtime_limits();

}
