// SPDX-License-Identifier: MIT
// Inside arch: the change of page tables that every switch between programs makes. Interrupts off.
#pragma once

#include <arch/tlb.h>

namespace arch {

/// What a CPU's TLB holds under one PCID: slot n is PCID n + 1, and 0 is the kernel's. Without PCIDs slot 0 is what is
/// loaded. This CPU, preemption off; an answer to another CPU may come between and only makes it newer.
struct TlbSlot {
    u64 id = 0;                  ///< TlbSpace::id; 0: nothing
    u64 generation = 0;          ///< all that was to be forgotten up to this one is
};
struct TlbSlots {
    static constexpr u32 count = 6;   ///< more spaces than that seldom have anything left in the TLB
    TlbSlot slots[count];
    u32 current = 0, oldest = 0;
};
extern PerCpu<TlbSlots> tlb_slots;

extern TlbSpace kernel_tlb_space;
/// Whose root is in CR3; never null.
extern PerCpu<TlbSpace*> loaded_space;
/// Whose the running thread wants; null: a kernel thread, any will do.
extern PerCpu<TlbSpace*> wanted_space;

void load_root_with_pcid(TlbSpace const& to);

inline void switch_space(TlbSpace& to) {
    u64 const self = u64{1} << current_cpu().value;
    TlbSpace& from = *loaded_space.read();
    // Ordering: full fence before the generation is read and CR3 loaded, see TlbSpace; the old bit goes when this
    // CPU no longer walks the tables.
    to.cpus.fetch_or(self, std::memory_order_seq_cst);
    loaded_space.write(&to);
    if (cpu_features.pcid) {
        load_root_with_pcid(to);
    } else {
        tlb_slots.local().slots[0] = {to.id, to.generation.load(std::memory_order_relaxed)};
        load_page_table_root(to.root);
    }
    from.cpus.fetch_and(~self, std::memory_order_release);
}

}
