// SPDX-License-Identifier: MIT
// /proc/meminfo and /proc/vmstat: Linux's fields where the kernel has the value, its own names for what Linux does not
// count; no value is invented.
#include <arch/tlb.h>

#include "kernel/process/proc/proc_files.h"
#include "kernel/process/process_manager.h"
#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "mm/slab.h"
#include "mm/user/vm_counters.h"

namespace process {
namespace {

using base::format_to;
using base::Writer;

constexpr u64 page_kib = page_size / kib;

void line(Writer& out, std::string_view label, u64 kibibytes) { format_to(out, "{:<16}{:>8} kB\n", label, kibibytes); }
void pages(Writer& out, std::string_view label, u64 count) { line(out, label, count * page_kib); }

}

Result<> write_memory_info(Writer& out) {
    mm::VmCounters const programs = mm::vm_counters();
    u64 const total = mm::frame_allocator.total_bytes() / page_size;
    u64 const free = mm::free_frames();
    pages(out, "MemTotal:", total);
    pages(out, "MemFree:", free);
    pages(out, "MemAvailable:", free);   // files live only in memory: none of theirs can be reclaimed
    pages(out, "Buffers:", 0);
    pages(out, "SwapCached:", 0);
    pages(out, "SwapTotal:", 0);
    pages(out, "SwapFree:", 0);
    pages(out, "Dirty:", 0);
    pages(out, "Writeback:", 0);
    pages(out, "Slab:", mm::slab_statistics().frames);
    pages(out, "SReclaimable:", 0);
    pages(out, "SUnreclaim:", mm::slab_statistics().frames);
    pages(out, "KernelStack:", mm::kernel_space.stack_frames());
    pages(out, "PageTables:", programs.table_frames);
    pages(out, "CommitLimit:", total / 2);
    pages(out, "Committed_AS:", programs.committed_pages);
    line(out, "VmallocTotal:", arch::kernel_space_size / kib);
    return {};
}

u64 sum(arch::PerCpu<u64>& counter) {
    u64 total = 0;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) total += counter.on(CpuId(cpu));
    return total;
}

Result<> write_memory_events(Writer& out) {
    mm::FrameStatistics const frames = mm::frame_allocator.statistics();
    mm::VmCounters const events = mm::vm_counters();
    struct { std::string_view name; u64 value; } const lines[] = {
        {"nr_free_pages", mm::free_frames()},
        {"pgalloc_normal", frames.allocations},
        {"pgfree", frames.releases},
        {"pgfault", events.page_faults},
        {"pgmajfault", events.major_faults},
        {"allocation_failures", frames.failures},
        {"zero_page_maps", events.zero_page_maps},
        {"anonymous_pages", events.anonymous_pages},
        {"file_maps", events.file_maps},
        {"cow_copy", events.cow_copies},
        {"cow_reuse", events.cow_reuses},
        {"address_space_forks", events.forks},
        {"table_share", events.table_shares},
        {"table_copy", events.table_copies},
        {"table_takeover", events.table_takeovers},
        {"tlb_flush_page", sum(arch::tlb_events.pages)},
        {"tlb_flush_all", sum(arch::tlb_events.spaces)},
        {"tlb_flush_kernel", sum(arch::tlb_events.kernel)},
        {"tlb_shootdowns_sent", sum(arch::tlb_events.sent)},
        {"tlb_shootdowns_received", sum(arch::tlb_events.received)},
        {"tlb_pcid_hits", sum(arch::tlb_events.pcid_hits)},
        {"tlb_pcid_misses", sum(arch::tlb_events.pcid_misses)},
        {"tlb_lazy_leaves", sum(arch::tlb_events.lazy_leaves)},
    };
    for (auto const& entry : lines) format_to(out, "{} {}\n", entry.name, entry.value);
    return {};
}

}
