// SPDX-License-Identifier: MIT
// Out of memory: what exit tells those who wait for a victim's memory.
#pragma once

namespace process {

/// A process that was killed for its memory has given it back.
void oom_victim_is_gone();

}
