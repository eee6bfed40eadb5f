// SPDX-License-Identifier: MIT
// Translations that CPUs cache, and how they are flushed: directly on this CPU, by an interrupt on the others. The
// caller first changes the page tables and then calls one of these; on return no CPU uses the old entries. Intel SDM
// vol. 3, 4.10.4 and 4.10.5.
#pragma once

#include <atomic>
#include <span>

#include <arch/paging.h>
#include <arch/per_cpu.h>

namespace arch {

/// One program's page tables, as the CPUs know them. Outlives every use: see tlb_leave().
struct TlbSpace {
    PhysAddr root;
    u64 id;                          ///< never used twice; the kernel's own is 0
    /// How many flushes of this space there have been. A CPU that loads the space with a PCID compares, and if it has
    /// missed one drops everything that its TLB still holds of the space. Ordering: incremented before `cpus` is
    /// read, read after it is set.
    std::atomic<u64> generation{1};
    /// Bit n: CPU n has the root loaded, perhaps only because the kernel thread that runs there needs none. Ordering:
    /// set before the root is loaded, and read after entries were changed, with a full fence in between on both
    /// sides: a CPU that is not seen here loads the root later and finds the changed entries.
    std::atomic<u64> cpus{0};

    constexpr TlbSpace() : id(0) {}
    explicit TlbSpace(PhysAddr root);
};

/// Loads a space on this CPU; preemption off, or the space is the running thread's. Sets its bit and clears that of
/// the previous space.
void tlb_load(TlbSpace& space);
/// Loads the kernel's own tables instead.
void tlb_load_kernel();
/// Sets the kernel's own root and loads it on this CPU.
void tlb_set_kernel_root(PhysAddr root);
/// True if the space is loaded on this CPU. Preemption off.
bool tlb_is_loaded(TlbSpace const& space);

/// Flushes single pages of a space, or all of it, on every CPU. Preemption off; any lock may be held: a CPU that
/// waits for it with interrupts off answers in its loop.
void tlb_flush(TlbSpace& space, std::span<u64 const> pages);
void tlb_flush(TlbSpace& space);
/// The same for kernel memory [start, end). `tables_went`: also flushes cached upper levels, in every address space.
void tlb_flush_kernel(u64 start, u64 end, bool tables_went);
/// On return no CPU has the space loaded, so its tables may be freed. No thread may use it.
void tlb_leave(TlbSpace const& space);

/// Events since boot, on each CPU.
struct TlbEvents {
    PerCpu<u64> pages;               ///< translations flushed one by one
    PerCpu<u64> spaces;              ///< … whole spaces
    PerCpu<u64> kernel;              ///< … ranges of kernel memory
    PerCpu<u64> sent, received;      ///< requests to other CPUs, and from them
    PerCpu<u64> pcid_hits, pcid_misses;   ///< spaces loaded while the TLB still held entries of them, and without
    PerCpu<u64> lazy_leaves;         ///< requests on which a CPU dropped a space that none of its threads used
};
extern TlbEvents tlb_events;

}
