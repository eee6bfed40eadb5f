// SPDX-License-Identifier: MIT
// The policies and their queues, with threads that are only what a policy sees of them.
// sources: sched/policy_table.cpp
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "sched/policy.h"

namespace {

using sched::Arrival;
using sched::Policy;
using sched::PolicyQueue;
using sched::Schedulable;

struct FakeThread : Schedulable {
    explicit FakeThread(int number_ = 0, int nice_ = 0) : number(number_) { set_own({.nice = static_cast<i8>(nice_)}); }
    int number;
};

int number_of(Schedulable* thread) { return thread ? static_cast<FakeThread*>(thread)->number : -1; }

Policy const& policy(char const* name) { return *sched::find_policy(name); }

TEST(PolicyTable, NamesAreFoundAndRoundRobinIsTheDefault) {
    EXPECT_EQ(sched::policy_table().front()->name(), "rr");
    for (Policy const* row : sched::policy_table()) EXPECT_EQ(sched::find_policy(row->name()), row) << "names are given once";
    EXPECT_EQ(sched::find_policy("no such policy"), nullptr);
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
        int const first = number_of(row->pick(queue));   // of the two that are left; which one is the policy's affair
        EXPECT_TRUE(first == 0 || first == 2) << row->name() << ": " << first;
        row->dequeue(queue, first == 0 ? c : a);
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

/// One CPU in virtual form: runs what the policy picks, for the slice it gives. Times in ns.
class Machine {
public:
    explicit Machine(char const* name) : policy_(policy(name)) {}
    void wake(FakeThread& thread) {
        policy_.enqueue(queue, thread, Arrival::Woken);
        ++waiting_;
        if (running_ && policy_.preempts(thread, *running_)) slice_end_ = now;
    }
    /// Runs until `end`, or until `sleeper` has run for `work` (which then is in no queue any more).
    void run_until(u64 end, FakeThread* sleeper = nullptr, u64 work = 0) {
        u64 const sleeper_end = sleeper ? sleeper->ran_ns + work : 0;
        while (now < end) {
            if (!running_) choose();
            if (!running_) return void(now = end);
            u64 stop = std::min(end, slice_end_);
            if (running_ == sleeper) stop = std::min(stop, now + sleeper_end - sleeper->ran_ns);
            running_->ran_ns += stop - now;
            now = stop;
            if (running_ == sleeper && sleeper->ran_ns == sleeper_end) return void(running_ = nullptr);
            if (now >= slice_end_) requeue();
        }
    }
    u64 now = 0;
    PolicyQueue queue;
    static constexpr u64 quantum = 4 * ns_per_ms;

private:
    void choose() {
        running_ = policy_.pick(queue);
        if (!running_) return;
        --waiting_;
        u64 const slice = running_->slice_left_ns ? running_->slice_left_ns : policy_.slice_ns(*running_, quantum, waiting_);
        slice_end_ = turn_end_ = now + slice;
    }
    void requeue() {
        running_->slice_left_ns = turn_end_ - now;
        policy_.enqueue(queue, *running_, turn_end_ > now ? Arrival::Preempted : Arrival::Expired);
        ++waiting_;
        running_ = nullptr;
        choose();
    }
    Policy const& policy_;
    Schedulable* running_ = nullptr;
    u32 waiting_ = 0;
    u64 slice_end_ = 0, turn_end_ = 0;
};

TEST(Dynamic, SharesFollowLinuxWeights) {
    Machine machine("dynamic");
    FakeThread zero(0, 0), five(1, 5), minus(2, -3);
    for (FakeThread* thread : {&zero, &five, &minus}) machine.wake(*thread);
    machine.run_until(20 * ns_per_s);
    double const all = 1024 + 335 + 1991;
    EXPECT_NEAR(static_cast<double>(zero.ran_ns) / 20e9, 1024 / all, 0.001);
    EXPECT_NEAR(static_cast<double>(five.ran_ns) / 20e9, 335 / all, 0.001);
    EXPECT_NEAR(static_cast<double>(minus.ran_ns) / 20e9, 1991 / all, 0.001);
}

TEST(Dynamic, NobodyIsFurtherFromItsShareThanAFewTurns) {
    Machine machine("dynamic");
    std::vector<std::unique_ptr<FakeThread>> hogs;
    for (int i = 0; i < 7; ++i) machine.wake(*hogs.emplace_back(std::make_unique<FakeThread>(i)));
    for (int step = 1; step <= 500; ++step) {
        machine.run_until(static_cast<u64>(step) * 7 * ns_per_ms);
        for (auto& hog : hogs) EXPECT_NEAR(static_cast<double>(hog->ran_ns), step * 1e6, 2.0 * Machine::quantum);
    }
}

TEST(Dynamic, IdleGetsAlmostNothingAndDoesNotStarve) {
    Machine machine("dynamic");
    FakeThread hog(0), idle(1);
    idle.set_own({sched::SchedulingClass::Idle});
    machine.wake(hog);
    machine.wake(idle);
    machine.run_until(60 * ns_per_s);
    EXPECT_NEAR(static_cast<double>(idle.ran_ns) / 60e9, 3.0 / 1027, 0.001);
    EXPECT_GT(idle.ran_ns, 0u);
    EXPECT_TRUE(policy("dynamic").preempts(hog, idle));
    EXPECT_FALSE(policy("dynamic").preempts(idle, hog));
}

/// Wakes `sleeper` each 10 ms for `work`, among four hogs; the longest time until its work was done.
u64 worst_response(char const* name, FakeThread& sleeper, u64 work) {
    Machine machine(name);
    FakeThread a(0), b(1), c(2), d(3);
    for (FakeThread* hog : {&a, &b, &c, &d}) machine.wake(*hog);
    u64 worst = 0;
    for (int i = 0; i < 500; ++i) {
        machine.run_until(static_cast<u64>(i + 1) * 10 * ns_per_ms);
        u64 const woken = machine.now;
        machine.wake(sleeper);
        machine.run_until(woken + ns_per_s, &sleeper, work);
        if (i >= 10) worst = std::max(worst, machine.now - woken);   // its usual time is learned
    }
    return worst;
}

TEST(Dynamic, ShortTurnsComeFirst) {
    FakeThread editor(9), batch(9), plain(9);
    EXPECT_LT(worst_response("dynamic", editor, 300 * ns_per_us), 310 * ns_per_us);
    batch.set_own({sched::SchedulingClass::Batch});
    EXPECT_GT(worst_response("dynamic", batch, 300 * ns_per_us), 3 * ns_per_ms);
    EXPECT_GT(worst_response("rr", plain, 300 * ns_per_us), 12 * ns_per_ms);
}

TEST(Dynamic, ShortTurnsDoNotPreemptEachOther) {
    FakeThread a(0), b(1), hog(2), urgent(3, -10);
    (void)worst_response("dynamic", a, 100 * ns_per_us);
    (void)worst_response("dynamic", b, 100 * ns_per_us);
    PolicyQueue queue;
    Policy const& dynamic = policy("dynamic");
    for (FakeThread* thread : {&hog, &a, &b, &urgent}) dynamic.enqueue(queue, *thread, Arrival::Woken);
    EXPECT_FALSE(dynamic.preempts(a, b));
    EXPECT_FALSE(dynamic.preempts(b, a));
    EXPECT_TRUE(dynamic.preempts(a, hog));
    EXPECT_FALSE(dynamic.preempts(hog, a));
    EXPECT_TRUE(dynamic.preempts(urgent, hog));
}

TEST(Dynamic, SleepEarnsNoMoreThanATurn) {
    Machine machine("dynamic");
    FakeThread hog(0), sleeper(1);
    machine.wake(hog);
    machine.run_until(10 * ns_per_s);
    machine.wake(sleeper);
    u64 const before = sleeper.ran_ns + hog.ran_ns;
    machine.run_until(machine.now + ns_per_s);
    EXPECT_EQ(sleeper.ran_ns + hog.ran_ns - before, ns_per_s);
    EXPECT_NEAR(static_cast<double>(sleeper.ran_ns), 0.5e9, 3.0 * Machine::quantum);
}

TEST(Dynamic, FrequentShortSleepsDoNotCheatTheHog) {
    Machine machine("dynamic");
    FakeThread hog(0), cheat(1);
    machine.wake(hog);
    for (int i = 0; i < 4000; ++i) {
        machine.wake(cheat);
        machine.run_until(machine.now + ns_per_s, &cheat, 900 * ns_per_us);
        machine.run_until(machine.now + 10 * ns_per_us);
    }
    EXPECT_LT(static_cast<double>(cheat.ran_ns) / static_cast<double>(machine.now), 0.51);
    EXPECT_GT(static_cast<double>(cheat.ran_ns) / static_cast<double>(machine.now), 0.40);
}

TEST(Dynamic, YieldGivesTheRestOfATurnAway) {
    PolicyQueue queue;
    FakeThread a(0), b(1);
    Policy const& dynamic = policy("dynamic");
    dynamic.enqueue(queue, a, Arrival::Woken);
    dynamic.enqueue(queue, b, Arrival::Woken);
    for (int turn = 0; turn < 100; ++turn) {
        Schedulable* running = dynamic.pick(queue);
        EXPECT_EQ(number_of(running), turn % 2);
        running->ran_ns += 1000;
        dynamic.enqueue(queue, *running, Arrival::Expired);
    }

}

TEST(Dynamic, AThreadThatMovesTakesItsLeadAlong) {
    PolicyQueue busy, other;
    Policy const& dynamic = policy("dynamic");
    FakeThread a(0), b(1), c(2);
    for (int i = 0; i < 1000; ++i) {   // the busy queue's time is far ahead of the other's
        dynamic.enqueue(busy, a, i == 0 ? Arrival::Woken : Arrival::Expired);
        dynamic.pick(busy)->ran_ns += Machine::quantum;
    }
    dynamic.enqueue(other, c, Arrival::Woken);
    dynamic.enqueue(other, a, Arrival::Woken);
    dynamic.enqueue(other, b, Arrival::Woken);
    i64 const lead = a.share.start - other.fair.now();
    EXPECT_GE(lead, 0);
    EXPECT_LE(lead, static_cast<i64>(2 * Machine::quantum));

}

/// A hundred threads of one user that never sleep.
struct Crowd {
    explicit Crowd(Machine& machine) {
        for (auto& thread : threads) {
            thread.process_share_group = &group;
            machine.wake(thread);
        }
    }
    u64 ran_ns() const {
        u64 sum = 0;
        for (auto& thread : threads) sum += thread.ran_ns;
        return sum;
    }
    std::atomic<sched::ShareGroup> const group{sched::share_group_of(UserId(1000))};
    std::vector<FakeThread> threads = std::vector<FakeThread>(100);
};

TEST(Dynamic, AUsersThreadsShareWhatOneOfThemWouldGet) {
    Machine machine("dynamic");
    Crowd const crowd(machine);
    FakeThread roots(0), nice(1, 5);
    machine.wake(roots);
    machine.run_until(20 * ns_per_s);
    EXPECT_NEAR(static_cast<double>(roots.ran_ns) / 20e9, 0.5, 0.01);
    for (auto& thread : crowd.threads) EXPECT_NEAR(static_cast<double>(thread.ran_ns) / 20e9, 0.005, 0.0005);

    u64 const roots_before = roots.ran_ns, crowds_before = crowd.ran_ns();   // two of root's: (1024 + 335) / 2 against 1024
    machine.wake(nice);
    machine.run_until(40 * ns_per_s);
    EXPECT_NEAR(static_cast<double>(crowd.ran_ns() - crowds_before) / 20e9, 1024 / (1024 + (1024 + 335) / 2.0), 0.01);
    EXPECT_NEAR(static_cast<double>(roots.ran_ns - roots_before) / static_cast<double>(nice.ran_ns), 1024 / 335.0, 0.05);
}

TEST(Dynamic, AnotherUsersCrowdDoesNotKeepAShellWaiting) {
    Machine machine("dynamic");
    Crowd const crowd(machine);
    FakeThread shell(0);
    u64 worst = 0;
    for (int i = 0; i < 500; ++i) {
        machine.run_until(static_cast<u64>(i + 1) * 100 * ns_per_ms);
        u64 const woken = machine.now;
        machine.wake(shell);
        machine.run_until(woken + ns_per_s, &shell, 10 * ns_per_ms);
        worst = std::max(worst, machine.now - woken);
    }
    EXPECT_LT(worst, 30 * ns_per_ms);
}

/// While a thread of the class Idle runs alone, the queue's time goes by 341 times faster.
TEST(Dynamic, ALongSleepEarnsNoMoreThanAShortOne) {
    Machine machine("dynamic");
    FakeThread idle(0), sleeper(1, -20);
    idle.set_own({sched::SchedulingClass::Idle});
    machine.wake(sleeper);
    machine.run_until(ns_per_s, &sleeper, ns_per_ms);
    machine.wake(idle);
    for (int seconds = 1; seconds < 40; ++seconds) {
        machine.run_until(machine.now + static_cast<u64>(seconds) * ns_per_s);
        machine.wake(sleeper);
        i64 const ahead = sleeper.share.start - machine.queue.fair.now();
        EXPECT_LE(ahead, 0) << seconds;
        EXPECT_GE(ahead, -static_cast<i64>(Machine::quantum)) << seconds;
        machine.run_until(machine.now + ns_per_s, &sleeper, ns_per_ms);
    }
}

TEST(Dynamic, RootsShareGroupIsItsOwn) {
    EXPECT_EQ(sched::share_group_of(UserId(0)), sched::root_share_group);
    for (u32 uid = 1; uid < 2000; ++uid) {
        EXPECT_NE(sched::share_group_of(UserId(uid)), sched::root_share_group);
        EXPECT_LT(sched::share_group_of(UserId(uid)), sched::user_share_groups);
        EXPECT_NE(sched::share_group_of(UserId(uid)), sched::share_group_of(UserId(uid + 1)));
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
