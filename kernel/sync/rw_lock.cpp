// SPDX-License-Identifier: MIT
// State changes are single atomic operations; the wait queues only make losers sleep.
#include "kernel/sync/rw_lock.h"

#include <base/config.h>

namespace sync {
namespace {

void check_before(LockRank rank, void const* lock) {
    if constexpr (config::debug) {
        arch::lock_check_may_sleep();
        arch::lock_check_acquire(rank, lock);
    }
}

void check_after(LockRank rank, void const* lock) {
    if constexpr (config::debug) arch::lock_check_release(rank, lock);
}

}

bool RwLockBase::take_shared() {
    if (waiting_writers_.load(std::memory_order_relaxed) != 0) return false;
    u32 readers = state_.load(std::memory_order_relaxed);
    while (!(readers & writer)) {
        // Ordering: acquire, with the releases below.
        if (state_.compare_exchange_weak(readers, readers + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
    return false;
}

bool RwLockBase::take_exclusive() {
    u32 nobody = 0;
    // Ordering: acquire, with the releases below.
    return state_.compare_exchange_strong(nobody, writer, std::memory_order_acquire, std::memory_order_relaxed);
}

/// The lock is free: a writer if one waits, else all readers.
void RwLockBase::wake_next() {
    writers_.wake_one();
    if (waiting_writers_.load(std::memory_order_relaxed) == 0) readers_.wake_all();
}

void RwLockBase::acquire_shared() {
    check_before(rank_, this);
    // Not interruptible and no deadline: wait() cannot fail.
    if (!take_shared()) (void)readers_.wait([this] { return take_shared(); }, sched::Interruptible::No);
}

void RwLockBase::release_shared() {
    check_after(rank_, this);
    // Ordering: release, with take_exclusive().
    if (state_.fetch_sub(1, std::memory_order_release) == 1) wake_next();
}

void RwLockBase::acquire_exclusive() {
    check_before(rank_, this);
    if (take_exclusive()) return;
    waiting_writers_.fetch_add(1, std::memory_order_relaxed);
    (void)writers_.wait([this] { return take_exclusive(); }, sched::Interruptible::No);
    waiting_writers_.fetch_sub(1, std::memory_order_relaxed);
}

void RwLockBase::release_exclusive() {
    check_after(rank_, this);
    // Ordering: release, with both takes.
    state_.store(0, std::memory_order_release);
    wake_next();
}

}
