// SPDX-License-Identifier: MIT
// brk(2). The heap is VMAs of kind Heap; it begins where exec put it (heap_start_) and ends at break_.
#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

void AddressSpace::set_heap(UserAddr start) {
    WriteGuard const guard(lock_);
    heap_start_ = break_ = start.value();
}

/// Both ends are page aligned. ENOMEM.
Result<> AddressSpace::grow_heap(u64 old_end, u64 new_end, u64 lock_limit, WriteGuard const& guard) {
    // As on Linux, one page stays free between the heap and what lies above it.
    if (!vmas_.is_free_with_guard(old_end, new_end + page_size)) return fail(ENOMEM);
    u64 const pages = (new_end - old_end) >> page_shift;
    if (!may_expand(pages, pages, guard)) return fail(ENOMEM);
    if (future_locking_ != Locking::None) TRY(check_locked(pages, lock_limit, guard));
    if (is_obvious_overcommit(new_end - old_end)) return fail(ENOMEM);
    VmaAttributes const heap{.protection = {.read = true, .write = true}, .kind = VmaKind::Heap, .locking = future_locking_};
    Vma* const below = vmas_.find(old_end - 1);
    if (below && below->attributes == heap) {
        vmas_.resize(*below, below->start, new_end);
        return {};
    }
    if (vmas_.count() >= VmaSet::max_count) return fail(ENOMEM);
    auto* const vma = new (std::nothrow) Vma(old_end, new_end, 0, nullptr, heap);
    if (!vma) return fail(ENOMEM);
    vmas_.insert(*vma);
    return {};
}

UserAddr AddressSpace::set_break(UserAddr wanted, u64 lock_limit) {
    bool fills = false;
    u64 old_end = 0;
    UserAddr const now = move_break(wanted, lock_limit, old_end, fills);
    if (fills) [[unlikely]] static_cast<void>(fill_range(old_end, now.page_up().value(), true));
    return now;
}

UserAddr AddressSpace::move_break(UserAddr wanted, u64 lock_limit, u64& old_end, bool& fills) {
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    u64 const data = layout_.data_end - layout_.data_start;
    bool const possible = wanted.value() >= heap_start_ && wanted.value() < arch::user_space_end &&
                          heap_start_ != 0 && data + (wanted.value() - heap_start_) <= limits_.data;
    if (!possible) return UserAddr(break_);
    old_end = align_up(break_, page_size);
    u64 const new_end = wanted.page_up().value();
    Result<> result;
    if (new_end < old_end) result = unmap_range(new_end, old_end, removed, guard);
    else if (new_end > old_end) result = grow_heap(old_end, new_end, lock_limit, guard);
    if (result) break_ = wanted.value();
    fills = result && new_end > old_end && future_locking_ == Locking::Locked;
    return UserAddr(break_);
}

}
