// SPDX-License-Identifier: MIT
// The page-table walker against a model that is a map from page to frame: random operations, after
// which entries, counts of present entries and the number of tables must be the model's.
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "mm/page_table_walker.h"

namespace {

using arch::PageEntry;

/// Tables in the test program's own memory; physical addresses are its addresses.
struct TestMemory {
    struct Table {
        PageEntry entries[arch::entries_per_table];
        u64 present = 0;
    };
    static inline std::unordered_map<u64, std::unique_ptr<std::byte[]>> live;
    static inline int allocations_left = -1;   ///< negative: any number

    static Result<PhysAddr> allocate() {
        if (allocations_left == 0) return fail(ENOMEM);
        if (allocations_left > 0) --allocations_left;
        auto memory = std::make_unique<std::byte[]>(3 * page_size);
        u64 const address = align_up(reinterpret_cast<u64>(memory.get()), page_size);
        new (reinterpret_cast<void*>(address)) Table();
        live[address] = std::move(memory);
        return PhysAddr(address);
    }
    static void free(PhysAddr table) {
        Table const& freed = *reinterpret_cast<Table*>(table.value());
        ASSERT(freed.present == 0);
        ASSERT(std::ranges::all_of(freed.entries, [](PageEntry entry) { return entry.raw() == 0; }));   // what frame_returns_zeroed says
        ASSERT(live.erase(table.value()) == 1);
    }
    static PageEntry* entries(PhysAddr table) { return reinterpret_cast<Table*>(table.value())->entries; }
    static u64& present(PageEntry const& entry) {
        return reinterpret_cast<Table*>(align_down(reinterpret_cast<u64>(&entry), page_size))->present;
    }
};

class TestTable : public mm::PageTableWalker<TestMemory> {
public:
    TestTable() { root_ = *TestMemory::allocate(), table_frames_ = 1; }
    void free_all() {
        free_all_below<arch::page_table_levels>(TestMemory::entries(root_), 0, arch::user_space_end - 1);
        TestMemory::free(root_);
    }
};

/// fork's way: every pair of leaves in [start, end), table by table.
template <class Visitor>
Result<> for_each_pair(TestTable& source, TestTable& destination, u64 start, u64 end, Visitor&& visit) {
    Result<> result;
    source.for_each_table(start, end, [&](PageEntry& directory, u64 first, u64 last) {
        if (result) result = TestTable::for_each_pair(directory, destination, first, last, visit);
    });
    return result;
}

using Model = std::map<u64, u64>;   // page address -> raw entry

PageEntry entry_for(u64 frame) { return PageEntry::leaf(PhysAddr(frame << page_shift), {.writable = true, .user = true}); }

u64 tables_for(Model const& model) {
    u64 sum = 1;
    for (unsigned level = 2; level <= arch::page_table_levels; ++level) {
        std::set<u64> tables;
        for (auto const& [address, raw] : model) tables.insert(address >> (page_shift + 9 * (level - 1)));
        sum += tables.size();
    }
    return sum;
}

class PageTableTest : public testing::Test {
protected:
    void TearDown() override {
        TestMemory::allocations_left = -1;
        EXPECT_TRUE(TestMemory::live.empty()) << "tables were leaked";
    }
    /// Pages close together, at the ends of tables and far apart.
    u64 random_page() {
        static constexpr u64 bases[] = {0, 0x1ff000, 0x3fffe000, 0x7ffffff000, 0x7fffff000000, 0x555555554000};
        u64 const address = bases[random_() % std::size(bases)] + random_() % 700 * page_size;
        return std::min(address, arch::user_space_end - page_size);
    }
    void expect_same(TestTable& table, Model const& model) {
        Model seen;
        table.for_each_present(0, arch::user_space_end, [&](u64 address, PageEntry& entry) {
            EXPECT_EQ(table.find(address), &entry);
            seen[address] = entry.raw();
        });
        EXPECT_EQ(seen, model);
    }
    void clear(TestTable& table, Model& model, u64 start, u64 end) {
        table.for_each_present(start, end, [&](u64 address, PageEntry& entry) {
            EXPECT_TRUE(address >= start && address < end);
            EXPECT_EQ(model.erase(address), 1u);
            table.set(entry, PageEntry());
        });
        EXPECT_EQ(model.lower_bound(start), model.lower_bound(end)) << "a present entry was not visited";
    }
    std::mt19937 random_{3};
};

TEST_F(PageTableTest, RandomOperationsAgreeWithTheModel) {
    TestTable table;
    Model model;
    for (int step = 1; step <= 30000; ++step) {
        u64 const page = random_page();
        u64 const end = std::min(page + random_() % 900 * page_size, arch::user_space_end);
        switch (random_() % 8) {
        default: {
            PageEntry const value = entry_for(random_() % 100000);
            table.set(**table.find_or_create(page), value);
            model[page] = value.raw();
            break;
        }
        case 0:
            if (random_() % 16 == 0) clear(table, model, page, end);
            break;
        case 1: {
            PageEntry* const entry = table.find(page);
            ASSERT_EQ(entry && entry->is_present(), model.contains(page));
            ASSERT_EQ(table.is_mapped(page), model.contains(page));
            if (!entry) break;
            table.set(*entry, PageEntry());
            model.erase(page);
            break;
        }
        case 2: table.free_empty_tables(page, end, &TestMemory::free); break;
        }
        if (step % 500 == 0) expect_same(table, model);
        if (step % 5000 == 0) {
            table.free_empty_tables(0, arch::user_space_end, &TestMemory::free);
            ASSERT_EQ(table.table_frames(), tables_for(model));
            ASSERT_EQ(TestMemory::live.size(), table.table_frames());
        }
    }
    clear(table, model, 0, arch::user_space_end);
    table.free_all();
}

TEST_F(PageTableTest, FreeingStopsAtTheRange) {
    TestTable table;
    for (u64 address : {u64{0}, 4 * mib, gib}) ASSERT_TRUE(table.find_or_create(address));
    EXPECT_EQ(table.table_frames(), 1u + 1 + 2 + 3);
    table.free_empty_tables(3 * mib, 6 * mib, &TestMemory::free);
    EXPECT_EQ(table.find(4 * mib), nullptr);
    EXPECT_NE(table.find(0), nullptr);
    EXPECT_NE(table.find(gib), nullptr);
    table.free_empty_tables(0, arch::user_space_end, &TestMemory::free);
    EXPECT_EQ(table.table_frames(), 1u);
    table.free_all();
}

TEST_F(PageTableTest, TakingAllGivesEachPageOnceAndFreesTheTables) {
    TestTable table;
    Model model;
    for (int i = 0; i < 5000; ++i) {
        u64 const page = random_page();
        PageEntry const value = entry_for(static_cast<u64>(i));
        table.set(**table.find_or_create(page), value);
        model[page] = value.raw();
    }
    ASSERT_TRUE(table.find_or_create(300 * gib));   // tables without a page
    std::multiset<u64> given, expected;
    for (auto const& [page, raw] : model) expected.insert(raw);
    u64 const cuts[] = {0, 0x3000, 0x1ff000 + 100 * page_size, 0x555555554000 + 3 * page_size, 0x7fffffe00000, arch::user_space_end};
    for (size_t i = 0; i + 1 < std::size(cuts); ++i) {
        table.take_all(cuts[i], cuts[i + 1], [&](PageEntry entry) { given.insert(entry.raw()); });
        model.erase(model.begin(), model.lower_bound(cuts[i + 1]));
        expect_same(table, model);
        if (cuts[i + 1] > 300 * gib) { EXPECT_EQ(table.table_frames(), tables_for(model)); }
    }
    EXPECT_EQ(given, expected);
    EXPECT_EQ(table.table_frames(), 1u);
    table.take_all(0x1000, 0x1000, [](PageEntry) { ADD_FAILURE(); });
    table.free_all();
}

TEST_F(PageTableTest, PairsCopyEverythingInTheRangeAndCountIt) {
    TestTable source, destination;
    Model model, copied;
    for (int i = 0; i < 3000; ++i) {
        u64 const page = random_page();
        PageEntry const value = entry_for(static_cast<u64>(i));
        source.set(**source.find_or_create(page), value);
        model[page] = value.raw();
    }
    u64 const start = 0x3000, end = 0x7fffff800000;
    auto const result = for_each_pair(source, destination, start, end, [&](u64 address, PageEntry& from, PageEntry& to) {
        EXPECT_EQ(source.find(address), &from);
        EXPECT_FALSE(to.is_present());
        from = from.without_write();
        to = from;
        copied[address] = from.raw();
        model[address] = from.raw();
    });
    ASSERT_TRUE(result);
    Model expected(model.lower_bound(start), model.lower_bound(end));
    EXPECT_EQ(copied, expected);
    expect_same(source, model);
    expect_same(destination, copied);
    EXPECT_EQ(destination.table_frames(), tables_for(copied));
    clear(destination, copied, 0, arch::user_space_end);   // which trusts the counts
    clear(source, model, 0, arch::user_space_end);
    source.free_all();
    destination.free_all();
}

TEST_F(PageTableTest, RunningOutOfMemoryLosesNothing) {
    for (int allowed = 0; allowed < 12; ++allowed) {
        TestMemory::allocations_left = -1;
        TestTable source, destination;
        for (u64 address : {u64{0}, 4 * mib, gib, 600 * gib}) source.set(**source.find_or_create(address), entry_for(1));
        TestMemory::allocations_left = allowed;
        u64 visited = 0;
        auto const result = for_each_pair(source, destination, 0, arch::user_space_end, [&](u64, PageEntry& from, PageEntry& to) {
            to = from;
            ++visited;
        });
        EXPECT_EQ(result.has_value(), allowed >= 9) << allowed;
        u64 found = 0;
        destination.for_each_present(0, arch::user_space_end, [&](u64, PageEntry& entry) {
            destination.set(entry, PageEntry());
            ++found;
        });
        EXPECT_EQ(found, visited);
        destination.free_all();
        source.for_each_present(0, arch::user_space_end, [&](u64, PageEntry& entry) { source.set(entry, PageEntry()); });
        source.free_all();
    }
}

TEST_F(PageTableTest, RangesUseTheLargestPages) {
    TestTable table;
    // 2 MiB - 4 KiB to 3 GiB + 4 MiB + 4 KiB: one small, then large, huge, large, and one small page.
    u64 const start = 2 * mib - page_size, end = 3 * gib + 4 * mib + page_size;
    ASSERT_TRUE(table.map_range(start, PhysAddr(start + 8 * gib), end - start, {.writable = true}));
    std::map<u64, u64> pages;   // by kind: 4 KiB pages are at level 1 and visited
    table.for_each_present(0, arch::user_space_end, [&](u64 address, PageEntry& entry) { pages[address] = entry.address().value(); });
    EXPECT_EQ(pages, (std::map<u64, u64>{{start, start + 8 * gib}, {end - page_size, end - page_size + 8 * gib}}));
    EXPECT_EQ(table.table_frames(), 1u + 1 + 2 + 2);
    for (u64 inside : {start, start + page_size, gib - 1, gib, 2 * gib + 12345, 3 * gib + mib, end - 1})
        EXPECT_TRUE(table.is_mapped(inside));
    for (u64 outside : {u64{0}, start - 1, end, 4 * gib}) EXPECT_FALSE(table.is_mapped(outside));
    EXPECT_EQ(table.find(gib), nullptr);
    TestMemory::live.clear();
}

TEST_F(PageTableTest, AReservedTableStays) {
    TestTable table;
    ASSERT_TRUE(table.reserve_table(5 * gib + 12345, 2));
    u64 const tables = table.table_frames();
    table.set(**table.find_or_create(5 * gib), entry_for(9));
    table.set(*table.find(5 * gib), PageEntry());
    table.free_empty_tables(0, arch::user_space_end, &TestMemory::free);
    EXPECT_EQ(table.table_frames(), tables);
    TestMemory::live.clear();
}

}
