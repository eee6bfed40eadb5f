// SPDX-License-Identifier: MIT
// The search for free address space: the highest gap that is large enough, as Linux's
// top-down layout has it. A search goes on where the last one stopped unless a hole above may be
// large enough, so a program that maps again and again pays O(log n), not O(n), each time.
#include <algorithm>

#include "mm/user/vma_set.h"

namespace mm {

namespace {

/// Nothing may be placed between this address and `vma`.
u64 guard_start(Vma const& vma) {
    if (!vma.is_stack()) return vma.start;
    return vma.start > VmaSet::stack_guard_gap ? vma.start - VmaSet::stack_guard_gap : 0;
}

}

void VmaSet::set_search_top(u64 top) {
    top_ = searched_to_ = top;
    largest_skipped_ = 0;
}

/// The hole that ends at or above `end` is larger than it was: look at it again.
void VmaSet::hole_grew(u64 end) {
    if (end < searched_to_) return;
    Vma const* const above = first_ending_above(end);
    searched_to_ = above ? std::min(top_, std::max(searched_to_, above->start)) : top_;
}

std::optional<u64> VmaSet::search_down(u64 size, u64 low, u64 high, u64& largest_skipped) const {
    auto above = tree_.lower_bound(high);
    u64 top = above == tree_.end() ? high : std::min(high, guard_start(*above));
    for (;;) {
        bool const is_last = above == tree_.begin();
        u64 const bottom = is_last ? low : std::max(low, std::prev(above)->end);
        if (top > bottom) {
            if (top - bottom >= size) return top - size;
            largest_skipped = std::max(largest_skipped, top - bottom);
        }
        if (is_last || bottom == low) return std::nullopt;
        --above;
        top = std::min(high, guard_start(*above));
    }
}

Result<u64> VmaSet::find_gap(u64 size, u64 limit) {
    if (size <= largest_skipped_) {
        searched_to_ = top_;
        largest_skipped_ = 0;
    }
    if (auto const found = search_down(size, lowest_address, searched_to_, largest_skipped_)) {
        searched_to_ = *found + size;
        return *found;
    }
    u64 ignored = 0;
    if (auto const found = search_down(size, top_, limit, ignored)) return *found;
    return fail(ENOMEM);
}

}
