// SPDX-License-Identifier: MIT
// WaitQueue: threads that wait for one event. Wakers may be interrupt handlers. A waiter's node is on its own stack;
// waking is O(1) per waiter, first come, first served.
// Invariant: a queue outlives the wake call that ends the last wait on it.
#pragma once

#include <atomic>

#include <base/result.h>

#include "sched/scheduler.h"
#include "sched/wait_list.h"
#include "sched/wake_observer.h"

namespace sched {

inline constexpr u64 no_deadline = ~u64{0};

class WaitQueue {
public:
    constexpr WaitQueue() = default;

    /// Blocks until `condition()` is true. The condition is evaluated without the queue's lock, at least
    /// once before sleeping and after each wake-up; the waker makes it true *before* it wakes.
    /// Errors: EINTR (a signal of the sort that `kind` allows), ETIMEDOUT (deadline of clock_ns() passed).
    template <class Condition>
    Result<> wait(Condition&& condition, Interruptible kind = Interruptible::Yes, u64 deadline_ns = no_deadline) {
        if (condition()) return {};
        Waiter waiter(*this);
        for (;;) {
            waiter.prepare(kind);
            if (condition()) return {};
            Result<> const result = waiter.sleep(kind, deadline_ns);
            if (condition()) return {};
            if (!result) return result;
        }
    }

    /// Cheap if no thread waits. `events`: what has become true, for observers.
    void wake_one();
    void wake_all(WakeEvents events = 0);
    /// For a relay's make_wakes(): wakes that follow from this one go into its chain.
    void relay_all(WakeEvents events, Relay::Chain& chain);
    bool has_waiters() const { return count_.load(std::memory_order_relaxed) != 0; }

    /// One thread in the queue, for callers that need more than wait(), or that wait on several queues (prepare on
    /// one, enter the others, check every condition, sleep on the first).
    class Waiter : private WaitNode {
    public:
        explicit Waiter(WaitQueue& queue) : queue_(queue), thread_(current_thread()) {}
        /// Leaves the queue, cancels a prepared block.
        // Ordering: acquire, pairs with the release in wake_first(): the waker has finished with this thread.
        ~Waiter() { if (state_.load(std::memory_order_acquire) != State::Woken) leave_for_good(); }
        Waiter(Waiter const&) = delete;
        Waiter& operator=(Waiter const&) = delete;
        void prepare(Interruptible kind);           ///< prepares to block, enters the queue
        void enter();                               ///< enters the queue only: the thread has prepared to block elsewhere
        /// True if a wake has come since the thread entered. A caller whose conditions may sleep enters, checks them,
        /// prepares on another queue, and then asks this: a wake before prepare() is seen here, a later one by
        /// sleep().
        bool is_woken() const { return state_.load(std::memory_order_acquire) != State::Queued; }
        /// Success: woken, or a spurious return. EINTR, ETIMEDOUT: the waiter has left the queue, and no wake_one()
        /// was lost on it.
        Result<> sleep(Interruptible kind, u64 deadline_ns);
    private:
        friend class WaitQueue;
        enum class State : u8 {
            Outside,   ///< never in the queue, or left it
            Queued,
            Waking,    ///< removed by a waker that has not finished with it
            Woken,
        };
        bool leave();
        void leave_for_good();
        Result<> give_up(int error);
        Result<> sleep_until(Interruptible kind, u64 deadline_ns);
        WaitQueue& queue_;
        Thread& thread_;
        std::atomic<State> state_{State::Outside};  ///< changes under queue_.lock_
    };

private:
    friend class WakeObserver;
    class Bookmark;
    static constexpr u32 at_once = 32;         ///< woken or notified in one stretch with interrupts off
    void wake_first() REQUIRES(lock_);
    bool wake_waiters();
    bool tell_some(Bookmark& mark, WakeEvents events, Relay::Chain& chain);
    void tell_observers(WakeEvents events);

    mutable SpinLock<LockRank::wait_queue, InterruptsOff> lock_;
    /// Length of waiters_ and observers_. Ordering: relaxed under lock_; wakers read it after a full fence, see
    /// wake_one().
    std::atomic<u32> count_{0};
    WaitList waiters_ GUARDED_BY(lock_);
    WaitList observers_ GUARDED_BY(lock_);     ///< notified at each wake, see wake_observer.h
};

}
