// SPDX-License-Identifier: MIT
// Timers in deadline order, one tree per CPU. The alarm is set for the earliest of: the first timer, the end of the
// running thread's quantum, the statistics tick; an idle CPU has only timers.
// arm() and cancel() of one timer must not race with each other; both may race with the callback.
#pragma once

#include <atomic>

#include <arch/per_cpu.h>
#include <arch/spin_lock.h>
#include <arch/time.h>
#include <base/intrusive.h>
#include <base/types.h>

namespace sched {

class TimerQueue;

inline constexpr u64 no_alarm = ~u64{0};

class Timer {
public:
    /// Runs in the timer interrupt with interrupts off; must be short; may re-arm the timer.
    using Callback = void (*)(Timer& timer);
    explicit Timer(Callback callback) : callback_(callback) {}
    ~Timer();                               ///< cancels, and waits for a running callback
    Timer(Timer const&) = delete;
    Timer& operator=(Timer const&) = delete;
    void arm(u64 deadline_ns);              ///< of clock_ns(); re-arms if armed
    bool cancel();                          ///< false: was not armed or has fired
    void finish();                          ///< the same; hold no lock that the callback takes
    // Ordering: acquire, pairs with the release when it fires: a reader that sees it fired sees what came before.
    bool is_armed() const { return queue_.load(std::memory_order_acquire) != nullptr; }
    u64 deadline_ns() const { return deadline_ns_; }

    base::TreeHook hook;                    ///< the queue's lock guards it, and deadline_ns_ while armed
    struct Deadline { using type = u64; u64 operator()(Timer const& t) const { return t.deadline_ns_; } };
private:
    friend class TimerQueue;
    Callback callback_;
    u64 deadline_ns_ = 0;
    std::atomic<TimerQueue*> queue_{nullptr};   ///< where it is armed
    TimerQueue* last_queue_ = nullptr;          ///< where its callback may still be running
};

/// One CPU's timers.
class TimerQueue {
public:
    void insert(Timer& timer, u64 deadline_ns);             ///< interrupts off, on its own CPU
    bool insert_if_running(Timer& timer, u64 deadline_ns);  ///< interrupts off; false: its callback does not run here
    bool remove(Timer& timer);
    /// Runs at most `most` of the due callbacks; for the rest the alarm rings again at once. Interrupts off, on its
    /// own CPU.
    void run_expired(u64 now_ns, unsigned most);
    u64 first_deadline_ns() const;                          ///< no_alarm: none is armed
    // Ordering: acquire, pairs with the release after the callback: ~Timer frees what the callback used.
    bool is_running(Timer const& timer) const { return running_.load(std::memory_order_acquire) == &timer; }
private:
    void add(Timer& timer, u64 deadline_ns) REQUIRES(lock_);
    mutable SpinLock<LockRank::timer, InterruptsOff> lock_;
    base::MultiTree<Timer, &Timer::hook, Timer::Deadline> timers_ GUARDED_BY(lock_);
    std::atomic<Timer*> running_{nullptr};
};

/// Null until Scheduler::initialize().
extern arch::PerCpu<TimerQueue*> timer_queue;

/// What this CPU's alarm is set for, or no_alarm. Only its CPU uses it, with interrupts off.
extern arch::PerCpu<u64> alarm_ns;

/// Makes this CPU's alarm ring at `deadline_ns` or before. An earlier setting stays, because the alarm's handler
/// checks everything again. Interrupts off.
inline void alarm_no_later_than(u64 deadline_ns) {
    if (deadline_ns >= alarm_ns.read()) [[likely]] return;
    alarm_ns.write(deadline_ns);
    arch::set_alarm(deadline_ns);
}
/// The alarm rang: it is no longer set.
inline void alarm_rang() { alarm_ns.write(no_alarm); }

}
