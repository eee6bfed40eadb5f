// SPDX-License-Identifier: MIT
// brk(2): the heap is one VMA of kind Heap that begins where exec said.
#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

void AddressSpace::set_heap(UserAddr start) {
    WriteGuard const guard(lock_);
    heap_start_ = break_ = start.value();
}

/// Both ends page aligned. ENOMEM.
Result<> AddressSpace::grow_heap(u64 old_end, u64 new_end, WriteGuard const& guard) {
    // As Linux, one page stays free between the heap and what lies above it.
    if (!vmas_.is_free_with_guard(old_end, new_end + page_size)) return fail(ENOMEM);
    u64 const pages = (new_end - old_end) >> page_shift;
    if (!may_expand(pages, pages, guard)) return fail(ENOMEM);
    if (is_obvious_overcommit(new_end - old_end)) return fail(ENOMEM);
    constexpr VmaAttributes heap{.protection = {.read = true, .write = true}, .kind = VmaKind::Heap};
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

UserAddr AddressSpace::set_break(UserAddr wanted) {
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    u64 const data = layout_.data_end - layout_.data_start;
    bool const possible = wanted.value() >= heap_start_ && wanted.value() < arch::user_space_end &&
                          heap_start_ != 0 && data + (wanted.value() - heap_start_) <= limits_.data;
    if (!possible) return UserAddr(break_);
    u64 const old_end = align_up(break_, page_size);
    u64 const new_end = wanted.page_up().value();
    Result<> result;
    if (new_end < old_end) result = unmap_range(new_end, old_end, removed, guard);
    else if (new_end > old_end) result = grow_heap(old_end, new_end, guard);
    if (result) break_ = wanted.value();
    return UserAddr(break_);
}

}
