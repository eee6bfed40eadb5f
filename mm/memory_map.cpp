// SPDX-License-Identifier: MIT
// Keeps the ranges sorted and disjoint: a range is joined with those it touches as it is added, and cut where
// something is removed.
#include "mm/memory_map.h"

#include <algorithm>

namespace mm {

namespace { constexpr u64 last_page = ~page_mask; }

void MemoryMap::erase(size_t index) {
    std::copy(ranges_ + index + 1, ranges_ + count_, ranges_ + index);
    --count_;
}

bool MemoryMap::insert(size_t index, PhysRange range) {
    if (count_ == capacity) return false;
    std::copy_backward(ranges_ + index, ranges_ + count_, ranges_ + count_ + 1);
    ranges_[index] = range;
    ++count_;
    return true;
}

bool MemoryMap::add(u64 start, u64 end) {
    if (start > last_page) return true;
    PhysRange range{align_up(start, page_size), align_down(end, page_size)};
    if (range.start >= range.end) return true;
    size_t index = 0;
    while (index < count_ && ranges_[index].end < range.start) ++index;
    while (index < count_ && ranges_[index].start <= range.end) {   // touching ranges are joined
        range.start = std::min(range.start, ranges_[index].start);
        range.end = std::max(range.end, ranges_[index].end);
        erase(index);
    }
    return insert(index, range);
}

bool MemoryMap::remove(u64 start, u64 end) {
    if (start >= end) return true;
    start = align_down(start, page_size);
    end = align_up(std::min(end, last_page), page_size);
    for (size_t index = 0; index < count_;) {
        PhysRange& range = ranges_[index];
        if (range.end <= start || range.start >= end) {
            ++index;
        } else if (range.start < start && range.end > end) {
            PhysRange const rest{end, range.end};
            range.end = start;
            return insert(index + 1, rest);
        } else if (range.start < start) {
            range.end = start;
        } else if (range.end > end) {
            range.start = end;
        } else {
            erase(index);
        }
    }
    return true;
}

bool MemoryMap::contains(u64 address) const {
    auto const found = std::upper_bound(ranges_, ranges_ + count_, address, [](u64 a, PhysRange const& r) { return a < r.end; });
    return found != ranges_ + count_ && found->start <= address;
}

bool MemoryMap::contains_all(u64 start, u64 size) const {
    auto const found = std::upper_bound(ranges_, ranges_ + count_, start, [](u64 a, PhysRange const& r) { return a < r.end; });
    return found != ranges_ + count_ && found->start <= start && size <= found->end - start;
}

u64 MemoryMap::bytes() const {
    u64 sum = 0;
    for (auto const& range : ranges()) sum += range.size();
    return sum;
}

}
