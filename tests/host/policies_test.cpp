// SPDX-License-Identifier: MIT
// The policies and their queues, with threads that are only what a policy sees of them.
// sources: sched/policy_table.cpp
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "sched/policy.h"

namespace {

using sched::Arrival;
using sched::Policy;
using sched::PolicyQueue;
using sched::Schedulable;

struct FakeThread : Schedulable {
    explicit FakeThread(int number_, int nice_ = 0) : number(number_) { nice = static_cast<i8>(nice_); }
    int number;
};

int number_of(Schedulable* thread) { return thread ? static_cast<FakeThread*>(thread)->number : -1; }

Policy const& policy(char const* name) { return *sched::find_policy(name); }

TEST(PolicyTable, NamesAreFoundAndRoundRobinIsTheDefault) {
    ASSERT_EQ(sched::policy_table().size(), 3u);
    EXPECT_EQ(sched::policy_table().front()->name(), "rr");
    for (Policy const* row : sched::policy_table()) EXPECT_EQ(sched::find_policy(row->name()), row);
    EXPECT_EQ(sched::find_policy("lottery"), nullptr);
    EXPECT_EQ(sched::find_policy(""), nullptr);
}

TEST(RoundRobin, TakesTurnsWhateverTheNiceValue) {
    PolicyQueue queue;
    FakeThread a(0, 19), b(1, -20), c(2, 0);
    for (FakeThread* thread : {&a, &b, &c}) policy("rr").enqueue(queue, *thread, Arrival::Woken);
    for (int turn = 0; turn < 9; ++turn) {
        Schedulable* running = policy("rr").pick(queue);
        ASSERT_EQ(number_of(running), turn % 3);
        policy("rr").enqueue(queue, *running, Arrival::Expired);
    }
    EXPECT_FALSE(policy("rr").preempts(b, a));
    EXPECT_EQ(policy("rr").slice_ns(a, 12345, 2), 12345u);
    constexpr u64 quantum = 10 * ns_per_ms;
    EXPECT_EQ(policy("rr").slice_ns(a, quantum, 16), quantum);
    EXPECT_EQ(policy("rr").slice_ns(a, quantum, 32), quantum / 2);
    EXPECT_EQ(policy("rr").slice_ns(a, quantum, 1000), ns_per_ms);
}

TEST(RoundRobin, PreemptedThreadGoesOnFirst) {
    PolicyQueue queue;
    FakeThread a(0), b(1), c(2);
    for (FakeThread* thread : {&a, &b, &c}) policy("rr").enqueue(queue, *thread, Arrival::Woken);
    Schedulable* running = policy("rr").pick(queue);
    policy("rr").enqueue(queue, *running, Arrival::Preempted);
    EXPECT_EQ(number_of(policy("rr").pick(queue)), 0);
    EXPECT_EQ(number_of(policy("rr").pick(queue)), 1);
    EXPECT_EQ(number_of(policy("rr").pick(queue)), 2);
    EXPECT_EQ(number_of(policy("rr").pick(queue)), -1);
}

TEST(Priority, LowestNiceValueFirstAndTurnsInsideOne) {
    PolicyQueue queue;
    FakeThread low(0, 19), middle_a(1, 0), middle_b(2, 0), high(3, -20);
    for (FakeThread* thread : {&low, &middle_a, &middle_b, &high}) policy("priority").enqueue(queue, *thread, Arrival::Woken);
    EXPECT_EQ(number_of(policy("priority").pick(queue)), 3);
    Schedulable* running = policy("priority").pick(queue);
    EXPECT_EQ(number_of(running), 1);
    policy("priority").enqueue(queue, *running, Arrival::Expired);
    EXPECT_EQ(number_of(policy("priority").pick(queue)), 2);
    EXPECT_EQ(number_of(policy("priority").pick(queue)), 1);
    EXPECT_EQ(number_of(policy("priority").pick(queue)), 0);
    EXPECT_TRUE(queue.is_empty());
}

TEST(Priority, OnlyAStrictlyLowerNiceValuePreempts) {
    FakeThread high(0, -1), low(1, 0), equal(2, 0);
    EXPECT_TRUE(policy("priority").preempts(high, low));
    EXPECT_FALSE(policy("priority").preempts(low, high));
    EXPECT_FALSE(policy("priority").preempts(low, equal));
}

TEST(Fifo, HasNoQuantumAndKeepsTheOrderOfArrival) {
    PolicyQueue queue;
    FakeThread a(0, 19), b(1, -20);
    policy("fifo").enqueue(queue, a, Arrival::Woken);
    policy("fifo").enqueue(queue, b, Arrival::Woken);
    EXPECT_EQ(policy("fifo").slice_ns(a, 1000, 1), Policy::no_limit);
    Schedulable* running = policy("fifo").pick(queue);
    EXPECT_EQ(number_of(running), 0);
    policy("fifo").enqueue(queue, *running, Arrival::Preempted);
    EXPECT_EQ(number_of(policy("fifo").pick(queue)), 0);
    policy("fifo").enqueue(queue, a, Arrival::Expired);
    EXPECT_EQ(number_of(policy("fifo").pick(queue)), 1);
}

TEST(EveryPolicy, DequeueRemovesExactlyOne) {
    for (Policy const* row : sched::policy_table()) {
        PolicyQueue queue;
        FakeThread a(0, -5), b(1, -5), c(2, 7);
        for (FakeThread* thread : {&a, &b, &c}) row->enqueue(queue, *thread, Arrival::Woken);
        row->dequeue(queue, b);
        EXPECT_EQ(number_of(row->pick(queue)), 0) << row->name();
        row->dequeue(queue, c);
        EXPECT_EQ(row->pick(queue), nullptr) << row->name();
        EXPECT_TRUE(queue.is_empty()) << row->name();
    }
}

TEST(EveryPolicy, LosesAndInventsNoThread) {
    constexpr int threads = 50;
    for (Policy const* row : sched::policy_table()) {
        PolicyQueue queue;
        std::mt19937 random(7);
        std::vector<std::unique_ptr<FakeThread>> all;
        std::vector<bool> queued(threads, false);
        for (int i = 0; i < threads; ++i) all.push_back(std::make_unique<FakeThread>(i, static_cast<int>(random() % 40) - 20));
        for (int step = 0; step < 20000; ++step) {
            int const i = static_cast<int>(random() % threads);
            if (random() % 3 == 0) {
                Schedulable* picked = row->pick(queue);
                ASSERT_EQ(picked == nullptr, std::find(queued.begin(), queued.end(), true) == queued.end());
                if (!picked) continue;
                ASSERT_TRUE(queued[static_cast<size_t>(number_of(picked))]);
                queued[static_cast<size_t>(number_of(picked))] = false;
            } else if (queued[static_cast<size_t>(i)]) {
                row->dequeue(queue, *all[static_cast<size_t>(i)]);
                queued[static_cast<size_t>(i)] = false;
            } else {
                row->enqueue(queue, *all[static_cast<size_t>(i)], static_cast<Arrival>(random() % 3));
                queued[static_cast<size_t>(i)] = true;
            }
        }
    }
}

TEST(LevelQueue, LevelsBeyondOneWordStayInOrder) {
    sched::LevelQueue<101> queue;
    std::vector<std::unique_ptr<FakeThread>> all;
    for (int level = 100; level >= 0; --level) {
        all.push_back(std::make_unique<FakeThread>(level));
        queue.push_back(static_cast<unsigned>(level), *all.back());
    }
    for (int level = 0; level <= 100; ++level) EXPECT_EQ(number_of(queue.pop()), level);
    EXPECT_EQ(queue.pop(), nullptr);
}

}
