// SPDX-License-Identifier: MIT
// sync::Mutex<rank>: a sleeping lock with one owner. Uncontended: one atomic exchange. Who finds it taken by a
// thread that runs on another CPU spins for a while before it sleeps. A woken
// waiter competes with newcomers once; if it loses, the next release hands the lock to it,
// so a lock that is not fought for makes no convoys and one that is starves no one. The most urgent waiter comes
// first, and the owner inherits its urgency (sched/inheritance.h).
#pragma once

#include <atomic>

#include <base/lock_rank.h>
#include <base/locked.h>
#include <base/panic.h>
#include <base/thread_annotations.h>

#include "sched/inheritance.h"
#include "sched/wait_queue.h"

namespace sync {

class CAPABILITY("mutex") MutexBase {
public:
    constexpr explicit MutexBase(LockRank rank) : rank_(rank) {}
    MutexBase(MutexBase const&) = delete;
    MutexBase& operator=(MutexBase const&) = delete;
    void acquire() ACQUIRE();
    bool try_acquire() TRY_ACQUIRE(true);
    void release() RELEASE();
    bool is_held_by_current() const { return core_.owner.load(std::memory_order_relaxed) == &sched::current_thread(); }
    /// For the analysis, where it cannot see that (in a function that the holder passes on).
    void assert_held() const ASSERT_CAPABILITY(this) { DEBUG_ASSERT(is_held_by_current()); }
private:
    struct Waiter;
    bool take(sched::Thread& self);
    bool spin(sched::Thread& self);
    void acquire_slowly();
    void release_to_waiter(sched::Thread& self);
    bool is_granted(Waiter& waiter);

    sched::Inheritable core_;
    LockRank rank_;
};

template <LockRank rank>
class CAPABILITY("mutex") Mutex : public MutexBase {
    static_assert(is_sleeping(rank), "this rank belongs to spin locks");
public:
    constexpr Mutex() : MutexBase(rank) {}
    using Guard = base::Locked<Mutex>;
};

}

template <LockRank rank>
class SCOPED_CAPABILITY [[nodiscard]] base::Locked<sync::Mutex<rank>> {
public:
    explicit Locked(sync::Mutex<rank>& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.acquire(); }
    ~Locked() RELEASE() { mutex_.release(); }
    Locked(Locked const&) = delete;
    Locked& operator=(Locked const&) = delete;
private:
    sync::Mutex<rank>& mutex_;
};
