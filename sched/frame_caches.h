// SPDX-License-Identifier: MIT
// Memory that lies in the CPUs' own caches, for who has none left.
#pragma once

#include <base/types.h>

namespace sched {

/// Gives the free frames that CPUs keep for themselves back to the lists, where any CPU finds them: the running
/// thread visits each of them. Returns how many there were. May sleep.
u64 drain_frame_caches();

}
