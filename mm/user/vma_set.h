// SPDX-License-Identifier: MIT
// VmaSet: the VMAs of one address space, disjoint, in a red-black tree by start. Knows
// nothing of page tables, so it runs in host tests. The space's lock protects it.
// The surprise: the gap search remembers how far down it has looked (find_gap).
#pragma once

#include <optional>

#include <base/result.h>

#include "mm/user/vma.h"

namespace mm {

/// Pages by purpose, as /proc/PID/status divides them.
struct VmaPages {
    u64 total = 0;
    u64 data = 0;      ///< private and writable, not the stack: RLIMIT_DATA
    u64 stack = 0;
    u64 text = 0;
};

class VmaSet {
public:
    static constexpr u32 max_count = 65530;                         ///< Linux's vm.max_map_count
    static constexpr u64 lowest_address = 64 * kib;                 ///< Linux's vm.mmap_min_addr
    static constexpr u64 stack_guard_gap = 256 * page_size;         ///< Linux's stack_guard_gap

    VmaSet() = default;
    VmaSet(VmaSet const&) = delete;
    ~VmaSet();

    /// The VMA that contains `address`, or null.
    Vma* find(u64 address) const;
    /// The first VMA that ends above `address` (it contains it or lies above), or null.
    Vma* first_ending_above(u64 address) const;
    Vma* first() const;
    Vma* last() const;
    Vma* next(Vma const& vma) const;
    Vma* previous(Vma const& vma) const;
    // ---- Of a range [start, end). An empty one (start >= end) holds no page, is free, and nothing is done to it.
    u64 pages_in(u64 start, u64 end) const;
    bool is_free(u64 start, u64 end) const;
    /// True if [start, end) is free and keeps its distance from a stack above it.
    bool is_free_with_guard(u64 start, u64 end) const;

    /// Takes ownership; the range must be free.
    void insert(Vma& vma);
    /// Joins `vma` with equal neighbours; returns the one that is left.
    Vma& merge(Vma& vma);
    /// Joins every pair of equal neighbours that meet in [start, end].
    void merge_range(u64 start, u64 end);
    /// Cuts VMAs so that none crosses `start` or `end`. ENOMEM: nothing has changed.
    Result<> isolate(u64 start, u64 end);
    /// Takes every VMA out of an isolated range: none may cross its ends.
    void remove_range(u64 start, u64 end, RemovedVmas& removed);
    void resize(Vma& vma, u64 start, u64 end);
    void set_protection(Vma& vma, Protection protection);

    /// Where top-down searches begin.
    void set_search_top(u64 top);
    u64 search_top() const { return top_; }
    /// The highest free range of `size` bytes below the search top, else above it up to `limit`. ENOMEM.
    Result<u64> find_gap(u64 size, u64 limit);

    u32 count() const { return count_; }
    VmaPages const& pages() const { return pages_; }

    template <class Visitor>
    void for_each(Visitor&& visit) const { for (Vma const& vma : tree_) visit(const_cast<Vma&>(vma)); }

private:
    using VmaTree = base::Tree<Vma, &Vma::hook, VmaStart>;

    Result<> split(u64 address);
    void remove(Vma& vma);
    void account(Vma const& vma, u64 sign);
    void hole_grew(u64 end);
    std::optional<u64> search_down(u64 size, u64 low, u64 high, u64& largest_skipped) const;

    VmaTree tree_;
    VmaPages pages_;
    u32 count_ = 0;
    u64 top_ = 0;
    // Every hole between these two addresses is at most `largest_skipped_` bytes large.
    u64 searched_to_ = 0;
    u64 largest_skipped_ = 0;
};

}
