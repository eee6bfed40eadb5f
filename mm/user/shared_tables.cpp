// SPDX-License-Identifier: MIT
// Shares leaf tables at fork, and gives a space its own table again before it changes one. The rules are in
// shared_tables.h.
#include "mm/user/shared_tables.h"

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"
#include "mm/user/user_page.h"

namespace mm {

namespace {

constexpr u64 table_span = arch::entries_per_table * page_size;
/// A table with fewer pages is cheaper to copy entry by entry: the first write below a shared table costs one more
/// fault.
constexpr u64 fewest_shared = 128;

arch::PageEntry* entries_of(Frame const& table) { return FrameTables::entries(frame_address(table)); }

/// Copies the entries of `from` to `to`, with one more reference for each frame and the write right cleared in both.
void copy_leaf_table(Frame& from, Frame& to) {
    arch::PageEntry *const source = entries_of(from), *const target = entries_of(to);
    for (unsigned i = 0; i < arch::entries_per_table; ++i) {
        arch::PageEntry const entry = source[i];
        if (entry.is_present() && !is_zero_frame(entry.address())) frame_acquire(frame_record(entry.address()));
        // Another program may do the same in the same table, at the same time.
        if (entry.is_writable()) source[i] = entry.without_write();
        target[i] = entry.without_write();
    }
    to.table = from.table;
}

}

void release_leaf_table(Frame& table) {
    if (!frame_release_last(table)) return;
    arch::PageEntry const* const entries = entries_of(table);
    u64 remaining = table.table.present;
    for (unsigned i = 0; remaining != 0; ++i) {
        if (!entries[i].is_present()) continue;
        --remaining;
        PhysAddr const frame = entries[i].address();
        if (!is_zero_frame(frame)) frame_release(frame_record(frame));
    }
    table.flags = 0;   // its entries are still there, so the frame is not zeroed
    frame_return(table);
}

/// True if the table has enough pages, and no shared mapping reaches into it: such pages must keep their write right.
bool AddressSpace::is_worth_sharing(arch::PageEntry directory, u64 base, WriteGuard const&) const {
    if (frame_record(directory.address()).table.present < fewest_shared) return false;
    for (Vma const* vma = vmas_.first_ending_above(base); vma && vma->start < base + table_span; vma = vmas_.next(*vma))
        if (vma->is_shared()) return false;
    return true;
}

/// From now on the table below `directory`, which begins at address `base`, is also the child's. ENOMEM.
Result<> AddressSpace::share_table(arch::PageEntry& directory, u64 base, AddressSpace& child, TlbBatch& batch, WriteGuard const&) {
    arch::PageEntry* const other = TRY(child.page_table_.find_or_create_directory_entry(base));
    if (directory.is_writable()) {
        page_table_.set(directory, directory.without_write());
        batch.changed_all();
    }
    Frame& table = frame_record(directory.address());
    frame_acquire(table);
    child.page_table_.attach(*other, directory);
    may_share_tables_ = child.may_share_tables_ = true;
    child.count_resident(PageSource::File, table.table.file_pages);
    vm_events.table_shares.add(1);
    return {};
}

/// Makes a table that may be shared this space's own. Returns the table that was there before, or null if it is the
/// same one; the caller drops its reference after a flush. With page_table_lock_, or lock_ held for writing. ENOMEM.
Result<Frame*> AddressSpace::own_table(arch::PageEntry& directory, Urgency urgency) {
    Frame& table = frame_record(directory.address());
    // Ordering: acquire, pairs with the release in frame_release_last(): the former sharers have finished with it.
    if (table.references.load(std::memory_order_acquire) == 1) {
        page_table_.set(directory, directory.with_write());
        vm_events.table_takeovers.add(1);
        return nullptr;
    }
    PhysAddr const copy = TRY(FrameTables::allocate(Fill::Dirty, urgency));
    copy_leaf_table(table, frame_record(copy));
    page_table_.set(directory, arch::PageEntry::table(copy, true));
    vm_events.table_copies.add(1);
    return &table;
}

/// Returns Handled or OutOfMemory.
FaultResult AddressSpace::own_table_for_fault(u64 page) {
    Frame* before = nullptr;
    {
        Locked const guard(page_table_lock_);
        arch::PageEntry* const directory = page_table_.find_directory_entry(page);
        if (!is_shared(*directory)) return FaultResult::Handled;   // another thread was faster
        auto const owned = own_table(*directory);
        if (!owned) return FaultResult::OutOfMemory;
        before = *owned;
    }
    if (before) {
        TlbBatch::flush_page(tlb_, page);   // also drops every cached walk through the old table
        release_leaf_table(*before);
    }
    return FaultResult::Handled;
}

Result<> AddressSpace::own_table_of(u64 address, TlbBatch& batch, WriteGuard const&, Urgency urgency) {
    arch::PageEntry* const directory = page_table_.find_directory_entry(address);
    if (!directory || !is_shared(*directory)) return {};
    if (Frame* const before = TRY(own_table(*directory, urgency))) batch.release_table_later(*before);
    return {};
}

/// Makes every table in [start, end) this space's own, before entries there change. ENOMEM.
Result<> AddressSpace::own_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const& guard) {
    if (!may_share_tables_) return {};
    Result<> result;
    page_table_.for_each_table(start, end, [&](arch::PageEntry& directory, u64 first, u64) {
        lock_.assert_held();
        if (result && is_shared(directory)) result = own_table_of(first, batch, guard);
    });
    return result;
}

/// The same for the tables that [start, end) covers only in part; drop_shared_tables() handles the rest. ENOMEM.
Result<> AddressSpace::own_edges(u64 start, u64 end, TlbBatch& batch, WriteGuard const& guard, Urgency urgency) {
    if (!may_share_tables_) return {};
    if (!is_aligned(start, table_span)) TRY(own_table_of(start, batch, guard, urgency));
    if (!is_aligned(end, table_span)) TRY(own_table_of(end, batch, guard, urgency));
    return {};
}

/// Removes the pages of [start, end) that are shown by shared tables which lie wholly in it.
void AddressSpace::drop_shared_tables(u64 start, u64 end, TlbBatch& batch, WriteGuard const&) {
    if (!may_share_tables_) return;
    page_table_.for_each_table(align_up(start, table_span), align_down(end, table_span), [&](arch::PageEntry& directory, u64, u64) {
        if (!is_shared(directory)) return;
        Frame& table = frame_record(directory.address());
        count_resident(PageSource::Anonymous, table.table.file_pages + table.table.zero_pages - table.table.present);
        count_resident(PageSource::File, u64{0} - table.table.file_pages);
        page_table_.detach(directory);
        batch.release_table_later(table);
    });
    note_tables();
}

}
