// SPDX-License-Identifier: MIT
// Sleeping locks under preemption and contention.
#include <atomic>

#include "kernel/sync/condition_variable.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/rw_lock.h"
#include "kernel/sync/semaphore.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::Interruptible;
using sched::scheduler;

namespace {

using TestMutex = sync::Mutex<LockRank::sleeping_leaf>;

}

SELF_TEST_ON_ALL_CPUS(mutex_excludes_under_preemption) {
    static constexpr u32 threads = 4, rounds = 3000;
    struct {
        TestMutex mutex;
        u64 counter = 0;
        std::atomic<u32> inside{0}, overlaps{0};
        void run(u32 number) {
            for (u32 i = 0; i < rounds; ++i) {
                Locked guard(mutex);
                if (inside++ != 0) ++overlaps;
                u64 const seen = counter;
                if (i % 16 == number) scheduler.yield();   // others run into the held lock
                counter = seen + 1;
                --inside;
            }
        }
    } work;
    Crew crew(work, threads);
    REQUIRE(crew.start_all(&decltype(work)::run));
    crew.join();
    CHECK(work.counter == threads * rounds);
    CHECK(work.overlaps == 0);
    CHECK(work.mutex.try_acquire());
    CHECK(work.mutex.is_held_by_current());
    work.mutex.release();
    CHECK(!work.mutex.is_held_by_current());
}

SELF_TEST(mutex_starves_no_one) {
    struct {
        TestMutex mutex;
        std::atomic<bool> waiter_done{false};
        bool in_time = false;
        void greedy(u32) {
            // Asleep inside and quick outside: the waiter only ever finds the lock taken.
            for (u32 i = 0; i < 50 && !waiter_done; ++i) {
                Locked guard(mutex);
                (void)scheduler.sleep_until(in_ms(1), Interruptible::No);
            }
            in_time = waiter_done;
        }
        void waiter(u32) {
            Locked guard(mutex);
            waiter_done = true;
        }
    } work;
    Crew crew(work, 2);
    REQUIRE(crew.start(&decltype(work)::greedy) && crew.start(&decltype(work)::waiter));
    crew.join();
    CHECK(work.in_time);
}

SELF_TEST(semaphores_count) {
    sync::Semaphore semaphore(2);
    CHECK(semaphore.try_down() && semaphore.try_down() && !semaphore.try_down());
    u64 const deadline_ns = in_ms(3);
    auto const late = semaphore.down(Interruptible::Yes, deadline_ns);
    CHECK(!late && late.error() == Errno(ETIMEDOUT) && arch::clock_ns() >= deadline_ns);
    semaphore.up();
    CHECK(semaphore.down().has_value());
    CHECK(!semaphore.try_down());
}

SELF_TEST_ON_ALL_CPUS(semaphores_carry_a_bounded_buffer) {
    static constexpr u32 items = 2000, size = 4;
    struct {
        sync::Semaphore room{size}, filled{0};
        TestMutex mutex;
        u32 ring[size] = {}, head = 0, tail = 0;
        u64 sum = 0;
        void produce(u32 number) {
            for (u32 i = 0; i < items; ++i) {
                (void)room.down();
                {
                    Locked guard(mutex);
                    ring[head++ % size] = number * items + i;
                }
                filled.up();
            }
        }
        void consume(u32) {
            for (u32 i = 0; i < items; ++i) {
                (void)filled.down();
                {
                    Locked guard(mutex);
                    sum += ring[tail++ % size];
                }
                room.up();
            }
        }
    } work;
    Crew crew(work, 4);
    REQUIRE(crew.start(&decltype(work)::produce) && crew.start(&decltype(work)::produce));
    REQUIRE(crew.start(&decltype(work)::consume) && crew.start(&decltype(work)::consume));
    crew.join();
    u64 const n = 2 * items;
    CHECK(work.sum == n * (n - 1) / 2);
    CHECK(work.head == n && work.tail == n);
}

SELF_TEST_ON_ALL_CPUS(semaphores_lose_no_unit_to_timeouts) {
    static constexpr u32 units = 2000;
    struct {
        sync::Semaphore semaphore{0};
        std::atomic<u32> taken{0}, timeouts{0};
        std::atomic<bool> stop{false};
        void consume(u32 number) {
            for (u32 i = 0; !stop; ++i) {
                u64 const deadline_ns = arch::clock_ns() + (number * 131 + i * 17) % 60 * ns_per_us;
                if (semaphore.down(Interruptible::No, deadline_ns)) ++taken;
                else ++timeouts;
            }
        }
    } work;
    Crew crew(work, 3);
    REQUIRE(crew.start_all(&decltype(work)::consume));
    for (u32 i = 0; i < units; ++i) {
        work.semaphore.up();
        if (i % 8 == 0) (void)scheduler.sleep_until(arch::clock_ns() + 20 * ns_per_us, Interruptible::No);
    }
    u64 const limit_ns = in_ms(5000);
    while (work.taken < units && arch::clock_ns() < limit_ns) (void)scheduler.sleep_until(in_ms(1), Interruptible::No);
    work.stop = true;
    crew.join();
    CHECK(work.taken == units);
    CHECK(work.timeouts > 0);
    CHECK(!work.semaphore.try_down());
}

SELF_TEST_ON_ALL_CPUS(condition_variables_signal_and_broadcast) {
    struct {
        TestMutex mutex;
        sync::ConditionVariable changed;
        u32 waiting = 0, released = 0, tickets = 0;
        std::atomic<u32> failed{0};
        void wait(u32) {
            Locked guard(mutex);
            ++waiting;
            while (tickets == 0)
                if (!changed.wait(mutex, Interruptible::No, in_ms(10'000))) ++failed;
            if (!mutex.is_held_by_current()) ++failed;
            --tickets;
            ++released;
        }
        u32 count(u32 const& what) {
            Locked guard(mutex);
            return what;
        }
        void give(u32 number) {
            Locked guard(mutex);
            tickets += number;
        }
    } work;
    auto const reaches = [&](u32 const& what, u32 value) {
        for (u64 const limit_ns = in_ms(5000); arch::clock_ns() < limit_ns; (void)scheduler.sleep_until(in_ms(1), Interruptible::No))
            if (work.count(what) == value) return true;
        return false;
    };
    Crew crew(work, 4);
    REQUIRE(crew.start_all(&decltype(work)::wait));
    CHECK(reaches(work.waiting, 4));
    work.give(1);
    work.changed.signal();
    CHECK(reaches(work.released, 1));
    work.give(3);
    work.changed.broadcast();
    crew.join();
    CHECK(work.released == 4 && work.tickets == 0 && work.failed == 0);

    Locked guard(work.mutex);
    auto const late = work.changed.wait(work.mutex, Interruptible::Yes, in_ms(2));
    CHECK(!late && late.error() == Errno(ETIMEDOUT));
    CHECK(work.mutex.is_held_by_current());
}

SELF_TEST(rw_lock_lets_readers_in_together_and_writers_alone) {
    static constexpr u32 rounds = 300;
    struct {
        sync::RwLock<LockRank::sleeping_leaf> lock;
        std::atomic<u32> readers{0}, writers{0}, together{0}, wrong{0};
        u32 value = 0;
        void read(u32) {
            for (u32 i = 0; i < rounds; ++i) {
                decltype(lock)::ReadGuard guard(lock);
                if (++readers > 1) ++together;
                if (writers != 0) ++wrong;
                scheduler.yield();
                --readers;
            }
        }
        void write(u32) {
            for (u32 i = 0; i < rounds; ++i) {
                decltype(lock)::WriteGuard guard(lock);
                if (++writers > 1 || readers != 0) ++wrong;
                u32 const seen = value;
                scheduler.yield();
                value = seen + 1;
                --writers;
            }
        }
    } work;
    Crew crew(work, 5);
    for (u32 i = 0; i < 3; ++i) REQUIRE(crew.start(&decltype(work)::read));
    for (u32 i = 0; i < 2; ++i) REQUIRE(crew.start(&decltype(work)::write));
    crew.join();
    CHECK(work.value == 2 * rounds);
    CHECK(work.wrong == 0);
    CHECK(work.together > 0);
}
