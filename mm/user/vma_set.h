// SPDX-License-Identifier: MIT
// VmaSet: the VMAs of one address space, disjoint, in a red-black tree ordered by start. It knows nothing of page
// tables, so it runs in host tests. The space's lock protects it.
// Not obvious: the gap search remembers how far down it has searched or, among many VMAs, the largest gap of each
// subtree (vma_gap.cpp).
#pragma once

#include <algorithm>
#include <optional>

#include <base/result.h>

#include "mm/user/vma.h"

namespace mm {

/// Pages by purpose, as /proc/PID/status divides them.
struct VmaPages {
    u64 total = 0;
    u64 data = 0;      ///< private and writable, except stacks: RLIMIT_DATA
    u64 stack = 0;
    u64 text = 0;
    u64 locked = 0;    ///< RLIMIT_MEMLOCK; also counted in one of the others
};

class VmaSet {
public:
    static constexpr u32 max_count = 65530;                         ///< Linux's vm.max_map_count
    static constexpr u64 lowest_address = 64 * kib;                 ///< Linux's vm.mmap_min_addr
    static constexpr u64 stack_guard_gap = 256 * page_size;         ///< Linux's stack_guard_gap

    VmaSet() = default;
    VmaSet(VmaSet const&) = delete;
    ~VmaSet();
    /// Tells the objects of all present VMAs that `space` shows them, and from now on those of new ones.
    void announce_as(AddressSpace& space);

    /// The VMA that contains `address`, or null.
    Vma* find(u64 address) const;
    /// The first VMA that ends above `address` (it contains it or lies above), or null.
    Vma* first_ending_above(u64 address) const;
    Vma* first() const;
    Vma* last() const;
    Vma* next(Vma const& vma) const;
    Vma* previous(Vma const& vma) const;
    // ---- Queries on a range [start, end). An empty range (start >= end) has no pages and is free; actions on it do
    // nothing.
    u64 pages_in(u64 start, u64 end) const;
    u64 locked_pages_in(u64 start, u64 end) const;
    bool is_free(u64 start, u64 end) const;
    /// True if [start, end) is free and keeps its distance from a stack above it.
    bool is_free_with_guard(u64 start, u64 end) const;

    /// Takes ownership; the range must be free.
    void insert(Vma& vma);
    /// Joins `vma` with neighbours it can merge with; returns the VMA that remains.
    Vma& merge(Vma& vma);
    /// Joins every mergeable pair of neighbours that meet in [start, end].
    void merge_range(u64 start, u64 end);
    /// Cuts VMAs so that none crosses `start` or `end`. ENOMEM: nothing has changed.
    Result<> isolate(u64 start, u64 end);
    /// The VMA that is exactly [start, end), cut out of `whole`, which contains it. ENOMEM: nothing has changed.
    Result<Vma*> piece(Vma& whole, u64 start, u64 end) {
        if (whole.start == start && whole.end == end) return &whole;
        TRY(isolate(start, end));
        return find(start);
    }
    /// Calls change(vma, from, to), which may cut the VMA there, for each part of [start, end), from the lowest
    /// upwards, and then joins what has become mergeable. As on Linux, when a hole (ENOMEM) or an error of `change`
    /// ends the walk, what lies before it has been changed.
    template <class Change>
    Result<> change_pieces(u64 start, u64 end, Change&& change) {
        Result<> result;
        u64 at = start;
        while (at < end && result) {
            Vma* const vma = find(at);
            if (!vma) {
                result = fail(ENOMEM);
                break;
            }
            u64 const piece_end = std::min(end, vma->end);
            result = change(*vma, at, piece_end);
            at = piece_end;
        }
        merge_range(start, at);
        return result;
    }
    /// Removes every VMA from an isolated range: none may cross its ends.
    void remove_range(u64 start, u64 end, RemovedVmas& removed);
    /// The same, from `first` on, the first VMA there (or null).
    void remove_run(Vma* first, u64 end, RemovedVmas& removed);
    void resize(Vma& vma, u64 start, u64 end);
    void set_protection(Vma& vma, Protection protection);
    void set_locking(Vma& vma, Locking locking);

    /// Where top-down searches begin.
    void set_search_top(u64 top);
    u64 search_top() const { return top_; }
    /// The highest free range of `size` bytes below the search top, else above it up to `limit`. ENOMEM.
    Result<u64> find_gap(u64 size, u64 limit);
    /// The highest in [low, high). ENOMEM.
    Result<u64> find_gap_between(u64 size, u64 low, u64 high);

    u32 count() const { return count_; }
    VmaPages const& pages() const { return pages_; }

    template <class Visitor>
    void for_each(Visitor&& visit) const { for (Vma const& vma : tree_) visit(const_cast<Vma&>(vma)); }

private:
    using VmaTree = base::Tree<Vma, &Vma::hook, VmaStart>;

    template <class Condition>
    u64 pages_where(u64 start, u64 end, Condition&& holds) const;
    Result<> split(u64 address);
    void remove(Vma& vma);
    void take_out(Vma& vma);
    void account(Vma const& vma, u64 sign);
    void announce(Vma& vma);

    // ---- vma_gap.cpp
    struct GapTree;
    void hole_grew(u64 end);
    std::optional<u64> search_down(u64 size, u64 low, u64 high, u64& largest_skipped) const;
    std::optional<u64> search_tree(u64 size, u64 low, u64 high) const;
    void measure_gaps();
    Result<u64> find_gap_among_many(u64 size, u64 limit);
    void gaps_inserted(Vma& vma);
    Vma* lowest_changed_by_removal(Vma& vma) const;
    void gaps_removed(Vma* lowest_changed, Vma* above);
    void gaps_resized(Vma& vma);

    VmaTree tree_;
    AddressSpace* space_ = nullptr;   ///< the space that objects are told of
    VmaPages pages_;
    u32 count_ = 0;
    u64 top_ = 0;
    /// Whether every VMA's gap and largest_gap are kept. A small set does without: it has many insertions and short
    /// walks.
    bool has_gaps_ = false;
    // Without them: every hole between these two addresses is at most `largest_skipped_` bytes.
    u64 searched_to_ = 0;
    u64 largest_skipped_ = 0;
};

}
