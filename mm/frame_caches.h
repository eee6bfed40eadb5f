// SPDX-License-Identifier: MIT
// Returns the frames in the per-CPU caches to the free lists when memory runs out.
// Invariant: only a CPU itself touches its cache, so every other CPU is asked by an interrupt.
#pragma once

#include <atomic>

#include <base/types.h>

namespace mm {

/// Returns the free frames that CPUs cache to the lists, where any CPU finds them. Each CPU is interrupted and drains
/// its own cache, whatever it runs: no thread needs to be scheduled there. Returns how many frames there were; a CPU
/// that keeps preemption off for too long is not waited for.
u64 drain_frame_caches();

/// CPUs that are asked to drain. Ordering: set before the interrupt is sent; cleared with release by the CPU that has
/// drained.
extern constinit std::atomic<u64> frame_drains;
/// Runs on a CPU that was asked, at a point where it could be preempted: no code on it is in the middle of using its
/// cache.
void drain_asked_cache();

}
