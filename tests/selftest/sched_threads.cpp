// SPDX-License-Identifier: MIT
// Who runs, and for how long: turns, realtime order, preemption, ends of threads.
#include <algorithm>
#include <atomic>

#include "kernel/sync/semaphore.h"
#include "mm/kernel_space.h"
#include "sched/policy.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::scheduler;

namespace {

/// Threads that only burn time, and count how often each got its turn. They end after so many turns of
/// all, not after a time: how long a turn takes is the host's business too.
struct Hogs {
    static constexpr u32 enough = 36;
    u64 deadline_ns = 0;
    std::atomic<u32> last{~0u}, all_turns{0};
    u32 turns[3] = {};          ///< that it saw
    u64 times_run[3] = {};      ///< some turns may be over before its first instruction: the host was elsewhere
    u64 used_ns[3] = {};
    void burn(u32 number) {
        while (all_turns < enough && arch::clock_ns() < deadline_ns) {
            if (last.exchange(number) == number) continue;
            ++turns[number];
            ++all_turns;
        }
        times_run[number] = sched::current_thread().involuntary_switches + 1;
        u64 user_ns, system_ns;
        scheduler.account(sched::current_thread(), user_ns, system_ns);
        used_ns[number] = user_ns + system_ns;
    }
};

}

SELF_TEST(sched_hogs_share_as_the_policy_says) {
    Hogs hogs;
    bool const takes_turns = scheduler.policy().name() != "fifo";
    u64 const start_ns = arch::clock_ns();
    hogs.deadline_ns = takes_turns ? in_ms(60'000) : start_ns + 10 * scheduler.quantum_ns();
    {
        RealtimeScope above(50);   // none runs before all are there
        Crew crew(hogs, 3);
        REQUIRE(crew.start_all(&Hogs::burn));
        crew.join();
    }
    u64 const elapsed_ns = arch::clock_ns() - start_ns;
    u64 const sum_ns = hogs.used_ns[0] + hogs.used_ns[1] + hogs.used_ns[2];
    CHECK(sum_ns <= elapsed_ns && sum_ns >= elapsed_ns / 2);
    if (takes_turns) {
        // Between two turns of one, each of the others was on. (dynamic: by share, not by turn. Who ran too long,
        // because the host was elsewhere, is passed over later.)
        if (scheduler.policy().name() != "dynamic") CHECK(std::ranges::max(hogs.turns) <= std::ranges::min(hogs.times_run) + 1);
        CHECK(hogs.all_turns >= Hogs::enough);
        CHECK(elapsed_ns >= (Hogs::enough - 1) * scheduler.quantum_ns());
    } else {
        CHECK(hogs.turns[0] == 1 && hogs.turns[1] == 0 && hogs.turns[2] == 0);
        CHECK(hogs.used_ns[0] >= sum_ns * 9 / 10);
    }
}

SELF_TEST(sched_priority_policy_serves_low_nice_values_first) {
    if (scheduler.policy().name() != "priority") return;
    struct {
        u32 order[3] = {}, count = 0;
        void run(u32 number) { order[count++] = number; }
    } work;
    {
        RealtimeScope above(50);
        Crew crew(work, 3);
        REQUIRE(crew.start(&decltype(work)::run, 10) && crew.start(&decltype(work)::run, -10) && crew.start(&decltype(work)::run, 0));
        crew.join();
    }
    CHECK(work.order[0] == 1 && work.order[1] == 2 && work.order[2] == 0);
}

SELF_TEST(sched_realtime_priorities_run_in_order) {
    struct {
        u32 order[4] = {}, count = 0;
        void run(u32 number) { order[count++] = number; }
    } work;
    {
        RealtimeScope above(50);
        Crew crew(work, 4);
        static constexpr u8 priorities[] = {10, 30, 20, 30};
        for (u8 priority : priorities) {
            sched::Thread* thread = crew.start(&decltype(work)::run);
            REQUIRE(thread);
            scheduler.set_class(*thread, sched::SchedulingClass::Fifo, priority);
        }
        CHECK(work.count == 0);   // nothing below us has run
        crew.join();
    }
    CHECK(work.order[0] == 1 && work.order[1] == 3 && work.order[2] == 2 && work.order[3] == 0);
}

SELF_TEST(sched_raising_a_ready_thread_preempts) {
    struct {
        std::atomic<bool> ran{false};
        sync::Semaphore end{0};                 // a thread must not end while its class is changed
        void run(u32) {
            ran = true;
            (void)end.down();
        }
    } work;
    RealtimeScope above(50);
    Crew crew(work, 1);
    sched::Thread* thread = crew.start(&decltype(work)::run);
    REQUIRE(thread);
    scheduler.set_class(*thread, sched::SchedulingClass::Fifo, 50);
    CHECK(!work.ran);   // an equal waits
    scheduler.set_class(*thread, sched::SchedulingClass::RoundRobin, 51);
    CHECK(work.ran);
    work.end.up();
}

SELF_TEST(sched_waking_a_realtime_thread_preempts_the_waker) {
    struct {
        sync::Semaphore event{0};
        std::atomic<bool> seen{false};
        bool at_once = false;
        void wake(u32) {
            event.up();
            at_once = seen.load();
        }
    } work;
    RealtimeScope above(50);
    Crew crew(work, 1);
    REQUIRE(crew.start(&decltype(work)::wake));
    CHECK(work.event.down().has_value());
    work.seen = true;
    crew.join();
    CHECK(work.at_once);
}

SELF_TEST(sched_yield_alternates_equals) {
    struct {
        u32 turn = 0, wrong = 0;
        void run(u32 number) {
            for (u32 i = 0; i < 1000; ++i) {
                if (turn++ % 2 != number) ++wrong;
                scheduler.yield();
            }
        }
    } work;
    RealtimeScope above(50);
    Crew crew(work, 2);
    for (u32 i = 0; i < 2; ++i) {
        sched::Thread* thread = crew.start(&decltype(work)::run);
        REQUIRE(thread);
        scheduler.set_class(*thread, sched::SchedulingClass::Fifo, 10);   // no quantum disturbs the turns
    }
    crew.join();
    CHECK(work.turn == 2000);
    CHECK(work.wrong == 0);
}

SELF_TEST(sched_ended_threads_give_their_memory_back) {
    struct { void run(u32) {} } work;
    auto const many = [&] {
        for (u32 round = 0; round < 20; ++round) {
            Crew crew(work, 10);
            CHECK(crew.start_all(&decltype(work)::run));
        }
    };
    many();
    u64 const before = mm::free_frames();
    many();
    u64 const limit_ns = in_ms(1000);
    while (mm::free_frames() != before && arch::clock_ns() < limit_ns) scheduler.yield();
    CHECK(mm::free_frames() == before);
}

SELF_TEST(sched_ending_threads_are_not_preempted) {
    struct {
        sync::Semaphore event{0};
        std::atomic<bool> ended{false};
        void end(u32) {
            (void)scheduler.begin_exit();
            event.up();   // wakes a realtime thread
            u64 const end_ns = arch::clock_ns() + scheduler.quantum_ns() + 5 * ns_per_ms;
            while (arch::clock_ns() < end_ns) arch::relax();
            ended = true;
        }
    } work;
    RealtimeScope above(50);
    Crew crew(work, 1);
    REQUIRE(crew.start(&decltype(work)::end));
    CHECK(work.event.down().has_value());
    CHECK(work.ended);
}

SELF_TEST(sched_time_used_is_accounted) {
    u64 user_ns, system_ns, user_after_ns, system_after_ns;
    u64 const start_ns = arch::clock_ns();   // before the first and after the second look: an emulated CPU may stand still anywhere
    scheduler.account(sched::current_thread(), user_ns, system_ns);
    while (arch::clock_ns() < start_ns + 20 * ns_per_ms) arch::relax();
    scheduler.account(sched::current_thread(), user_after_ns, system_after_ns);
    u64 const elapsed_ns = arch::clock_ns() - start_ns;
    u64 const used_ns = user_after_ns + system_after_ns - user_ns - system_ns;
    CHECK(used_ns > 0 && used_ns <= elapsed_ns + ns_per_ms);
    CHECK(user_after_ns == user_ns);

    u64 const idle_before_ns = scheduler.idle_ns(CpuId(0));
    CHECK(scheduler.sleep_until(in_ms(20), sched::Interruptible::No).has_value());
    CHECK(scheduler.idle_ns(CpuId(0)) > idle_before_ns);
}
