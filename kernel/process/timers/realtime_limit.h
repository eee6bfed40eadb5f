// SPDX-License-Identifier: MIT
// RLIMIT_RTTIME, and the share of a CPU that all realtime threads may have.
#pragma once

#include <base/result.h>

namespace process {

class UserThread;

/// RLIMIT_RTTIME, from the timer interrupt.
void check_realtime_limit(UserThread& thread);
/// /proc/sys/kernel/sched_rt_*. Called once at boot.
Result<> register_realtime_limits();

}
