// SPDX-License-Identifier: MIT
// Out of memory: choosing and killing a victim, and how exit wakes those that wait for its memory.
#pragma once

#include <base/types.h>

namespace process {

class Process;
/// /proc/PID/oom_score: from 0 (never chosen) to about 1333 (it has all memory).
u64 shown_oom_score(Process const& process);

/// Called at boot: frees the turn, so that the first thread that runs out of memory gets it at once.
void start_oom_turns();

/// Kills the process that the OOM killer would choose. False: there is none. Takes locks; the caller must be able to sleep.
bool kill_for_memory();

/// A process that was killed for its memory has released it.
void oom_victim_is_gone();

}
