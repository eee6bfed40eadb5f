// SPDX-License-Identifier: MIT
// Inside arch: the change of page tables that every switch between programs makes. Interrupts off.
#pragma once

#include <arch/tlb.h>

namespace arch {

extern TlbSpace kernel_tlb_space;
/// Whose root is in CR3; never null.
extern PerCpu<TlbSpace*> loaded_space;
/// Whose the running thread wants; null: a kernel thread, any will do.
extern PerCpu<TlbSpace*> wanted_space;

inline void switch_space(TlbSpace& to) {
    u64 const self = u64{1} << current_cpu().value;
    TlbSpace& from = *loaded_space.read();
    // Ordering: full fence before CR3 is loaded, see TlbSpace::cpus; the old bit goes when nothing of it is left.
    to.cpus.fetch_or(self, std::memory_order_seq_cst);
    loaded_space.write(&to);
    load_page_table_root(to.root);
    from.cpus.fetch_and(~self, std::memory_order_release);
}

}
