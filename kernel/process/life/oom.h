// SPDX-License-Identifier: MIT
// Out of memory: what exit tells those who wait for a victim's memory.
#pragma once

#include <base/types.h>

namespace process {

class Process;
/// /proc/PID/oom_score: from 0 (never chosen) to about 1333 (all memory is its).
u64 shown_oom_score(Process const& process);

/// At boot: the first who needs memory need not wait for its turn.
void start_oom_turns();

/// Kills the process that would be chosen if there were no memory. False: there is none. Takes locks; must be able to sleep.
bool kill_for_memory();

/// A process that was killed for its memory has given it back.
void oom_victim_is_gone();

}
