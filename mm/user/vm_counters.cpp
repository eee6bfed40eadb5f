// SPDX-License-Identifier: MIT
// Sums the counters over all CPUs. A sum is not a snapshot: the CPUs go on counting while it is made.
#include "mm/user/vm_counters.h"

namespace mm {

PER_CPU VmEvents vm_events;

namespace {

u64 sum(arch::PerCpu<u64>& counter) {
    u64 total = 0;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) total += counter.on(CpuId(cpu));
    return total;
}

}

VmCounters vm_counters() {
    VmCounters counters;
    counters.page_faults = sum(vm_events.page_faults);
    counters.zero_page_maps = sum(vm_events.zero_page_maps);
    counters.anonymous_pages = sum(vm_events.anonymous_pages);
    counters.cow_copies = sum(vm_events.cow_copies);
    counters.cow_reuses = sum(vm_events.cow_reuses);
    counters.file_maps = sum(vm_events.file_maps);
    counters.forks = sum(vm_events.forks);
    counters.table_shares = sum(vm_events.table_shares);
    counters.table_copies = sum(vm_events.table_copies);
    counters.table_takeovers = sum(vm_events.table_takeovers);
    counters.table_frames = sum(vm_events.table_frames);
    counters.committed_pages = sum(vm_events.committed_pages);
    counters.resident_anonymous = sum(vm_events.resident[static_cast<size_t>(PageSource::Anonymous)]);
    counters.resident_file = sum(vm_events.resident[static_cast<size_t>(PageSource::File)]);
    counters.resident_shared = sum(vm_events.resident[static_cast<size_t>(PageSource::Shared)]);
    return counters;
}

}
