// SPDX-License-Identifier: MIT
// Flushing. Intel SDM vol. 3, 4.10.4: INVLPG also drops the cached upper levels.
#include "mm/user/tlb_batch.h"

#include <arch/interrupts.h>

#include "mm/user/vm_counters.h"

namespace mm {

// The arrays stay uninitialised: clearing them would cost more than most batches do.
TlbBatch::TlbBatch(PageTable const& table) : root_(table.root()) {}

void TlbBatch::flush_page(PageTable const& table, u64 address) {
    if (arch::current_page_table_root() != table.root()) return;
    arch::tlb_flush_page(address);
    vm_events.tlb_flush_pages.add(1);
}

void TlbBatch::flush() {
    // Only the root that is loaded has entries in this CPU's TLB: there are no PCIDs yet.
    if (pages_count_ != 0 && arch::current_page_table_root() == root_) {
        arch::PreemptGuard const on_this_cpu;
        if (pages_count_ == everything) {
            arch::tlb_flush_all();
            vm_events.tlb_flush_all.add(1);
        } else {
            for (u32 i = 0; i < pages_count_; ++i) arch::tlb_flush_page(pages_[i]);
            vm_events.tlb_flush_pages.add(pages_count_);
        }
    }
    pages_count_ = 0;
    for (u32 i = 0; i < frame_count_; ++i) frame_release(*frames_[i]);
    frame_count_ = 0;
}

}
