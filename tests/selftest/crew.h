// SPDX-License-Identifier: MIT
// Crew: some kernel threads of one test and the wait for their end. What a thread gets
// is its number; what it works on is a struct of the test's.
#pragma once

#include <arch/time.h>

#include "sched/wait_queue.h"

namespace selftest {

template <class Work>
class Crew {
public:
    /// Thread `number` runs (work.*function)(number).
    Crew(Work& work, u32 size) : work_(work), size_(size) {}
    Crew(Crew const&) = delete;
    Crew& operator=(Crew const&) = delete;
    ~Crew() { join(); }

    /// Starts the next thread; null when memory is out. The pointer holds while the thread cannot have ended.
    sched::Thread* start(void (Work::*function)(u32), int nice = 0) {
        Task& task = tasks_[started_];
        task = {this, function, started_};
        auto thread = sched::scheduler.create_kernel_thread("test", &Crew::run, &task, nice);
        if (!thread) return nullptr;
        ++started_;
        return *thread;
    }
    bool start_all(void (Work::*function)(u32)) {
        while (started_ < size_)
            if (!start(function)) return false;
        return true;
    }
    void join() {
        (void)all_ended_.wait([this] {
            Locked guard(lock_);
            return ended_ == started_;
        }, sched::Interruptible::No);
    }

private:
    static constexpr u32 most = 16;
    struct Task { Crew* crew = nullptr; void (Work::*function)(u32) = nullptr; u32 number = 0; };
    static void run(void* argument) {
        Task const& task = *static_cast<Task*>(argument);
        (task.crew->work_.*task.function)(task.number);
        // The wake happens under the lock: who sees the count may destroy the crew.
        Crew& crew = *task.crew;
        (void)sched::scheduler.begin_exit();   // so that who is woken finds its stack given back
        Locked guard(crew.lock_);
        ++crew.ended_;
        crew.all_ended_.wake_all();
    }
    Work& work_;
    u32 size_, started_ = 0;
    Task tasks_[most];
    SpinLock<LockRank::device, InterruptsOff> lock_;
    u32 ended_ GUARDED_BY(lock_) = 0;
    sched::WaitQueue all_ended_;
};

/// A hint, but a thread that nobody wakes stays blocked.
inline bool is_blocked(sched::Thread const& thread) { return __atomic_load_n(&thread.state, __ATOMIC_RELAXED) == sched::ThreadState::Blocked; }

inline u64 in_ms(u64 ms) { return arch::clock_ns() + ms * ns_per_ms; }

/// Sleeps until the condition holds, ten seconds at most.
template <class Condition>
bool comes_true(Condition&& condition) {
    for (u64 const end_ns = in_ms(10'000); !condition() && arch::clock_ns() < end_ns;)
        if (!sched::scheduler.sleep_until(in_ms(1), sched::Interruptible::No)) return false;
    return condition();
}

/// The test's own thread above (or again among) the threads it starts.
class RealtimeScope {
public:
    explicit RealtimeScope(u8 priority) { sched::scheduler.set_class(sched::current_thread(), sched::SchedulingClass::Fifo, priority); }
    ~RealtimeScope() { sched::scheduler.set_class(sched::current_thread(), sched::SchedulingClass::Other, 0); }
    RealtimeScope(RealtimeScope const&) = delete;
    RealtimeScope& operator=(RealtimeScope const&) = delete;
};

}
