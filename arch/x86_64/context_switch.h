// SPDX-License-Identifier: MIT
// Inside arch: the change of page tables at every switch between programs. Interrupts off.
#pragma once

#include <arch/tlb.h>

namespace arch {

/// What a CPU's TLB holds under one PCID: slot n is PCID n + 1; PCID 0 is the kernel's. Without PCIDs, slot 0 is the
/// loaded space. Used on this CPU with preemption off; an answer to another CPU's request may come in between and
/// only makes a slot newer.
struct TlbSlot {
    u64 id = 0;                  ///< TlbSpace::id; 0: nothing
    u64 generation = 0;          ///< every flush up to this one has been done
};
struct TlbSlots {
    static constexpr u32 count = 6;   ///< beyond that, little of a space is left in the TLB
    TlbSlot slots[count];
    u32 current = 0, oldest = 0;
};
extern PerCpu<TlbSlots> tlb_slots;

extern TlbSpace kernel_tlb_space;
/// The space whose root is in CR3; never null.
extern PerCpu<TlbSpace*> loaded_space;
/// The space that the running thread needs; null: a kernel thread, which works with any.
extern PerCpu<TlbSpace*> wanted_space;

void load_root_with_pcid(TlbSpace const& to);

inline void switch_space(TlbSpace& to) {
    u64 const self = u64{1} << current_cpu().value;
    TlbSpace& from = *loaded_space.read();
    // Ordering: full fence before the generation is read and CR3 loaded, see TlbSpace; the old bit is
    // cleared once this CPU no longer walks those tables.
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
