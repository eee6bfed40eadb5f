// SPDX-License-Identifier: MIT
// Drains the per-CPU frame caches: each CPU empties its own, because only it may touch its cache. The requester sets
// the CPU's bit in frame_drains, interrupts it, and waits at most 10 ms for the bits to clear.
#include "mm/frame_caches.h"

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/per_cpu.h>
#include <arch/processors.h>
#include <arch/time.h>

#include "mm/frame_allocator.h"

namespace mm {

constinit std::atomic<u64> frame_drains{0};

void drain_asked_cache() {
    arch::preempt_disable();
    u64 const bit = u64{1} << arch::current_cpu().value;
    if (frame_drains.load(std::memory_order_acquire) & bit) {
        (void)frame_allocator.drain_this_cpu();
        frame_drains.fetch_and(~bit, std::memory_order_release);
    }
    arch::preempt_enable_no_check();             // the caller is about to choose the next thread
}

u64 drain_frame_caches() {
    constexpr u64 patience_ns = 10 * ns_per_ms;
    u64 drained = 0, asked = 0;
    {
        arch::PreemptGuard const on_this_cpu;
        CpuId const own = arch::current_cpu();
        drained = frame_allocator.drain_this_cpu();
        for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
            u32 const cached = cpu == own.value ? 0 : frame_allocator.cached_on(CpuId(cpu));
            if (cached == 0) continue;
            drained += cached;
            asked |= u64{1} << cpu;
            frame_drains.fetch_or(u64{1} << cpu, std::memory_order_seq_cst);
            arch::send_reschedule(CpuId(cpu));
        }
    }
    u64 const deadline_ns = arch::clock_ns() + patience_ns;
    while ((frame_drains.load(std::memory_order_acquire) & asked) && arch::clock_ns() < deadline_ns) arch::relax();
    return drained;
}

}
