// SPDX-License-Identifier: MIT
// Lists in order of urgency, against a multimap.
// sources:
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "sched/schedulable.h"
#include "sched/urgency.h"

namespace {

using sched::Level;
using sched::level_of;
using sched::UrgencyList;
using sched::UrgencyNode;

TEST(Levels, RealtimeThenNiceThenIdle) {
    using sched::SchedulingClass;
    EXPECT_EQ(level_of({SchedulingClass::Fifo, 99}), 1);
    EXPECT_EQ(level_of({SchedulingClass::RoundRobin, 1}), 99);
    EXPECT_EQ(level_of({SchedulingClass::Other, 0, -20}), sched::first_fair_level);
    EXPECT_EQ(level_of({SchedulingClass::Batch, 0, 19}), sched::idle_class_level - 1);
    EXPECT_EQ(level_of({SchedulingClass::Idle, 0, -5}), sched::idle_class_level);
}

TEST(Levels, TheMoreUrgentOfOwnAndInheritedCounts) {
    sched::Schedulable thread;
    EXPECT_EQ(thread.level(), 120);
    thread.inherit(50);
    EXPECT_EQ(thread.level(), 50);
    thread.set_own({sched::SchedulingClass::Fifo, 60});
    EXPECT_EQ(thread.level(), 40);
    thread.inherit(sched::no_level);
    thread.set_own({sched::SchedulingClass::Other, 0, 3});
    EXPECT_EQ(thread.level(), 123);
    EXPECT_EQ(thread.own_level(), 123);
}

void expect_same(UrgencyList const& list, std::multimap<Level, UrgencyNode*> const& wanted) {
    UrgencyNode const* node = list.first();
    UrgencyNode const* previous = nullptr;
    UrgencyNode const* first_before = nullptr;
    for (auto const& [level, expected] : wanted) {
        ASSERT_EQ(node, expected);
        ASSERT_EQ(node->level, level);
        ASSERT_EQ(node->previous, previous);
        if (!previous || previous->level != level) {
            ASSERT_EQ(node->previous_first, first_before);
            if (first_before) { ASSERT_EQ(first_before->next_first, node); }
            first_before = node;
        }
        previous = node;
        node = node->next;
    }
    ASSERT_EQ(node, nullptr);
    if (first_before) { ASSERT_EQ(first_before->next_first, nullptr); }
    EXPECT_EQ(list.top(), wanted.empty() ? sched::no_level : wanted.begin()->first);
}

TEST(UrgencyList, KeepsTheOrderOfLevelsAndOfArrival) {
    std::mt19937 random(7);
    for (unsigned levels : {1u, 2u, 5u, 140u}) {
        UrgencyList list;
        std::multimap<Level, UrgencyNode*> wanted;
        std::vector<UrgencyNode> nodes(60);
        std::vector<bool> inside(nodes.size());
        for (int step = 0; step < 4000; ++step) {
            size_t const i = random() % nodes.size();
            if (inside[i]) {
                list.remove(nodes[i]);
                std::erase_if(wanted, [&](auto const& pair) { return pair.second == &nodes[i]; });
            } else {
                auto const level = static_cast<Level>(random() % levels);
                list.insert(nodes[i], level);
                wanted.emplace(level, &nodes[i]);
            }
            inside[i] = !inside[i];
            expect_same(list, wanted);
            if (HasFatalFailure()) return;
        }
    }
}

}
