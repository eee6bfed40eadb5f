// SPDX-License-Identifier: MIT
// Sends one flush request for a whole operation to every CPU that may have cached its entries, then releases the
// frames.
#include "mm/user/tlb_batch.h"

#include <arch/interrupts.h>

#include "mm/user/shared_tables.h"

namespace mm {

// The arrays stay uninitialised: to clear them would cost more than most batches do.
TlbBatch::TlbBatch(arch::TlbSpace& space) : space_(space) {}

void TlbBatch::flush_page(arch::TlbSpace& space, u64 address) {
    arch::PreemptGuard const on_this_cpu;
    arch::tlb_flush(space, {&address, 1});
}

void TlbBatch::flush() {
    if (pages_count_ != 0) {
        arch::PreemptGuard const on_this_cpu;
        if (pages_count_ == everything) arch::tlb_flush(space_);
        else arch::tlb_flush(space_, {pages_.data(), pages_count_});
    }
    pages_count_ = 0;
    for (u32 i = 0; i < frame_count_; ++i) frame_release(*frames_[i]);
    frame_count_ = 0;
    for (u32 i = 0; i < table_count_; ++i) release_leaf_table(*tables_[i]);
    table_count_ = 0;
}

}
