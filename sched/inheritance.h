// SPDX-License-Identifier: MIT
// Priority inheritance: the owner of a lock is as urgent as the most urgent of those who wait for it, and if it waits for
// such a lock itself, so is that one's owner, and so on (L. Sha, R. Rajkumar, J. Lehoczky: "Priority Inheritance Protocols",
// IEEE Transactions on Computers 39, 1990). Inheritable is what sync::Mutex and futexes are made of: the owner, and the
// waiters in order of urgency.
//
// A realtime waiter's urgency is always given to the owner, another's only if it is more urgent than the owner by itself.
// Everybody else meets no lock here but the Inheritable's own.
#pragma once

#include <atomic>
#include <optional>

#include "sched/thread.h"

namespace sched {

class Inheritable;

/// A running thread that is about to wait; on its own stack.
struct InheritableWaiter : UrgencyNode {
    explicit InheritableWaiter(Inheritable& awaited) : thread(current_thread()), lock(awaited) {}
    InheritableWaiter(InheritableWaiter const&) = delete;
    InheritableWaiter& operator=(InheritableWaiter const&) = delete;
    ~InheritableWaiter();                       ///< waits for those who follow the chain through it; they do not sleep
    Thread& thread;
    Inheritable& lock;
    u32 ticket = 0;                             ///< order of arrival. GUARDED_BY lock's
    bool is_queued = false;                     ///< GUARDED_BY lock's
};

class Inheritable {
public:
    constexpr Inheritable() = default;
    Inheritable(Inheritable const&) = delete;
    Inheritable& operator=(Inheritable const&) = delete;

    /// Null: free. Whoever waits, with a Guard held, finds an owner that cannot end: it must take the lock before it is one
    /// no longer, or look at waiting() after that and find 0 (which the last waiter makes it after its last look).
    std::atomic<Thread*> owner{nullptr};
    u32 waiting() const { return waiting_.load(std::memory_order_seq_cst); }

    /// Holds the lock for a scope. Owner, waiters and urgencies may change in it; its end sees to it that the owner inherits.
    class SCOPED_CAPABILITY [[nodiscard]] Guard {
    public:
        explicit Guard(Inheritable& lock) ACQUIRE(lock.lock_) : lock_(lock), held_(std::in_place, lock.lock_) {}
        ~Guard() RELEASE();
        Guard(Guard const&) = delete;
        Guard& operator=(Guard const&) = delete;
        void enter(InheritableWaiter& waiter);
        void leave(InheritableWaiter& waiter);
        InheritableWaiter* most_urgent() const {
            lock_.lock_.assert_held();
            return static_cast<InheritableWaiter*>(lock_.waiters_.first());
        }
        /// The most urgent; but sometimes the one who has waited longest, so that nobody waits for ever, unless for realtime threads.
        InheritableWaiter* next_to_serve() const;
    private:
        arch::PreemptGuard const preempt_;      // longer than the lock: see InheritableWaiter::~InheritableWaiter
        Inheritable& lock_;
        std::optional<SpinLock<LockRank::wait_queue, InterruptsOff>::Guard> held_;
        u32 left_ = 0;
    };

    /// The thread's own urgency has changed: if it waits for something, that one's owner shall know. It cannot end meanwhile.
    static void urgency_changed(Thread& thread);
    /// Does the owner wait, directly or by others, for a lock of the running thread's? Then to wait would be a deadlock.
    bool leads_to_current_thread();

private:
    friend struct InheritableWaiter;
    static InheritableWaiter* pin_waiter(Thread& thread);
    static void unpin(Thread& thread);
    static void follow(InheritableWaiter* waiter);
    InheritableWaiter* settle() REQUIRES(lock_);
    InheritableWaiter* give_to(Thread* beneficiary, Level level) REQUIRES(lock_);
    InheritableWaiter* reorder(InheritableWaiter& waiter) REQUIRES(lock_);

    SpinLock<LockRank::wait_queue, InterruptsOff> lock_;
    std::atomic<u32> waiting_{0};               ///< counts a waiter before the owner is looked at, and until nobody is to inherit from it
    u32 tickets_ GUARDED_BY(lock_) = 0, served_ GUARDED_BY(lock_) = 0;
    UrgencyList waiters_ GUARDED_BY(lock_);
    Thread* beneficiary_ GUARDED_BY(lock_) = nullptr;   ///< the owner, while it inherits
    UrgencyNode gift_ GUARDED_BY(lock_);        ///< in beneficiary_->gifts; by the inheritance lock too
};

}
