// SPDX-License-Identifier: MIT
// Finds, cuts and joins VMAs. Invariant: pages_ is the sum of account() over the VMAs, so every change of a VMA takes
// it out of the sum before and adds it after.
#include "mm/user/vma_set.h"

#include <algorithm>

#include "mm/user/vm_counters.h"

namespace mm {

VmaSet::~VmaSet() {
    vm_events.committed_pages.add(0 - pages_.data);
    tree_.clear_and_dispose([](Vma* vma) { delete vma; });
}

Vma* VmaSet::find(u64 address) const {
    auto above = tree_.upper_bound(address);
    if (above == tree_.begin()) return nullptr;
    Vma& vma = const_cast<Vma&>(*--above);
    return address < vma.end ? &vma : nullptr;
}

Vma* VmaSet::first_ending_above(u64 address) const {
    auto const above = tree_.upper_bound(address);
    if (above != tree_.begin()) {
        Vma const& vma = *std::prev(above);
        if (address < vma.end) return const_cast<Vma*>(&vma);
    }
    return above == tree_.end() ? nullptr : const_cast<Vma*>(&*above);
}

Vma* VmaSet::first() const {
    return tree_.empty() ? nullptr : const_cast<Vma*>(&*tree_.begin());
}

Vma* VmaSet::last() const {
    return tree_.empty() ? nullptr : const_cast<Vma*>(&*std::prev(tree_.end()));
}

Vma* VmaSet::next(Vma const& vma) const {
    auto const after = std::next(tree_.iterator_to(vma));
    return after == tree_.end() ? nullptr : const_cast<Vma*>(&*after);
}

Vma* VmaSet::previous(Vma const& vma) const {
    auto const at = tree_.iterator_to(vma);
    return at == tree_.begin() ? nullptr : const_cast<Vma*>(&*std::prev(at));
}

template <class Condition>
u64 VmaSet::pages_where(u64 start, u64 end, Condition&& holds) const {
    if (start >= end) return 0;
    u64 bytes = 0;
    for (Vma const* vma = first_ending_above(start); vma && vma->start < end; vma = next(*vma))
        if (holds(*vma)) bytes += std::min(end, vma->end) - std::max(start, vma->start);
    return bytes >> page_shift;
}

u64 VmaSet::pages_in(u64 start, u64 end) const {
    return pages_where(start, end, [](Vma const&) { return true; });
}

u64 VmaSet::locked_pages_in(u64 start, u64 end) const {
    return pages_where(start, end, [](Vma const& vma) { return vma.is_locked(); });
}

bool VmaSet::is_free(u64 start, u64 end) const {
    if (start >= end) return true;
    Vma const* const vma = first_ending_above(start);
    return !vma || vma->start >= end;
}

bool VmaSet::is_free_with_guard(u64 start, u64 end) const {
    if (start >= end) return true;
    Vma const* const vma = first_ending_above(start);
    if (!vma) return true;
    return vma->start >= end && vma->start - end >= (vma->is_stack() ? stack_guard_gap : 0);
}

void VmaSet::account(Vma const& vma, u64 sign) {
    u64 const pages = vma.pages() * sign;
    Protection const protection = vma.attributes.protection;
    pages_.total += pages;
    if (vma.is_locked()) [[unlikely]] pages_.locked += pages;
    if (vma.is_stack()) pages_.stack += pages;
    else if (vma.is_private_writable()) {
        pages_.data += pages;
        vm_events.committed_pages.add(pages);
    } else if (protection.execute && !protection.write) pages_.text += pages;
}

void VmaSet::announce(Vma& vma) {
    if (vma.object->may_shrink()) vma.object->enter(vma, *space_);
}

void VmaSet::announce_as(AddressSpace& space) {
    space_ = &space;
    for (Vma& vma : tree_)
        if (vma.object) announce(vma);
}

void VmaSet::insert(Vma& vma) {
    tree_.insert(vma);
    ++count_;
    account(vma, 1);
    if (vma.object && space_) announce(vma);
    if (has_gaps_) [[unlikely]] return gaps_inserted(vma);
    // The hole below need no longer keep its distance from a stack.
    if (Vma const* const above = next(vma); above && above->is_stack()) hole_grew(vma.start);
}

inline void VmaSet::take_out(Vma& vma) {
    tree_.erase(tree_.iterator_to(vma));
    --count_;
    account(vma, ~u64{0});
    if (vma.space) vma.object->leave(vma);
}

void VmaSet::remove(Vma& vma) {
    if (!has_gaps_) [[likely]] return take_out(vma);
    Vma* const above = next(vma);
    Vma* const lowest = lowest_changed_by_removal(vma);
    take_out(vma);
    gaps_removed(lowest, above);
}

Vma& VmaSet::merge(Vma& vma) {
    Vma* survivor = &vma;
    auto const join = [this](Vma& lower, Vma& upper) {
        bool const has_private_pages = upper.has_private_pages.load(std::memory_order_relaxed);
        account(lower, ~u64{0});
        lower.end = upper.end;
        account(lower, 1);
        remove(upper);
        delete &upper;
        if (has_private_pages) lower.has_private_pages.store(true, std::memory_order_relaxed);
    };
    if (Vma* const below = previous(vma); below && below->end == vma.start && below->can_merge_with(vma)) {
        join(*below, vma);
        survivor = below;
    }
    if (Vma* const above = next(*survivor); above && above->start == survivor->end && survivor->can_merge_with(*above))
        join(*survivor, *above);
    return *survivor;
}

void VmaSet::merge_range(u64 start, u64 end) {
    Vma* vma = first_ending_above(start == 0 ? 0 : start - 1);
    while (vma && vma->start <= end) vma = next(merge(*vma));
}

Result<> VmaSet::split(u64 address) {
    Vma* const lower = find(address);
    if (!lower || lower->start == address) return {};
    if (count_ >= max_count) return fail(ENOMEM);
    Vma* const upper = lower->clone(address, lower->end);
    if (!upper) return fail(ENOMEM);
    account(*lower, ~u64{0});
    lower->end = address;
    account(*lower, 1);
    insert(*upper);
    return {};
}

Result<> VmaSet::isolate(u64 start, u64 end) {
    if (start >= end) return {};
    TRY(split(start));
    auto const at_end = split(end);
    if (!at_end) merge_range(start, start);
    return at_end;
}

void VmaSet::remove_range(u64 start, u64 end, RemovedVmas& removed) {
    if (start < end) remove_run(first_ending_above(start), end, removed);
}

void VmaSet::remove_run(Vma* first, u64 end, RemovedVmas& removed) {
    u64 highest = 0;
    for (Vma* vma = first; vma && vma->start < end;) {
        DEBUG_ASSERT(vma->end <= end);
        Vma* const after = next(*vma);
        highest = vma->end;
        remove(*vma);
        removed.add(*vma);
        vma = after;
    }
    if (highest != 0) hole_grew(highest);
}

void VmaSet::resize(Vma& vma, u64 start, u64 end) {
    u64 const old_start = vma.start, old_end = vma.end;
    account(vma, ~u64{0});
    if (vma.object) vma.offset += start - vma.start;
    vma.start = start;
    vma.end = end;
    account(vma, 1);
    if (has_gaps_) [[unlikely]] return gaps_resized(vma);
    if (end < old_end) hole_grew(old_end);
    if (start > old_start) hole_grew(start);
}

void VmaSet::set_locking(Vma& vma, Locking locking) {
    account(vma, ~u64{0});
    vma.attributes.locking = locking;
    account(vma, 1);
}

void VmaSet::set_protection(Vma& vma, Protection protection) {
    account(vma, ~u64{0});
    vma.set_protection(protection);
    account(vma, 1);
}

}
