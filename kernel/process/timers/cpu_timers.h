// SPDX-License-Identifier: MIT
// The part of a process's timers (timers.h) that ticks drive.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// From the timer interrupt, when the scheduler is done with it.
void on_cpu_tick();
/// ns of CPU time of a thread.
u64 cpu_time_of(UserThread const& thread);

}
