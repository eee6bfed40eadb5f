// SPDX-License-Identifier: MIT
// Out of memory: what exit tells those who wait for a victim's memory.
#pragma once

namespace process {

/// At boot: the first who needs memory need not wait for its turn.
void start_oom_turns();

/// A process that was killed for its memory has given it back.
void oom_victim_is_gone();

}
