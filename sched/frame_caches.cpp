// SPDX-License-Identifier: MIT
// See frame_caches.h.
#include "sched/frame_caches.h"

#include <arch/per_cpu.h>

#include "mm/frame_allocator.h"
#include "sched/scheduler.h"

namespace sched {

u64 drain_frame_caches() {
    Thread& self = current_thread();
    u64 const allowed = scheduler.affinity(self);
    u64 drained = 0;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        if (mm::frame_allocator.cached_on(CpuId(cpu)) == 0) continue;
        (void)scheduler.set_affinity(self, u64{1} << cpu);   // returns there
        drained += mm::frame_allocator.drain_this_cpu();
    }
    (void)scheduler.set_affinity(self, allowed);
    return drained;
}

}
