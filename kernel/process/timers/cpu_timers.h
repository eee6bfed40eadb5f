// SPDX-License-Identifier: MIT
// The part of a process's timers (timers.h) that the timer tick drives.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// Called in the timer interrupt, after the scheduler's part.
void on_cpu_tick();
/// The CPU time of a thread, in ns.
u64 cpu_time_of(UserThread const& thread);

}
