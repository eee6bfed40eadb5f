// SPDX-License-Identifier: MIT
// Searches free address space for the highest gap that is large enough, as Linux's top-down layout does.
// Few VMAs: the holes are walked from where the last search stopped, unless a hole above may be large enough, so a
// program that maps again and again pays little. Many: each VMA keeps the largest gap of its subtree, so a search and
// its upkeep take O(log n) for any size in any order. The tree itself is Boost's, which knows nothing of gaps: after
// it has rebalanced, the path from the lowest change up to the root is measured again, with the children of each step
// (a rotation leaves what it moved down as a child of what it moved up).
#include <algorithm>

#include "mm/user/vma_set.h"

namespace mm {

namespace {

constexpr u32 few = 64;   ///< VMAs; walking past so many costs as much as keeping gaps

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

// ---------------------------------------------------------------- few VMAs

/// The hole that ends at or above `end` has grown: search it again.
void VmaSet::hole_grew(u64 end) {
    if (end < searched_to_ || has_gaps_) return;
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

// ---------------------------------------------------------------- many

/// The shape of the tree, and the gaps recorded for each subtree.
struct VmaSet::GapTree {
    using Traits = VmaTree::node_traits;
    using Node = VmaTree::node_ptr;

    static Node node(Vma const& vma) { return VmaTree::value_traits::to_node_ptr(const_cast<Vma&>(vma)); }
    static Vma* vma(Node node) { return node ? VmaTree::value_traits::to_value_ptr(node) : nullptr; }
    static Vma* left(Vma const& of) { return vma(Traits::get_left(node(of))); }
    static Vma* right(Vma const& of) { return vma(Traits::get_right(node(of))); }
    Node header() const { return const_cast<VmaTree&>(tree).end().pointed_node(); }
    Vma* parent(Vma const& of) const {
        Node const above = Traits::get_parent(node(of));
        return above == header() ? nullptr : vma(above);
    }
    Vma* root() const { return vma(Traits::get_parent(header())); }

    static u64 largest(Vma const* of) { return of ? of->largest_gap : 0; }
    static void refresh(Vma& of) { of.largest_gap = std::max({of.gap, largest(left(of)), largest(right(of))}); }
    /// Recomputes from `lowest` to the root, with the children of each step.
    void refresh_changed(Vma* lowest) const {
        for (Vma* at = lowest; at; at = parent(*at)) {
            for (Vma* const child : {left(*at), right(*at)})
                if (child) refresh(*child);
            refresh(*at);
        }
    }
    void refresh_up(Vma* lowest) const {
        for (Vma* at = lowest; at; at = parent(*at)) refresh(*at);
    }
    /// Recomputes everything, children first; the recursion is as deep as the tree is high, some forty calls.
    static void refresh_all(Vma* of) {
        if (!of) return;
        refresh_all(left(*of));
        refresh_all(right(*of));
        refresh(*of);
    }
    /// The last VMA in this subtree with a gap of `size` bytes; the subtree has one.
    static Vma* last_below(Vma* top, u64 size) {
        for (;;) {
            Vma* const upper = right(*top);
            if (largest(upper) >= size) top = upper;
            else if (top->gap >= size) return top;
            else top = left(*top);
        }
    }
    /// The last VMA at or before `from` with a gap of `size` bytes, or null.
    Vma* last_before(Vma* from, u64 size) const {
        for (Vma* at = from; at;) {
            if (at->gap >= size) return at;
            if (Vma* const lower = left(*at); largest(lower) >= size) return last_below(lower, size);
            Vma* above = parent(*at);
            for (; above && left(*above) == at; above = parent(*above)) at = above;
            at = above;
        }
        return nullptr;
    }

    VmaTree const& tree;
};

namespace {

/// Free bytes between `below`, or the lowest address, and `vma`.
u64 gap_between(Vma const* below, Vma const& vma) {
    u64 const top = guard_start(vma), bottom = below ? below->end : VmaSet::lowest_address;
    return top > bottom ? top - bottom : 0;
}

}

void VmaSet::gaps_inserted(Vma& vma) {
    Vma* const above = next(vma);
    vma.gap = gap_between(previous(vma), vma);
    if (above) above->gap = gap_between(&vma, *above);
    GapTree const gaps{tree_};
    gaps.refresh_changed(&vma);
    gaps.refresh_up(above);
}

/// Called before `vma` leaves the tree: the VMA from which on upwards subtrees will have changed. Null: only the
/// root's, or none.
Vma* VmaSet::lowest_changed_by_removal(Vma& vma) const {
    GapTree const gaps{tree_};
    if (!GapTree::left(vma) || !GapTree::right(vma)) return gaps.parent(vma);
    Vma* const successor = next(vma);   // takes the place of `vma`
    Vma* const below = gaps.parent(*successor);
    return below == &vma ? successor : below;
}

/// `above`: the VMA that followed the removed one.
void VmaSet::gaps_removed(Vma* lowest_changed, Vma* above) {
    if (count_ < few / 2) {
        has_gaps_ = false;
        searched_to_ = top_;
        largest_skipped_ = 0;
        return;
    }
    if (above) above->gap = gap_between(previous(*above), *above);
    GapTree const gaps{tree_};
    gaps.refresh_changed(lowest_changed);
    gaps.refresh_up(above);
}

/// `vma` has a new start or end.
void VmaSet::gaps_resized(Vma& vma) {
    Vma* const above = next(vma);
    vma.gap = gap_between(previous(vma), vma);
    if (above) above->gap = gap_between(&vma, *above);
    GapTree const gaps{tree_};
    gaps.refresh_up(&vma);
    gaps.refresh_up(above);
}

std::optional<u64> VmaSet::search_tree(u64 size, u64 low, u64 high) const {
    auto const at = tree_.lower_bound(high);
    Vma const* const above = at == tree_.end() ? nullptr : &*at;
    Vma* const below = above ? previous(*above) : last();
    u64 top = above ? std::min(high, guard_start(*above)) : high;
    u64 bottom = std::max(low, below ? below->end : lowest_address);
    if (top > bottom && top - bottom >= size) return top - size;
    Vma const* const found = GapTree{tree_}.last_before(below, size);
    if (!found) return std::nullopt;
    top = guard_start(*found);
    bottom = std::max(low, top - found->gap);
    return top > bottom && top - bottom >= size ? std::optional<u64>(top - size) : std::nullopt;
}

void VmaSet::measure_gaps() {
    Vma const* below = nullptr;
    for (Vma& vma : tree_) {
        vma.gap = gap_between(below, vma);
        below = &vma;
    }
    GapTree::refresh_all(GapTree{tree_}.root());
    has_gaps_ = true;
}

// ----------------------------------------------------------------

Result<u64> VmaSet::find_gap_between(u64 size, u64 low, u64 high) {
    if (!has_gaps_ && count_ > few) measure_gaps();
    u64 ignored = 0;
    auto const found = has_gaps_ ? search_tree(size, low, high) : search_down(size, low, high, ignored);
    return found ? Result<u64>(*found) : fail(ENOMEM);
}

Result<u64> VmaSet::find_gap_among_many(u64 size, u64 limit) {
    if (auto const found = find_gap_between(size, lowest_address, top_)) return found;
    return find_gap_between(size, top_, limit);
}

Result<u64> VmaSet::find_gap(u64 size, u64 limit) {
    if (count_ > few || has_gaps_) [[unlikely]] return find_gap_among_many(size, limit);
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
