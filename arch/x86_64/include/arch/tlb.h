// SPDX-License-Identifier: MIT
// Translations that CPUs remember, and how they are made to forget: at once on this CPU, by an
// interrupt on the others. Whoever changes page tables changes them first and then calls one of
// these; on return no CPU uses what was there before. Intel SDM vol. 3, 4.10.4 and 4.10.5.
#pragma once

#include <atomic>
#include <span>

#include <arch/paging.h>
#include <arch/per_cpu.h>

namespace arch {

/// One program's page tables, as the CPUs know them. It outlives every use: see tlb_leave().
struct TlbSpace {
    PhysAddr root;
    u64 id;                          ///< never used twice; the kernel's own is 0
    /// How often something of it had to be forgotten. A CPU that loads it with a PCID compares, and forgets all that
    /// its TLB has kept from before if it has missed something. Ordering: counted before `cpus` is read, read after.
    std::atomic<u64> generation{1};
    /// Bit n: CPU n has the root loaded, perhaps only because the kernel thread that runs there needs none.
    /// Ordering: set before the root is loaded and read after entries were changed, with a full fence between on
    /// both sides: a CPU that is not seen here loads the root later, and finds the changed entries.
    std::atomic<u64> cpus{0};

    constexpr TlbSpace() : id(0) {}
    explicit TlbSpace(PhysAddr root);
};

/// Loads a space on this CPU; preemption off, or the space is the running thread's. Its bit is set, that of the one before cleared.
void tlb_load(TlbSpace& space);
/// Loads the kernel's own tables instead.
void tlb_load_kernel();
/// The kernel's own root, from now on; loaded on this CPU.
void tlb_set_kernel_root(PhysAddr root);
/// Is it loaded here? Preemption off.
bool tlb_is_loaded(TlbSpace const& space);

/// Makes every CPU forget the translations of single pages of a space, or all of it. Preemption off; any lock may
/// be held: who waits for it with interrupts off answers meanwhile.
void tlb_flush(TlbSpace& space, std::span<u64 const> pages);
void tlb_flush(TlbSpace& space);
/// The same for kernel memory [start, end). `tables_went`: the way to it too, in every address space.
void tlb_flush_kernel(u64 start, u64 end, bool tables_went);
/// No CPU has the space loaded any more: its tables may be freed. No thread uses it.
void tlb_leave(TlbSpace const& space);

/// What has happened since boot, on each CPU.
struct TlbEvents {
    PerCpu<u64> pages;               ///< translations forgotten one by one
    PerCpu<u64> spaces;              ///< … whole spaces
    PerCpu<u64> kernel;              ///< … ranges of kernel memory
    PerCpu<u64> sent, received;      ///< requests to other CPUs, and from them
    PerCpu<u64> pcid_hits, pcid_misses;   ///< spaces that were loaded with what the TLB had kept of them, and without
    PerCpu<u64> lazy_leaves;         ///< requests that made a CPU drop a space no thread of it used
};
extern TlbEvents tlb_events;

}
