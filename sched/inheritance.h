// SPDX-License-Identifier: MIT
// Priority inheritance: the owner of a lock is as urgent as the most urgent of its waiters; if the owner itself waits
// for such a lock, so is the owner of that lock, and so on (L. Sha, R. Rajkumar, J. Lehoczky: "Priority Inheritance
// Protocols", IEEE Transactions on Computers 39, 1990). Inheritable is the core of sync::Mutex and of futexes: the
// owner, and the waiters in order of urgency.
//
// A realtime waiter's urgency is always given to the owner; another waiter's only if it is more urgent than the owner
// itself. Threads that give nothing take only the Inheritable's own lock.
#pragma once

#include <atomic>
#include <optional>

#include "sched/thread.h"

namespace sched {

class Inheritable;

/// A running thread that is about to wait; lives on that thread's stack.
struct InheritableWaiter : UrgencyNode {
    explicit InheritableWaiter(Inheritable& awaited) : thread(current_thread()), lock(awaited) {}
    InheritableWaiter(InheritableWaiter const&) = delete;
    InheritableWaiter& operator=(InheritableWaiter const&) = delete;
    ~InheritableWaiter();                       ///< waits for threads that follow the chain through it; they do not sleep
    Thread& thread;
    Inheritable& lock;
    u32 ticket = 0;                             ///< order of arrival; the lock of `lock` guards it
    bool is_queued = false;                     ///< the same
};

class Inheritable {
public:
    constexpr Inheritable() = default;
    Inheritable(Inheritable const&) = delete;
    Inheritable& operator=(Inheritable const&) = delete;

    /// Null: free. A waiter that holds a Guard finds an owner that cannot end: before it stops being the owner it
    /// must take the lock, or afterwards read waiting() and find 0 (the last waiter sets it to 0 after its last
    /// access).
    std::atomic<Thread*> owner{nullptr};
    u32 waiting() const { return waiting_.load(std::memory_order_seq_cst); }

    /// Holds the lock for a scope in which owner, waiters and urgencies may change; its destructor updates what the
    /// owner inherits.
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
        /// The most urgent waiter; but sometimes the one that has waited longest, so that only realtime threads can
        /// make a waiter starve.
        InheritableWaiter* next_to_serve() const;
    private:
        arch::PreemptGuard const preempt_;      // outlasts the lock: see InheritableWaiter::~InheritableWaiter
        Inheritable& lock_;
        std::optional<SpinLock<LockRank::wait_queue, InterruptsOff>::Guard> held_;
        u32 left_ = 0;
    };

    /// The thread's own urgency has changed: if it waits, propagates the change along the chain of owners. The thread
    /// must not end during the call.
    static void urgency_changed(Thread& thread);
    /// True if the owner waits, directly or through others, for a lock of the running thread: waiting would be a
    /// deadlock.
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
    std::atomic<u32> waiting_{0};               ///< counts a waiter before the owner is read, until it gives nothing
    u32 tickets_ GUARDED_BY(lock_) = 0, served_ GUARDED_BY(lock_) = 0;
    UrgencyList waiters_ GUARDED_BY(lock_);
    Thread* beneficiary_ GUARDED_BY(lock_) = nullptr;   ///< the owner, while it inherits from here
    UrgencyNode gift_ GUARDED_BY(lock_);        ///< in beneficiary_->heir.gifts; also guarded by inheritance_lock
};

}
