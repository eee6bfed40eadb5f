// SPDX-License-Identifier: MIT
// A set of physical memory as sorted, disjoint, page-aligned ranges. It is built from the loader's map, whose entries
// may overlap and come in any order. Small: at most a few hundred ranges.
#pragma once

#include <span>

#include <base/types.h>

namespace mm {

struct PhysRange {
    u64 start = 0, end = 0;   ///< bytes, page aligned
    constexpr u64 size() const { return end - start; }
};

class MemoryMap {
public:
    constexpr MemoryMap() = default;
    /// Adds the whole pages within [start, end). False: no room for another range.
    bool add(u64 start, u64 end);
    /// Removes every page that [start, end) touches. False: no room for the second part of a split range.
    bool remove(u64 start, u64 end);
    bool contains(u64 address) const;
    /// Every page that [start, start + size) touches lies in one range.
    bool contains_all(u64 start, u64 size) const;
    u64 bytes() const;
    std::span<PhysRange const> ranges() const { return {ranges_, count_}; }

private:
    static constexpr size_t capacity = 320;
    void erase(size_t index);
    bool insert(size_t index, PhysRange range);

    PhysRange ranges_[capacity];
    size_t count_ = 0;
};

}
