// SPDX-License-Identifier: MIT
// Completions and barriers.
#include <atomic>

#include "kernel/sync/barrier.h"
#include "kernel/sync/completion.h"
#include "sched/running.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::Interruptible;
using sched::scheduler;

SELF_TEST(completions_are_counted_or_for_ever) {
    sync::Completion completion;
    CHECK(!completion.try_wait());
    completion.complete();
    completion.complete();
    CHECK(completion.wait().has_value() && completion.try_wait() && !completion.try_wait());
    u64 const deadline_ns = in_ms(3);
    auto const late = completion.wait(Interruptible::Yes, deadline_ns);
    CHECK(!late && late.error() == Errno(ETIMEDOUT) && arch::clock_ns() >= deadline_ns);
    completion.complete_all();
    for (int i = 0; i < 3; ++i) CHECK(completion.wait(Interruptible::No, in_ms(1000)).has_value());
    completion.complete();
    CHECK(completion.try_wait() && completion.try_wait());
}

SELF_TEST_ON_ALL_CPUS(completions_release_one_or_all_and_signals_end_the_wait) {
    struct {
        sync::Completion gate, end;             // a thread must not end while it is being woken
        std::atomic<u32> through{0}, interrupted{0};
        void wait(u32) {
            if (gate.wait(Interruptible::No, in_ms(10'000))) ++through;
        }
        void wait_for_signal(u32) {
            auto const result = gate.wait(Interruptible::Yes, in_ms(10'000));
            if (!result && result.error() == Errno(EINTR)) ++interrupted;
            (void)end.wait();
        }
    } work;
    auto const reaches = [](std::atomic<u32> const& what, u32 value) {
        for (u64 const limit_ns = in_ms(5000); arch::clock_ns() < limit_ns; (void)scheduler.sleep_until(in_ms(1), Interruptible::No))
            if (what == value) return true;
        return false;
    };
    Crew crew(work, 5);
    sched::Thread* const interruptible = crew.start(&decltype(work)::wait_for_signal);
    REQUIRE(interruptible);
    interruptible->return_work.fetch_or(sched::return_work::signal);
    scheduler.wake_interruptible(*interruptible);
    CHECK(reaches(work.interrupted, 1));
    work.end.complete();
    for (u32 i = 0; i < 4; ++i) REQUIRE(crew.start(&decltype(work)::wait));
    work.gate.complete();
    CHECK(reaches(work.through, 1));
    (void)scheduler.sleep_until(in_ms(2), Interruptible::No);
    CHECK(work.through == 1);
    work.gate.complete_all();
    crew.join();
    CHECK(work.through == 4);
}

/// A completion is gone as soon as its wait() returns, while the one who completed it may still be under way.
SELF_TEST_ON_ALL_CPUS(completions_may_stand_on_a_stack) {
    static constexpr u32 rounds = 3000;
    struct {
        std::atomic<sync::Completion*> request{nullptr};
        std::atomic<bool> stop{false};
        u32 failed = 0;
        void ask(u32) {
            for (u32 i = 0; i < rounds; ++i) {
                alignas(sync::Completion) std::byte room[sizeof(sync::Completion)];
                auto* const done = new (room) sync::Completion;
                request = done;
                if (!done->wait(Interruptible::No, in_ms(10'000))) ++failed;
                for (std::byte& byte : room) byte = std::byte{0xa5};   // who still takes the lock waits for ever
                asm volatile("" : : "r"(room) : "memory");
            }
            stop = true;
        }
        void answer(u32) {
            while (!stop) {
                if (sync::Completion* const asked = request.exchange(nullptr)) asked->complete();
                else scheduler.yield();
            }
        }
    } work;
    Crew crew(work, 2);
    REQUIRE(crew.start(&decltype(work)::ask) && crew.start(&decltype(work)::answer));
    crew.join();
    CHECK(work.failed == 0);
}

SELF_TEST_ON_ALL_CPUS(barriers_hold_until_all_are_there) {
    static constexpr u32 threads = 5, rounds = 60;
    struct {
        sync::Barrier barrier{threads};
        std::atomic<u32> arrived[rounds] = {}, lasts[rounds] = {}, early{0};
        void run(u32 number) {
            for (u32 i = 0; i < rounds; ++i) {
                if ((i + number) % 7 == 0) scheduler.yield();
                ++arrived[i];
                if (barrier.wait()) ++lasts[i];
                if (arrived[i] != threads) ++early;
            }
        }
    } work;
    Crew crew(work, threads);
    REQUIRE(crew.start_all(&decltype(work)::run));
    crew.join();
    CHECK(work.early == 0);
    bool one_last = true;
    for (auto const& lasts : work.lasts) one_last = one_last && lasts == 1;
    CHECK(one_last);
    sync::Barrier alone(1);
    CHECK(alone.wait() && alone.wait());
}

SELF_TEST_ON_ALL_CPUS(it_is_known_who_runs) {
    CpuId guess{0};
    CHECK(sched::is_running_now(&sched::current_thread(), guess));
    struct {
        sync::Completion end;
        void wait(u32) { (void)end.wait(); }
    } work;
    Crew crew(work, 1);
    sched::Thread* const sleeper = crew.start(&decltype(work)::wait);
    REQUIRE(sleeper);
    bool sleeps = false;
    for (u64 const limit_ns = in_ms(5000); !sleeps && arch::clock_ns() < limit_ns; (void)scheduler.sleep_until(in_ms(1), Interruptible::No))
        sleeps = !sched::is_running_now(sleeper, guess);
    CHECK(sleeps);
    work.end.complete();
    crew.join();
}
