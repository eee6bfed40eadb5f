// SPDX-License-Identifier: MIT
// The buddy lists against a model that knows each frame by itself, and memory maps of every shape.
// sources: mm/buddy.cpp mm/memory_map.cpp
#include <map>
#include <random>

#include "mm/buddy.h"
#include "mm/memory_map.h"

namespace mm {
void frame_release(Frame&) {}
}

namespace {

using mm::Buddy;
using mm::Frame;
using mm::MemoryMap;

class BuddyTest : public testing::Test {
protected:
    static constexpr u64 frame_count = 4 * Buddy::max_block;
    BuddyTest() : records_(new Frame[frame_count]) { buddy_.initialize(records_.get()); }

    std::vector<u64> shape() const {
        std::vector<u64> blocks;
        for (unsigned order = 0; order <= Buddy::max_order; ++order) blocks.push_back(buddy_.free_blocks(order));
        return blocks;
    }
    u64 frames_in_lists() const {
        u64 sum = 0;
        for (unsigned order = 0; order <= Buddy::max_order; ++order) sum += buddy_.free_blocks(order) << order;
        return sum;
    }
    u64 index_of(Frame const* frame) const { return static_cast<u64>(frame - records_.get()); }

    /// Random allocations and releases; no two blocks may overlap, and none may leave what was added.
    void churn(std::vector<bool> const& added, u32 seed) {
        std::mt19937 random(seed);
        std::vector<bool> taken(frame_count);
        std::vector<std::pair<Frame*, unsigned>> held;
        u64 free = buddy_.free_frames();
        for (int step = 0; step < 20000; ++step) {
            bool const growing = step / 2000 % 2 == 0;
            if (random() % 8 < (growing ? 6 : 2)) {
                unsigned const order = static_cast<unsigned>(std::min(random() % 12, random() % 12) % 11);
                Frame* const block = buddy_.allocate(order);
                if (!block) continue;
                u64 const first = index_of(block);
                ASSERT_EQ(first % (u64{1} << order), 0u);
                for (u64 i = first; i < first + (u64{1} << order); ++i) {
                    ASSERT_TRUE(added[i]) << "frame " << i << " was never given";
                    ASSERT_FALSE(taken[i]) << "frame " << i << " was given twice";
                    taken[i] = true;
                }
                ASSERT_EQ(block->state, Frame::State::Used);
                ASSERT_EQ(block->order, order);
                held.emplace_back(block, order);
                free -= u64{1} << order;
            } else if (!held.empty()) {
                std::swap(held[random() % held.size()], held.back());
                auto const [block, order] = held.back();
                held.pop_back();
                for (u64 i = 0; i < u64{1} << order; ++i) taken[index_of(block) + i] = false;
                buddy_.release(*block, order);
                free += u64{1} << order;
            }
            ASSERT_EQ(buddy_.free_frames(), free);
            if (step % 100 == 0) { ASSERT_EQ(frames_in_lists(), free); }
        }
        std::shuffle(held.begin(), held.end(), random);
        for (auto const& [block, order] : held) buddy_.release(*block, order);
    }

    std::unique_ptr<Frame[]> records_;
    Buddy buddy_;
};

TEST_F(BuddyTest, WhatIsFreedJoinsToTheInitialState) {
    buddy_.add(0, frame_count);
    auto const before = shape();
    EXPECT_EQ(before[Buddy::max_order], 4u);
    for (u32 seed = 1; seed <= 5; ++seed) {
        churn(std::vector<bool>(frame_count, true), seed);
        EXPECT_EQ(shape(), before);
    }
}

TEST_F(BuddyTest, RaggedRangesWithHolesStayApart) {
    std::vector<bool> added(frame_count);
    for (auto const& [first, end] : {std::pair<u64, u64>{1, 159}, {256, 1023}, {1025, 1026}, {1500, 2999}, {3001, 4096}}) {
        buddy_.add(first, end);
        std::fill(added.begin() + static_cast<i64>(first), added.begin() + static_cast<i64>(end), true);
    }
    EXPECT_EQ(buddy_.free_frames(), static_cast<u64>(std::count(added.begin(), added.end(), true)));
    auto const before = shape();
    churn(added, 7);
    EXPECT_EQ(shape(), before);
}

TEST_F(BuddyTest, EveryFrameCanBeTakenAndThenNoneIsLeft) {
    buddy_.add(3, 2050);
    std::vector<Frame*> frames;
    while (Frame* const frame = buddy_.allocate(0)) frames.push_back(frame);
    EXPECT_EQ(frames.size(), 2047u);
    EXPECT_EQ(buddy_.free_frames(), 0u);
    EXPECT_EQ(buddy_.allocate(3), nullptr);
    for (Frame* const frame : frames) buddy_.release(*frame, 0);
    EXPECT_EQ(buddy_.free_frames(), 2047u);
    EXPECT_NE(buddy_.allocate(Buddy::max_order), nullptr);
    EXPECT_EQ(buddy_.allocate(Buddy::max_order), nullptr);   // the second block lacks frames at its end
}

TEST_F(BuddyTest, MemoryAddedLaterJoinsItsNeighbours) {
    buddy_.add(0, 1000);
    EXPECT_EQ(buddy_.allocate(Buddy::max_order), nullptr);
    buddy_.add(1000, 1024);
    EXPECT_EQ(index_of(buddy_.allocate(Buddy::max_order)), 0u);
}

constexpr u64 page(u64 number) { return number * page_size; }

TEST(MemoryMapTest, RandomRangesAgreeWithAModel) {
    std::mt19937 random(11);
    constexpr u64 pages = 300;
    for (int round = 0; round < 200; ++round) {
        MemoryMap map;
        std::vector<bool> model(pages);
        for (int step = 0; step < 40; ++step) {
            u64 const start = random() % page(pages), size = random() % page(40), end = std::min(start + size, page(pages));
            bool const adds = random() % 2;
            if (adds) { ASSERT_TRUE(map.add(start, end)); }
            else { ASSERT_TRUE(map.remove(start, end)); }
            for (u64 p = 0; p < pages; ++p) {
                if (adds && page(p) >= start && page(p + 1) <= end) model[p] = true;
                if (!adds && start < end && page(p) < end && page(p + 1) > start) model[p] = false;
            }
            u64 previous_end = 0, bytes = 0;
            for (auto const& range : map.ranges()) {
                ASSERT_LT(range.start, range.end);
                ASSERT_TRUE(previous_end == 0 || range.start > previous_end) << "ranges must be sorted, apart, and joined";
                previous_end = range.end;
                bytes += range.size();
            }
            ASSERT_EQ(bytes, map.bytes());
            for (u64 p = 0; p < pages; ++p) ASSERT_EQ(map.contains(page(p) + random() % page_size), model[p]) << "page " << p;
        }
    }
}

TEST(MemoryMapTest, ContainsAllOnlyWithinOneRange) {
    MemoryMap map;
    EXPECT_FALSE(map.contains_all(0, 1));
    ASSERT_TRUE(map.add(page(1), page(3)));
    ASSERT_TRUE(map.add(page(4), page(6)));
    EXPECT_TRUE(map.contains_all(page(1), page(2)));
    EXPECT_TRUE(map.contains_all(page(5) + 7, page(1) - 7));
    EXPECT_FALSE(map.contains_all(page(1), page(2) + 1));
    EXPECT_FALSE(map.contains_all(page(1) - 1, 2));
    EXPECT_FALSE(map.contains_all(page(2), page(3))) << "over the gap";
    EXPECT_FALSE(map.contains_all(page(3), 1));
    EXPECT_FALSE(map.contains_all(page(5), ~u64{0}));
}

TEST(MemoryMapTest, TheTopOfTheAddressSpaceDoesNotWrap) {
    MemoryMap map;
    EXPECT_TRUE(map.add(~u64{0} - 100, ~u64{0}));
    EXPECT_EQ(map.bytes(), 0u);
    EXPECT_TRUE(map.add(~u64{0} - page(3), ~u64{0}));
    EXPECT_EQ(map.bytes(), page(2));
    EXPECT_TRUE(map.remove(page(1), ~u64{0}));
    EXPECT_EQ(map.bytes(), 0u);
}

TEST(MemoryMapTest, AFullMapSaysSo) {
    MemoryMap map;
    u64 added = 0;
    while (map.add(page(2 * added), page(2 * added + 1))) ++added;
    EXPECT_GE(added, 256u);
    EXPECT_EQ(map.ranges().size(), added);
    EXPECT_EQ(map.bytes(), page(added));
}

}
