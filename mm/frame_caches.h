// SPDX-License-Identifier: MIT
// Memory that lies in the CPUs' own caches, for who has none left.
#pragma once

#include <atomic>

#include <base/types.h>

namespace mm {

/// Gives the free frames that CPUs keep for themselves back to the lists, where any CPU finds them. Each CPU is interrupted
/// and does it itself, whatever it runs: nobody must be scheduled there. Returns how many there were; one that keeps
/// preemption off for too long is not waited for.
u64 drain_frame_caches();

/// CPUs that are asked to. Ordering: set before the interrupt is sent; release by who has done it.
extern constinit std::atomic<u64> frame_drains;
/// On a CPU that was asked, where it could be preempted: holds no frame of its cache in its hand.
void drain_asked_cache();

}
