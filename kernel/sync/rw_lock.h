// SPDX-License-Identifier: MIT
// sync::RwLock<rank>: many readers or one writer; both may sleep. A waiting writer keeps
// new readers out, so readers must not take it twice. No owner is known: it may be
// released by another thread than the one that took it.
#pragma once

#include <atomic>

#include <base/lock_rank.h>
#include <base/panic.h>
#include <base/thread_annotations.h>

#include "sched/wait_queue.h"

namespace sync {

class CAPABILITY("rw lock") RwLockBase {
public:
    constexpr explicit RwLockBase(LockRank rank) : rank_(rank) {}
    RwLockBase(RwLockBase const&) = delete;
    RwLockBase& operator=(RwLockBase const&) = delete;
    void acquire_shared() ACQUIRE_SHARED();
    void release_shared() RELEASE_SHARED();
    void acquire_exclusive() ACQUIRE();
    void release_exclusive() RELEASE();
    /// Held for writing: for the analysis, where it cannot see that (in a function that the holder passes on).
    void assert_held() const ASSERT_CAPABILITY(this) { DEBUG_ASSERT(state_.load(std::memory_order_relaxed) == writer); }
private:
    static constexpr u32 writer = 0x8000'0000;   ///< in state_: held by a writer; else the number of readers
    bool take_shared();
    bool take_exclusive();
    void wake_next();

    std::atomic<u32> state_{0};
    std::atomic<u32> waiting_writers_{0};
    LockRank rank_;
    sched::WaitQueue readers_, writers_;
};

template <LockRank rank>
class CAPABILITY("rw lock") RwLock : public RwLockBase {
    static_assert(is_sleeping(rank), "this rank belongs to spin locks");
public:
    constexpr RwLock() : RwLockBase(rank) {}
    class SCOPED_CAPABILITY [[nodiscard]] ReadGuard {
    public:
        explicit ReadGuard(RwLock& lock) ACQUIRE_SHARED(lock) : lock_(lock) { lock_.acquire_shared(); }
        ~ReadGuard() RELEASE() { lock_.release_shared(); }
        ReadGuard(ReadGuard const&) = delete;
        ReadGuard& operator=(ReadGuard const&) = delete;
    private:
        RwLock& lock_;
    };
    class SCOPED_CAPABILITY [[nodiscard]] WriteGuard {
    public:
        explicit WriteGuard(RwLock& lock) ACQUIRE(lock) : lock_(lock) { lock_.acquire_exclusive(); }
        ~WriteGuard() RELEASE() { lock_.release_exclusive(); }
        WriteGuard(WriteGuard const&) = delete;
        WriteGuard& operator=(WriteGuard const&) = delete;
    private:
        RwLock& lock_;
    };
};

}
