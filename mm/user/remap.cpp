// SPDX-License-Identifier: MIT
// mremap(2): shrinks or grows a mapping in place, or moves its entries (not its pages) elsewhere.
#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"
#include "mm/user/user_page.h"

namespace mm {

namespace {

constexpr u64 leaf_table_span = arch::entries_per_table * page_size;

}

/// Linux's vma_to_resize: may the `old_size` bytes at `start`, which lie in `vma`, become `new_size`?
Result<> AddressSpace::check_resize(Vma const& vma, Resize const& resize, WriteGuard const& guard) const {
    auto const [start, old_size, new_size, move, target, lock_limit] = resize;
    if (old_size == 0 && !vma.is_shared()) return fail(EINVAL);
    if (old_size > vma.end - start) return fail(EFAULT);
    if (new_size <= old_size) return {};
    if (vma.object && vma.offset + (start - vma.start) + new_size < new_size) return fail(EINVAL);
    u64 const pages = (new_size - old_size) >> page_shift;
    if (vma.is_locked()) TRY(check_locked(pages, lock_limit, guard));
    bool const is_data = vma.is_private_writable() && !vma.is_stack();
    if (!may_expand(pages, is_data ? pages : 0, guard)) return fail(ENOMEM);
    if (vma.is_private_writable() && !vma.attributes.no_reserve && is_obvious_overcommit(new_size - old_size)) return fail(ENOMEM);
    return {};
}

/// Makes the tables that move_entries() needs, so that it cannot fail.
Result<> AddressSpace::prepare_tables(u64 start, u64 size, u64 target, TlbBatch& batch, WriteGuard const& guard) {
    TRY(own_tables(start, start + size, batch, guard));
    TRY(own_tables(target, target + size, batch, guard));
    u64 prepared = ~u64{0};
    Result<> result;
    page_table_.for_each_present(start, start + size, [&](u64 address, arch::PageEntry&) {
        u64 const table = align_down(address - start + target, leaf_table_span);
        if (table == prepared || !result) return;
        if (auto const made = page_table_.find_or_create(table); !made) result = fail(made.error());
        prepared = table;
    });
    note_tables();
    return result;
}

void AddressSpace::move_entries(u64 start, u64 size, u64 target, Sharing sharing, TlbBatch& batch, WriteGuard const&) {
    page_table_.for_each_present(start, start + size, [&](u64 address, arch::PageEntry& entry) {
        arch::PageEntry const value = entry;
        arch::PageEntry& moved = *page_table_.find(address - start + target);
        page_table_.set(entry, arch::PageEntry());
        page_table_.set(moved, value);
        for (auto const& [where, sign] : {std::pair(&entry, ~u64{0}), std::pair(&moved, u64{1})}) {
            if (is_zero_frame(value.address())) count_zero_page(*where, sign);
            else count_page(*where, source_of(frame_record(value.address()), sharing), sign);
        }
        batch.changed(address);
    });
}

/// Moves [start, start + old_size) of `vma` to the free range at `target`. old_size 0: makes a second mapping of the
/// same pages.
Result<u64> AddressSpace::move_mapping(Vma& vma, u64 start, u64 old_size, u64 target, u64 new_size,
                                       RemovedVmas& removed, WriteGuard const& guard) {
    Owned<Vma> moved(vma.clone(start, start + new_size));
    if (!moved) return fail(ENOMEM);
    moved->start = target;
    moved->end = target + new_size;
    if (!moved->is_stack()) moved->attributes.kind = VmaKind::Ordinary;
    TlbBatch batch(tlb_);
    TRY(prepare_tables(start, old_size, target, batch, guard));
    TRY(vmas_.isolate(start, start + old_size));
    move_entries(start, old_size, target, moved->attributes.sharing, batch, guard);
    vmas_.remove_range(start, start + old_size, removed);
    vmas_.insert(*moved);
    vmas_.merge(*moved.leak());
    free_tables(start, start + old_size, batch, guard);
    return target;
}

Result<u64> AddressSpace::remap_fixed(Resize resize, RemovedVmas& removed, WriteGuard const& guard) {
    auto& [start, old_size, new_size, move, target, lock_limit] = resize;
    if (!is_aligned(target, page_size) || !checked_end(target, new_size) || !checked_end(start, old_size)) return fail(EINVAL);
    if (start + old_size > target && target + new_size > start) return fail(EINVAL);
    if (target < VmaSet::lowest_address) return fail(EPERM);
    if (vmas_.count() + 5 >= VmaSet::max_count) return fail(ENOMEM);
    TRY(unmap_range(target, target + new_size, removed, guard));
    if (old_size > new_size) {
        TRY(unmap_range(start + new_size, start + old_size, removed, guard));
        old_size = new_size;
    }
    Vma* const vma = vmas_.find(start);
    if (!vma) return fail(EFAULT);
    TRY(check_resize(*vma, resize, guard));
    return move_mapping(*vma, start, old_size, target, new_size, removed, guard);
}

Result<u64> AddressSpace::remap_grow(Vma& vma, Resize const& resize, RemovedVmas& removed, WriteGuard const& guard) {
    auto const& [start, old_size, new_size, move, target, lock_limit] = resize;
    TRY(check_resize(vma, resize, guard));
    u64 const new_end = start + new_size;
    bool const ends_with_vma = start + old_size == vma.end;
    if (ends_with_vma && checked_end(start, new_size) && vmas_.is_free(vma.end, new_end)) {
        vmas_.resize(vma, vma.start, new_end);
        vmas_.merge(vma);
        return start;
    }
    if (move == Move::Never) return fail(ENOMEM);
    return move_mapping(vma, start, old_size, TRY(vmas_.find_gap(new_size, arch::user_space_end)), new_size, removed, guard);
}

/// `is_locked` on return: the caller must fault in what was added.
Result<u64> AddressSpace::remap_within(Resize const& resize, bool& is_locked) {
    auto const& [start, old_size, new_size, move, target, lock_limit] = resize;
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    forget_last_found(guard);
    Vma* const vma = vmas_.find(start);
    if (!vma) return fail(EFAULT);
    is_locked = vma->is_locked();
    if (move == Move::Fixed) return remap_fixed(resize, removed, guard);
    if (old_size < new_size) {
        if (new_size > arch::user_space_end) return fail(ENOMEM);
        return remap_grow(*vma, resize, removed, guard);
    }
    auto const old_end = checked_end(start, old_size);
    if (!old_end) return fail(EINVAL);
    if (old_size > new_size) TRY(unmap_range(start + new_size, *old_end, removed, guard));
    return start;
}

Result<UserAddr> AddressSpace::remap(UserAddr start, u64 old_size, u64 new_size, Move move, UserAddr new_address, u64 lock_limit) {
    if (!start.is_page_aligned()) return fail(EINVAL);
    old_size = align_up(old_size, page_size);
    new_size = align_up(new_size, page_size);
    if (new_size == 0) return fail(EINVAL);
    bool is_locked = false;
    u64 const place = TRY(remap_within({start.value(), old_size, new_size, move, new_address.value(), lock_limit}, is_locked));
    if (is_locked && new_size > old_size) static_cast<void>(fill_range(place + old_size, place + new_size, true));
    return UserAddr(place);
}

}
