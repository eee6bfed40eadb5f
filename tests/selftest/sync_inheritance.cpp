// SPDX-License-Identifier: MIT
// Priority inheritance of kernel mutexes. All threads of a test stand on one CPU, so that a hog between the owner and the waiter
// would keep both away without it.
#include <algorithm>
#include <atomic>

#include "kernel/sync/completion.h"
#include "kernel/sync/mutex.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::Interruptible;
using sched::Level;
using sched::level_of;
using sched::scheduler;
using sched::SchedulingClass;

namespace {

using OuterMutex = sync::Mutex<LockRank::inode>;
using TestMutex = sync::Mutex<LockRank::sleeping_leaf>;

constexpr Level level_of_fifo(u8 priority) { return level_of(sched::Parameters{SchedulingClass::Fifo, priority}); }
void be_fifo(u8 priority) { (void)scheduler.set_class(sched::current_thread(), SchedulingClass::Fifo, priority); }

/// Runs until `end`, or for a second.
void hog(std::atomic<bool> const& end) {
    for (u64 const limit_ns = in_ms(1000); !end && arch::clock_ns() < limit_ns;) arch::relax();
}

}

SELF_TEST(inheritance_defeats_the_hog_in_the_middle) {
    struct {
        TestMutex mutex;
        sync::Completion held, wanted;
        std::atomic<bool> done{false}, high_comes{false};
        bool in_time = false;
        Level while_wanted = 0, after = 0;
        void low(u32) {
            {
                Locked guard(mutex);
                held.complete();
                (void)wanted.wait();      // the hog runs from now on
                while_wanted = sched::current_thread().level();
            }
            after = sched::current_thread().level();
        }
        void middle(u32) {
            be_fifo(20);
            for (u64 const limit_ns = in_ms(1000); !high_comes && arch::clock_ns() < limit_ns;) (void)scheduler.sleep_until(in_ms(1), Interruptible::No);
            (void)scheduler.sleep_until(in_ms(10), Interruptible::No);   // high is in the mutex then
            wanted.complete();
            hog(done);
            in_time = done;
        }
        void high(u32) {
            be_fifo(30);
            high_comes = true;
            Locked guard(mutex);
            done = true;
        }
    } work;
    RealtimeScope above(90);
    Crew crew(work, 3);
    REQUIRE(crew.start(&decltype(work)::low, 5));
    (void)work.held.wait();
    REQUIRE(crew.start(&decltype(work)::middle) && crew.start(&decltype(work)::high));
    crew.join();
    CHECK(work.in_time);
    CHECK(work.while_wanted == level_of_fifo(30));
    CHECK(work.after == level_of({.nice = 5}));
}

/// low owns `inner`, middle owns `outer` and waits for `inner`, then high waits for `outer`: low is as urgent as high. Then
/// high's own urgency changes, and low's with it.
SELF_TEST(inheritance_goes_along_a_chain) {
    struct {
        OuterMutex outer;
        TestMutex inner;
        sync::Completion low_has, middle_has, go;
        Level low_after = 0, middle_at_end = 0, middle_after = 0;
        void low(u32) {
            {
                Locked guard(inner);
                low_has.complete();
                (void)go.wait();
            }
            low_after = sched::current_thread().level();
        }
        void middle(u32) {
            be_fifo(10);
            {
                Locked guard(outer);
                middle_has.complete();
                Locked inner_guard(inner);
                middle_at_end = sched::current_thread().level();
            }
            middle_after = sched::current_thread().level();
        }
        void high(u32) {
            be_fifo(50);
            Locked guard(outer);
        }
    } work;
    RealtimeScope above(90);
    auto const let_them_run = [] { (void)scheduler.sleep_until(in_ms(2), Interruptible::No); };
    auto const reaches = [&](sched::Thread* thread, Level level) {
        for (u64 const limit_ns = in_ms(2000); arch::clock_ns() < limit_ns; let_them_run())
            if (thread->level() == level) return true;
        return false;
    };
    Crew crew(work, 3);
    sched::Thread* const low = crew.start(&decltype(work)::low);
    REQUIRE(low);
    (void)work.low_has.wait();
    sched::Thread* const middle = crew.start(&decltype(work)::middle);
    REQUIRE(middle);
    (void)work.middle_has.wait();
    CHECK(reaches(low, level_of_fifo(10)));
    sched::Thread* const high = crew.start(&decltype(work)::high);
    REQUIRE(high);
    CHECK(reaches(middle, level_of_fifo(50)));
    CHECK(reaches(low, level_of_fifo(50)));
    (void)scheduler.set_class(*high, SchedulingClass::Fifo, 60);
    CHECK(low->level() == level_of_fifo(60) && middle->level() == level_of_fifo(60));
    (void)scheduler.set_class(*high, SchedulingClass::Other, 0);
    CHECK(low->level() == level_of_fifo(10) && middle->level() == level_of_fifo(10));
    (void)scheduler.set_class(*high, SchedulingClass::Fifo, 40);
    CHECK(low->level() == level_of_fifo(40) && low->own_level() == level_of({}));
    work.go.complete();
    crew.join();
    CHECK(work.low_after == level_of({}));
    CHECK(work.middle_at_end == level_of_fifo(40) && work.middle_after == level_of_fifo(10));
}

SELF_TEST(mutexes_serve_the_most_urgent_first) {
    static constexpr u32 waiters = 6;
    struct {
        TestMutex mutex;
        std::atomic<u32> arrived{0}, served{0};
        u8 order[waiters] = {};
        void wait(u32 number) {
            be_fifo(static_cast<u8>(10 + number * 5 % waiters));
            ++arrived;
            Locked guard(mutex);
            order[served++] = sched::current_thread().own().realtime_priority;
        }
    } work;
    RealtimeScope above(90);
    Crew crew(work, waiters);
    {
        Locked guard(work.mutex);
        sched::Thread* threads[waiters];
        for (auto& thread : threads) REQUIRE(thread = crew.start(&decltype(work)::wait));
        // Whoever has arrived blocks in the mutex alone.
        CHECK(comes_true([&] { return work.arrived == waiters && std::ranges::all_of(threads, [](auto* thread) { return is_blocked(*thread); }); }));
    }
    crew.join();
    for (u32 i = 0; i < waiters; ++i) CHECK(work.order[i] == 10 + waiters - 1 - i);
}

/// Who asks for little is not forgotten while others fight, whatever the policy.
SELF_TEST(mutexes_serve_the_patient_too) {
    struct {
        TestMutex mutex;
        std::atomic<bool> patient_done{false};
        std::atomic<u32> rounds{0};
        void greedy(u32) {
            while (!patient_done && rounds < 2000) {
                Locked guard(mutex);
                ++rounds;
                (void)scheduler.sleep_until(arch::clock_ns() + 200 * ns_per_us, Interruptible::No);
            }
        }
        void patient(u32) {
            Locked guard(mutex);
            patient_done = true;
        }
    } work;
    Crew crew(work, 4);
    for (u32 i = 0; i < 3; ++i) REQUIRE(crew.start(&decltype(work)::greedy, -5));
    REQUIRE(crew.start(&decltype(work)::patient, 19));
    crew.join();
    CHECK(work.rounds < 2000);
}

/// Threads of all urgencies, which change, at two mutexes on all CPUs: in the end nobody has inherited anything.
SELF_TEST_ON_ALL_CPUS(inheritance_leaves_nothing_behind) {
    static constexpr u32 threads = 6, rounds = 400;
    struct {
        OuterMutex outer;
        TestMutex inner;
        u32 count = 0;
        std::atomic<u32> wrong{0};
        void run(u32 number) {
            sched::Thread& self = sched::current_thread();
            for (u32 i = 0; i < rounds; ++i) {
                if ((i + number) % 5 == 0) be_fifo(static_cast<u8>(1 + (i * 7 + number * 13) % 40));
                if ((i + number) % 9 == 0) (void)scheduler.set_class(self, SchedulingClass::Other, 0);
                if ((i + number) % 4 == 0) {
                    Locked guard(outer);
                    if (i % 8 == 0) scheduler.yield();
                    Locked inner_guard(inner);
                    ++count;
                } else {
                    Locked guard(inner);
                    if (i % 16 == 0) (void)scheduler.sleep_until(arch::clock_ns() + 20 * ns_per_us, Interruptible::No);
                    ++count;
                }
                if (self.level() != self.own_level()) ++wrong;
            }
        }
    } work;
    Crew crew(work, threads);
    REQUIRE(crew.start_all(&decltype(work)::run));
    crew.join();
    CHECK(work.count == threads * rounds);
    CHECK(work.wrong == 0);
}
