// SPDX-License-Identifier: MIT
// What the two kinds of futex share: the hash table's buckets, keys, and words that are not in memory.
#pragma once

#include "kernel/process/futex/futex.h"

namespace process {

struct PiState;

struct FutexTable::Bucket {
    SpinLock<LockRank::futex, InterruptsOff> lock;
    sched::WaitList waiters GUARDED_BY(lock);
    PiState* pi_states GUARDED_BY(lock) = nullptr;
    /// Waiters, who is about to be one, and PI states. Ordering: a full fence between a waiter's count and its look at the word,
    /// and between a waker's change of the word and its look at the count.
    std::atomic<u32> count{0};

    /// The futex's owner and waiters, if it is one with priority inheritance.
    PiState* find_pi_state(FutexKey const& key) const REQUIRES(lock);
};
using BucketGuard = decltype(FutexTable::Bucket::lock)::Guard;

FutexTable::Bucket& bucket_of(FutexKey const& key);
std::span<FutexTable::Bucket> all_buckets();
/// EINVAL: not aligned. EFAULT: not the program's, or (shared) nothing mapped, or memory of its own that it cannot write to.
Result<FutexKey> key_of(FutexWord word);
/// Brings the word in, where sleeping is allowed. EFAULT.
Result<> fault_in(UserAddr address);
/// The same for writing: exchanges the value with itself.
Result<> fault_in_writable(UserAddr address);

}
