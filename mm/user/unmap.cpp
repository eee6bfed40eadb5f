// SPDX-License-Identifier: MIT
// munmap(2), and the steps that every caller uses to remove pages and tables.
// Invariant: a page or a table is released only after the flush, through the TlbBatch.
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"
#include "mm/user/user_page.h"

namespace mm {

/// Removes the pages of [start, end), which lies in one VMA, from the tables, which are this space's own.
void AddressSpace::zap_range(u64 start, u64 end, Sharing sharing, TlbBatch& batch, WriteGuard const&) {
    page_table_.for_each_present(start, end, [&](u64 address, arch::PageEntry& entry) {
        PhysAddr const frame = entry.address();
        page_table_.set(entry, arch::PageEntry());
        batch.changed(address);
        if (is_zero_frame(frame)) return count_zero_page(entry, ~u64{0});
        Frame& record = frame_record(frame);
        count_page(entry, source_of(record, sharing), ~u64{0});
        batch.release_later(record);
    });
}

/// Releases the tables below what was just unmapped; as on Linux, only where no VMA reaches into a table's span, so a
/// program that maps and unmaps beside another mapping finds its table again. A table is released like a page: once
/// no CPU walks through it any more. Does nothing for an empty range.
void AddressSpace::free_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const&) {
    if (start >= end) return;
    constexpr u64 span = arch::entries_per_table * page_size;
    Vma const* const above = vmas_.first_ending_above(start);
    Vma const* const below = above ? vmas_.previous(*above) : vmas_.last();
    u64 const floor = below ? align_up(below->end, span) : 0;
    u64 const ceiling = above ? align_down(above->start, span) : align_up(arch::user_space_end, span);
    u64 const first = std::max(floor, align_down(start, span)), last = std::min(ceiling, align_up(end, span));
    if (first >= last) return;
    page_table_.free_empty_tables(first, last, [this, &batch](PhysAddr table) {
        batch.changed_all();
        batch.release_later(frame_record(table));
        note_tables();
    });
}

/// An empty range is a no-op. ENOMEM: nothing has changed.
Result<> AddressSpace::unmap_range(u64 start, u64 end, RemovedVmas& removed, WriteGuard const& guard) {
    if (vmas_.is_free(start, end)) return {};
    note_peak(guard);
    TlbBatch batch(tlb_);
    TRY(own_edges(start, end, batch, guard));
    TRY(vmas_.isolate(start, end));
    forget_last_found(guard);
    drop_shared_tables(start, end, batch, guard);
    Vma* const first = vmas_.first_ending_above(start);
    for (Vma* vma = first; vma && vma->start < end; vma = vmas_.next(*vma))
        zap_range(vma->start, vma->end, vma->attributes.sharing, batch, guard);
    vmas_.remove_run(first, end, removed);
    free_tables(start, end, batch, guard);
    return {};
}

Result<> AddressSpace::unmap(UserAddr start, u64 size) {
    auto const end = checked_end(start.value(), size);
    if (!start.is_page_aligned() || size == 0 || !end) return fail(EINVAL);
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    return unmap_range(start.value(), *end, removed, guard);
}

}
