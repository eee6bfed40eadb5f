// SPDX-License-Identifier: MIT
// Counts of virtual-memory events since boot: one word for each event on each CPU, so that counting takes one
// instruction and no lock. /proc/vmstat shows the sums.
#pragma once

#include <arch/per_cpu.h>

namespace mm {

/// What page an entry shows: the program's own, a file's, or one that it also shares for writing.
enum class PageSource : u8 { Anonymous, File, Shared };

struct VmCounters {
    u64 page_faults = 0, major_faults = 0, zero_page_maps = 0, anonymous_pages = 0;
    u64 cow_copies = 0, cow_reuses = 0, file_maps = 0;
    u64 forks = 0, table_shares = 0, table_copies = 0, table_takeovers = 0;
    // Current values, not since boot: entries of all programs, by what they show (AnonPages, Mapped of
    // /proc/meminfo).
    u64 resident_anonymous = 0, resident_file = 0, resident_shared = 0;
    u64 table_frames = 0, committed_pages = 0;   // current: PageTables, Committed_AS
};

struct VmEvents {
    arch::PerCpu<u64> page_faults, zero_page_maps, anonymous_pages;
    arch::PerCpu<u64> cow_copies, cow_reuses, file_maps;
    arch::PerCpu<u64> forks;
    arch::PerCpu<u64> table_shares, table_copies, table_takeovers;   ///< leaf tables: shared by fork; copied, or taken over, by writers
    // One CPU's value may wrap below 0; the sum is right.
    arch::PerCpu<u64> resident[3];       // by PageSource
    arch::PerCpu<u64> table_frames;      ///< page tables of all programs; a shared one counts once for each
    arch::PerCpu<u64> committed_pages;   ///< private and writable, in all programs
};

extern VmEvents vm_events;

VmCounters vm_counters();

}
