// SPDX-License-Identifier: MIT
// The page-table walker, over any memory: `Memory` says how a table is allocated and where it is.
// Invariants: an absent entry is all zeros; every table counts its present entries (a program's root only those of
// its own half), so an empty table is recognised at once.
// The caller holds the tables' lock and flushes TLBs. Intel SDM vol. 3, 4.5.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <type_traits>
#include <utility>

#include <arch/paging.h>
#include <base/panic.h>
#include <base/result.h>

namespace mm {

template <class M>
concept TableMemory = requires(PhysAddr table, arch::PageEntry const& entry) {
    { M::allocate() } -> std::same_as<Result<PhysAddr>>;         // zeroed, with count 0
    M::free(table);
    { M::entries(table) } -> std::same_as<arch::PageEntry*>;
    { M::present(entry) } -> std::same_as<u64&>;                 // the count of the table that contains `entry`
};

template <TableMemory Memory>
class PageTableWalker {
public:
    constexpr PageTableWalker() = default;
    PhysAddr root() const { return root_; }
    /// Table frames in use, including the root (VmPTE of /proc).
    u64 table_frames() const { return table_frames_; }

    /// The level 1 entry for `address`; null if a table on the way is absent or a large page maps it.
    arch::PageEntry* find(u64 address) const {
        arch::PageEntry const* const directory = find_directory_entry(address);
        if (!directory || !directory->is_present() || directory->is_large()) return nullptr;
        return leaf_below(*directory, address);
    }

    /// The level 2 entry on the way to `address`, which may itself be absent; null if a table above it is.
    arch::PageEntry* find_directory_entry(u64 address) const {
        arch::PageEntry* table = Memory::entries(root_);
#pragma GCC unroll 2
        for (unsigned level = arch::page_table_levels; level > 2; --level) {
            arch::PageEntry const entry = table[index(address, level)];
            if (!entry.is_present() || entry.is_large()) return nullptr;
            table = Memory::entries(entry.address());
        }
        return &table[index(address, 2)];
    }
    /// The level 1 entry for `address` in the table that a level 2 entry leads to.
    static arch::PageEntry* leaf_below(arch::PageEntry directory, u64 address) {
        return &Memory::entries(directory.address())[index(address, 1)];
    }

    /// The entry of the page that shows `address`, 4 KiB or larger; an absent one if none does.
    arch::PageEntry leaf_of(u64 address) const {
        arch::PageEntry* table = Memory::entries(root_);
        for (unsigned level = arch::page_table_levels;; --level) {
            arch::PageEntry const entry = table[index(address, level)];
            if (!entry.is_present() || level == 1 || entry.is_large()) return entry;
            table = Memory::entries(entry.address());
        }
    }
    bool is_mapped(u64 address) const { return leaf_of(address).is_present(); }

    /// The level 1 entry for `address`; makes tables on the way. ENOMEM: tables made so far stay, empty, until
    /// free_empty_tables() or the end of the address space.
    Result<arch::PageEntry*> find_or_create(u64 address) {
        if (auto* const entry = find(address)) [[likely]] return entry;
        return create(address, 1);
    }

    /// The level 2 entry; makes tables on the way to it. ENOMEM: as find_or_create().
    Result<arch::PageEntry*> find_or_create_directory_entry(u64 address) { return create(address, 2); }

    /// attach() makes an absent level 2 entry lead to an existing table; detach() makes a present one absent. Neither
    /// touches the table's references: they are the caller's business.
    void attach(arch::PageEntry& directory, arch::PageEntry value) {
        set(directory, value);
        ++table_frames_;
    }
    void detach(arch::PageEntry& directory) {
        set(directory, arch::PageEntry());
        --table_frames_;
    }

    /// Sets an entry found earlier and keeps its table's count of present entries correct.
    void set(arch::PageEntry& entry, arch::PageEntry value) {
        u64 const change = u64{value.is_present()} - u64{entry.is_present()};
        write(entry, value);
        if (change != 0) Memory::present(entry) += change;
    }

    /// Maps [address, address + size) with the largest pages the CPU has; everything must be page aligned. ENOMEM.
    Result<> map_range(u64 address, PhysAddr physical, u64 size, arch::PageFlags flags);
    /// Makes the tables for `address` down to one of `level`, and keeps that one permanently. ENOMEM.
    Result<> reserve_table(u64 address, unsigned level);

    /// Calls visit(u64 address, arch::PageEntry&) for every present leaf in [start, end); skips absent tables in O(1)
    /// each. The visitor may clear the entry with set().
    template <class Visitor>
    void for_each_present(u64 start, u64 end, Visitor&& visit) {
        if (start < end) visit_present<arch::page_table_levels>(Memory::entries(root_), start, end - 1, visit);
    }

    /// Calls visit(arch::PageEntry& level_2_entry, u64 first, u64 last) for every leaf table, with the part of
    /// [start, end) that it covers. The visitor may attach another table or detach this one. For programs' tables,
    /// which have no large pages.
    template <class Visitor>
    void for_each_table(u64 start, u64 end, Visitor&& visit) {
        if (start < end) visit_tables<arch::page_table_levels>(Memory::entries(root_), start, end - 1, visit);
    }

    /// Calls visit(address, source_entry&, destination_entry&) for each present leaf of [first, last] in one table.
    /// The destination's table is found or made, and has none of these entries yet. For fork: some ten instructions a
    /// page. The visitor makes the destination's entry present and assigns both entries directly, without set(): they
    /// are counted here. The source's entry stays present. ENOMEM: none has been visited.
    template <class Visitor>
    static Result<> for_each_pair(arch::PageEntry directory, PageTableWalker& destination, u64 first, u64 last, Visitor&& visit) {
        arch::PageEntry* const table = Memory::entries(directory.address());
        unsigned const end = index(last, 1) + 1;
        unsigned i = next_present(table, index(first, 1), end);
        if (i == end) return {};
        u64 const base = align_down(first, span(2));
        arch::PageEntry* const other = TRY(destination.find_or_create(base));
        u64 added = 0;
        for (; i < end; i = next_present(table, i + 1, end)) {
            DEBUG_ASSERT(!other[i].is_present());
            visit(base + i * page_size, table[i], other[i]);
            ++added;
        }
        Memory::present(*other) += added;
        return {};
    }

    /// Frees the tables that overlap [start, end) and have no present entry. Each goes to `give(its address)`, which
    /// frees it once no CPU can still walk through it.
    template <class Give>
    void free_empty_tables(u64 start, u64 end, Give&& give) {
        if (start < end) free_empty_below<arch::page_table_levels>(Memory::entries(root_), start, end - 1, give);
    }

    /// Clears every leaf in [start, end), calls give(entry) for each, and frees the tables that are empty afterwards.
    /// For the end of a program's tables, which no CPU walks any more and which have no large pages.
    template <class Give>
    void take_all(u64 start, u64 end, Give&& give) {
        if (start < end) take_all_below<arch::page_table_levels>(Memory::entries(root_), start, end - 1, give);
    }

protected:
    static constexpr unsigned entries_count = arch::entries_per_table;
    static constexpr u64 span(unsigned level) { return u64{1} << (page_shift + 9 * (level - 1)); }   ///< bytes an entry covers
    static constexpr unsigned index(u64 address, unsigned level) { return address / span(level) % entries_count; }

    // Ordering: release; a walker without the lock sees a table only after its zeros. (Its loads depend on each
    // other.)
    static void write(arch::PageEntry& entry, arch::PageEntry value) { std::atomic_ref(entry).store(value, std::memory_order_release); }

    /// Index of the first present entry in [at, end), or `end`. Skips eight absent ones (a cache line) at a time.
    static unsigned next_present(arch::PageEntry const* table, unsigned at, unsigned end) {
        for (; at < end; ++at) {
            if (table[at].is_present()) return at;
            while (at % 8 == 7 && at + 8 < end && line_is_absent(table + at + 1)) at += 8;
        }
        return end;
    }
    static bool line_is_absent(arch::PageEntry const* line) {
        return (line[0].raw() | line[1].raw() | line[2].raw() | line[3].raw() | line[4].raw() | line[5].raw() | line[6].raw()
                | line[7].raw()) == 0;
    }

    /// Calls act(entry, first address, last address) for the present entries of a table within [start, last].
    template <unsigned level, class Action>
    static void for_each_entry(arch::PageEntry* table, u64 start, u64 last, Action&& act) {
        u64 remaining = Memory::present(*table);   // in a program's root: those of its lower half
        if (remaining == 0) return;
        u64 const base = start & ~(span(level) * entries_count - 1);
        unsigned const end = index(last, level) + 1;
        for (unsigned i = next_present(table, index(start, level), end); i < end; i = next_present(table, i + 1, end)) {
            u64 const first = base + i * span(level);
            act(table[i], std::max(first, start), std::min(first + (span(level) - 1), last));
            if (--remaining == 0) return;
        }
    }

    Result<arch::PageEntry*> create(u64 address, unsigned level) {
        arch::PageEntry* table = Memory::entries(root_);
        for (unsigned at = arch::page_table_levels; at > level; --at) {
            arch::PageEntry& entry = table[index(address, at)];
            if (!entry.is_present()) {
                set(entry, arch::PageEntry::table(TRY(Memory::allocate()), address < arch::user_space_end));
                ++table_frames_;
            }
            ASSERT(!entry.is_large());
            table = Memory::entries(entry.address());
        }
        return &table[index(address, level)];
    }

    template <class Give>
    void take_out(arch::PageEntry& entry, Give&& give) {
        PhysAddr const table = entry.address();
        set(entry, arch::PageEntry());
        --table_frames_;
        give(table);
    }

    template <unsigned level, class Visitor>
    static void visit_present(arch::PageEntry* table, u64 start, u64 last, Visitor& visit) {
        for_each_entry<level>(table, start, last, [&visit](arch::PageEntry& entry, u64 from, u64 to) {
            if constexpr (level == 1) visit(from, entry);
            else if (!entry.is_large()) visit_present<level - 1>(Memory::entries(entry.address()), from, to, visit);
        });
    }

    template <unsigned level, class Visitor>
    static void visit_tables(arch::PageEntry* table, u64 start, u64 last, Visitor& visit) {
        for_each_entry<level>(table, start, last, [&visit](arch::PageEntry& entry, u64 from, u64 to) {
            if constexpr (level == 2) visit(entry, from, to);
            else visit_tables<level - 1>(Memory::entries(entry.address()), from, to, visit);
        });
    }

    template <unsigned level, class Give>
    void free_empty_below(arch::PageEntry* table, u64 start, u64 last, Give& give) {
        for_each_entry<level>(table, start, last, [this, &give](arch::PageEntry& entry, u64 from, u64 to) {
            if (entry.is_large()) return;
            auto* const child = Memory::entries(entry.address());
            if constexpr (level > 2) free_empty_below<level - 1>(child, from, to, give);
            if (Memory::present(*child) == 0) take_out(entry, give);
        });
    }

    /// Clears the entries [at, end) of a leaf table; calls give(entry) for each that was present.
    template <class Give>
    static void take_leaves(arch::PageEntry* table, unsigned at, unsigned end, Give& give) {
        u64& present = Memory::present(*table);
        u64 remaining = present;
        if (remaining == 0) return;
        for (unsigned i = next_present(table, at, end); i < end; i = next_present(table, i + 1, end)) {
            give(std::exchange(table[i], arch::PageEntry()));
            if (--remaining == 0) break;
        }
        present = remaining;
    }

    template <unsigned level, class Give>
    void take_all_below(arch::PageEntry* table, u64 start, u64 last, Give& give) {
        for_each_entry<level>(table, start, last, [this, &give](arch::PageEntry& entry, u64 from, u64 to) {
            auto* const child = Memory::entries(entry.address());
            if constexpr (level == 2) take_leaves(child, index(from, 1), index(to, 1) + 1, give);
            else take_all_below<level - 1>(child, from, to, give);
            if (Memory::present(*child) == 0) take_out(entry, &Memory::free);
        });
    }

    /// Frees every table below this one; no leaf table may still have a present entry.
    template <unsigned level>
    void free_all_below(arch::PageEntry* table, u64 start, u64 last) {
        for_each_entry<level>(table, start, last, [this](arch::PageEntry& entry, u64 from, u64 to) {
            auto* const child = Memory::entries(entry.address());
            if constexpr (level > 2) free_all_below<level - 1>(child, from, to);
            else DEBUG_ASSERT(Memory::present(*child) == 0);
            take_out(entry, &Memory::free);
        });
    }

    PhysAddr root_;
    u64 table_frames_ = 0;
};

template <TableMemory Memory>
Result<> PageTableWalker<Memory>::map_range(u64 address, PhysAddr physical, u64 size, arch::PageFlags flags) {
    while (size != 0) {
        unsigned level = arch::cpu_features.gigabyte_pages ? 3 : 2;
        while (level > 1 && (size < span(level) || !is_aligned(address | physical.value(), span(level)))) --level;
        set(*TRY(create(address, level)), arch::PageEntry::leaf(physical, flags, level > 1));
        address += span(level), physical += span(level), size -= span(level);
    }
    return {};
}

template <TableMemory Memory>
Result<> PageTableWalker<Memory>::reserve_table(u64 address, unsigned level) {
    auto* const first = TRY(create(align_down(address, span(level + 1)), level));
    ++Memory::present(*first);   // so it is never 0 again
    return {};
}

}
