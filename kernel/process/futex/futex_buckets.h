// SPDX-License-Identifier: MIT
// What both kinds of futex share: the buckets of the hash table, the keys, and the faulting-in of words that are not in memory.
#pragma once

#include "kernel/process/futex/futex.h"

namespace process {

struct PiState;

struct FutexTable::Bucket {
    SpinLock<LockRank::futex, InterruptsOff> lock;
    sched::WaitList waiters GUARDED_BY(lock);
    PiState* pi_states GUARDED_BY(lock) = nullptr;
    /// Waiters, threads about to become one, and PI states. Ordering: a full fence between a waiter's increment and its read of the
    /// word, and between a waker's change of the word and its read of the count.
    std::atomic<u32> count{0};

    /// The owner and waiters of a futex with priority inheritance; null: it has no waiters.
    PiState* find_pi_state(FutexKey const& key) const REQUIRES(lock);
};
using BucketGuard = decltype(FutexTable::Bucket::lock)::Guard;

FutexTable::Bucket& bucket_of(FutexKey const& key);
std::span<FutexTable::Bucket> all_buckets();
/// EINVAL: not aligned. EFAULT: not a user address, or (shared) not mapped, or private memory that the program cannot write to.
Result<FutexKey> key_of(FutexWord word);
/// Faults the word in, where sleeping is allowed. EFAULT.
Result<> fault_in(UserAddr address);
/// The same for writing: exchanges the value with itself.
Result<> fault_in_writable(UserAddr address);

}
