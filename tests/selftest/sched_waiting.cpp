// SPDX-License-Identifier: MIT
// Waiting: timers and sleeps in order and not early, wait queues that lose nothing.
#include <array>
#include <atomic>

#include <arch/interrupts.h>

#include "sched/timer.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::Interruptible;
using sched::scheduler;

namespace {

constexpr u32 timer_count = 32;

struct Firings {
    std::atomic<u32> count{0};
    std::array<u32, timer_count> order{};
    std::atomic<u32> early{0};
};

struct RecordingTimer : sched::Timer {
    RecordingTimer() : Timer(&RecordingTimer::fire) {}
    static void fire(sched::Timer& timer) {
        auto& self = static_cast<RecordingTimer&>(timer);
        if (arch::clock_ns() < self.deadline_ns()) ++self.firings->early;
        self.firings->order[self.firings->count++] = self.number;
    }
    Firings* firings = nullptr;
    u32 number = 0;
};

/// Makes an event true and wakes a queue from the timer interrupt.
struct EventTimer : sched::Timer {
    EventTimer() : Timer([](sched::Timer& timer) {
        auto& self = static_cast<EventTimer&>(timer);
        self.event = true;
        self.queue.wake_one();
    }) {}
    sched::WaitQueue queue;
    std::atomic<bool> event{false};
};

}

SELF_TEST(timers_fire_in_deadline_order_and_not_early) {
    Firings firings;
    std::array<RecordingTimer, timer_count> timers;
    u64 const base_ns = in_ms(5);
    for (u32 i = 0; i < timer_count; ++i) {
        u32 const place = i * 7 % timer_count;   // armed in another order than they are due
        timers[i].firings = &firings;
        timers[i].number = place;
        timers[i].arm(base_ns + place * 50 * ns_per_us);
    }
    CHECK(scheduler.sleep_until(base_ns + timer_count * 50 * ns_per_us + 10 * ns_per_ms, Interruptible::No).has_value());
    REQUIRE(firings.count == timer_count);
    for (u32 i = 0; i < timer_count; ++i) CHECK(firings.order[i] == i);
    CHECK(firings.early == 0);
    for (RecordingTimer const& timer : timers) CHECK(!timer.is_armed());
}

SELF_TEST(timers_cancelled_do_not_fire_and_rearmed_fire_once) {
    Firings firings;
    RecordingTimer cancelled, rearmed;
    cancelled.firings = rearmed.firings = &firings;
    rearmed.number = 1;
    CHECK(!cancelled.cancel());
    {
        arch::InterruptGuard none_rings;     // however long an emulator's host keeps us here
        cancelled.arm(in_ms(2));
        rearmed.arm(in_ms(1'000'000));
        rearmed.arm(in_ms(4));
        CHECK(cancelled.is_armed() && rearmed.is_armed());
        CHECK(cancelled.cancel());
        CHECK(!cancelled.cancel());
    }
    CHECK(scheduler.sleep_until(in_ms(10), Interruptible::No).has_value());
    CHECK(firings.count == 1 && firings.order[0] == 1);
}

SELF_TEST(sleep_is_not_short) {
    for (u64 us : {1u, 10u, 100u, 1000u, 10'000u}) {
        u64 const deadline_ns = arch::clock_ns() + us * ns_per_us;
        CHECK(scheduler.sleep_until(deadline_ns, Interruptible::Yes).has_value());
        CHECK(arch::clock_ns() >= deadline_ns);
    }
    CHECK(scheduler.sleep_until(0, Interruptible::No).has_value());
}

SELF_TEST_ON_ALL_CPUS(wait_queues_play_ping_pong) {
    static constexpr u32 rounds = 10'000;
    struct {
        sched::WaitQueue queues[2];
        std::atomic<u32> ball{0};
        std::atomic<u32> failed{0};
        void play(u32 number) {
            for (u32 i = 0; i < rounds; ++i) {
                if (!queues[number].wait([&] { return ball.load() % 2 == number; }, Interruptible::No, in_ms(10'000))) ++failed;
                ++ball;
                queues[1 - number].wake_one();
            }
        }
    } work;
    Crew crew(work, 2);
    REQUIRE(crew.start_all(&decltype(work)::play));
    crew.join();
    CHECK(work.ball == 2 * rounds);
    CHECK(work.failed == 0);
}

SELF_TEST_ON_ALL_CPUS(wakes_from_interrupts_are_never_lost) {
    EventTimer timer;
    u32 lost = 0;
    for (u32 round = 0; round < 3000; ++round) {
        timer.event = false;
        // Around the time that it takes to go to sleep, so that the interrupt hits every step of it.
        timer.arm(arch::clock_ns() + round * 37 % 20'000);
        if (!timer.queue.wait([&] { return timer.event.load(); }, Interruptible::No, in_ms(2000))) ++lost;
    }
    CHECK(lost == 0);
}

SELF_TEST(wait_ends_at_its_deadline) {
    sched::WaitQueue queue;
    u64 const deadline_ns = in_ms(3);
    auto const result = queue.wait([] { return false; }, Interruptible::Yes, deadline_ns);
    CHECK(!result && result.error() == Errno(ETIMEDOUT));
    CHECK(arch::clock_ns() >= deadline_ns);
    CHECK(!queue.has_waiters());
    CHECK(queue.wait([] { return true; }, Interruptible::Yes, 0).has_value());
}

SELF_TEST(signals_end_interruptible_waits_only) {
    struct {
        sched::WaitQueue queue;
        std::atomic<bool> event{false};
        std::atomic<u32> interrupted{0}, done{0};
        void interruptible(u32) {
            auto const result = queue.wait([&] { return event.load(); }, Interruptible::Yes);
            if (!result && result.error() == Errno(EINTR)) ++interrupted;
            auto const asleep = scheduler.sleep_until(in_ms(100'000), Interruptible::Yes);
            if (!asleep && asleep.error() == Errno(EINTR)) ++interrupted;
            ++done;
        }
        void uninterruptible(u32) {
            if (queue.wait([&] { return event.load(); }, Interruptible::No)) ++done;
        }
    } work;
    RealtimeScope below(1);
    Crew crew(work, 2);
    sched::Thread* const first = crew.start(&decltype(work)::interruptible);
    sched::Thread* const second = crew.start(&decltype(work)::uninterruptible);
    REQUIRE(first && second);
    CHECK(comes_true([&] { return is_blocked(*first) && is_blocked(*second); }));
    CHECK(!scheduler.wake_interruptible(*second));
    second->return_work |= sched::return_work::signal;
    first->return_work |= sched::return_work::signal;
    CHECK(scheduler.wake_interruptible(*first));
    CHECK(comes_true([&] { return work.done == 1; }));
    CHECK(work.interrupted == 2 && work.done == 1);
    work.event = true;
    work.queue.wake_all();
    crew.join();
    CHECK(work.done == 2);
}

SELF_TEST_ON_ALL_CPUS(a_wake_is_kept_while_further_queues_are_entered) {
    sched::WaitQueue first, second, third;
    using Waiter = sched::WaitQueue::Waiter;
    Waiter a(first), b(second), c(third);
    u64 const start_ns = arch::clock_ns();
    // As poll(2) does with many files; the wake comes before the last queue is entered.
    a.prepare(Interruptible::No);
    b.enter();
    second.wake_one();
    c.enter();
    CHECK(a.sleep(Interruptible::No, start_ns + 2 * ns_per_s).has_value());
    CHECK(arch::clock_ns() - start_ns < ns_per_s);
}
