// SPDX-License-Identifier: MIT
// Futexes without inheritance. No wake-up is lost: a waiter reads the word with its bucket locked and is in the list before it
// unlocks. A waker, which has changed the word, either finds the waiter queued, or took the lock first, and then the waiter sees
// the new value. A word that is not in memory cannot be read under a lock: it is faulted in without it, and the call starts over.
#include "kernel/process/futex/futex_buckets.h"

#include <array>

#include <linux/futex.h>

#include "kernel/process/process.h"
#include "sched/wake_timer.h"

namespace process {

constinit FutexTable futexes;

struct FutexTable::Waiter : sched::WaitNode {
    Waiter(FutexKey waited, u32 mask)
        : thread(sched::current_thread()), key(std::move(waited)), bits(mask), level(std::min(thread.own_level(), sched::first_fair_level)) {}
    /// Spins until the waker no longer uses this frame and its thread. The waker has little left to do, with interrupts off.
    // Ordering: acquire; pairs with the release in wake_one().
    void wait_for_waker() const { while (!released.load(std::memory_order_acquire)) arch::relax(); }
    sched::Thread& thread;
    FutexKey key;                            ///< its bucket's lock guards it
    u32 const bits;
    sched::Level const level;                ///< at the start of the wait; all that are not realtime are equal
    std::atomic<Bucket*> bucket{nullptr};    ///< null: woken. Written with its lock held (and the new bucket's, if it moves)
    std::atomic<bool> released{false};
};

namespace {

/// The most that are woken or moved in one hold of a bucket's lock (interrupts are off), since programs choose how many wait.
constexpr u32 most_at_once = 32;

constexpr size_t bucket_count = 256;
constinit std::array<FutexTable::Bucket, bucket_count> buckets;

}

std::span<FutexTable::Bucket> all_buckets() { return buckets; }

FutexTable::Bucket& bucket_of(FutexKey const& key) {
    u64 hash = (reinterpret_cast<u64>(key.object.get()) ^ reinterpret_cast<u64>(key.space)) >> 4;
    hash = (hash + (key.offset >> 2)) * 0x9e37'79b9'7f4a'7c15;   // Fibonacci hashing: 2^64 / golden ratio
    return buckets[hash >> 56];
}

Result<FutexKey> key_of(FutexWord word) {
    if (word.address.value() % sizeof(u32) != 0) return fail(EINVAL);
    if (word.address.value() >= arch::user_space_end) return fail(EFAULT);
    FutexKey key;
    key.scope = word.scope;
    auto& space = *current_process().address_space;
    if (word.scope == FutexScope::Shared) key.object = TRY(space.shared_word_at(word.address, key.offset));
    if (!key.object) {
        key.space = &space;
        key.offset = word.address.value();
    }
    return key;
}

Result<> fault_in(UserAddr address) {
    u32 value;
    if (!arch::read_user_u32(address, value)) return fail(EFAULT);
    return {};
}

Result<> fault_in_writable(UserAddr address) {
    u32 value, previous;
    if (!arch::read_user_u32(address, value) || !arch::compare_exchange_user_u32(address, value, value, previous)) return fail(EFAULT);
    return {};
}

namespace {

/// As in Linux, a shared word must be mapped even for a caller that does not read it. EFAULT.
Result<> check_presence(FutexWord word) { return word.scope == FutexScope::Shared ? fault_in(word.address) : Result<>(); }
/// The result of a wake that found no waiter. (If there is one, it has read the word, so the word is mapped.)
Result<u32> nobody_at(FutexWord word) {
    TRY(check_presence(word));
    return 0u;
}

/// FUTEX_WAKE_OP's third word, decoded (futex(2)).
struct Operation {
    explicit Operation(u32 word)
        : kind(word >> 28 & 7), comparison(word >> 24 & 15), argument(sign_extended(word >> 12)), against(sign_extended(word)) {
        if (word & u32{FUTEX_OP_OPARG_SHIFT} << 28) argument = 1u << (argument & 31);
    }
    static u32 sign_extended(u32 twelve_bits) { return static_cast<u32>(static_cast<i32>(twelve_bits << 20) >> 20); }
    bool is_known() const { return kind <= FUTEX_OP_XOR && comparison <= FUTEX_OP_CMP_GE; }
    u32 apply(u32 old) const {
        switch (kind) {
        case FUTEX_OP_SET: return argument;
        case FUTEX_OP_ADD: return old + argument;
        case FUTEX_OP_OR: return old | argument;
        case FUTEX_OP_ANDN: return old & ~argument;
        default: return old ^ argument;
        }
    }
    bool compares(u32 old) const {
        auto const left = static_cast<i32>(old), right = static_cast<i32>(against);
        switch (comparison) {
        case FUTEX_OP_CMP_EQ: return left == right;
        case FUTEX_OP_CMP_NE: return left != right;
        case FUTEX_OP_CMP_LT: return left < right;
        case FUTEX_OP_CMP_LE: return left <= right;
        case FUTEX_OP_CMP_GT: return left > right;
        default: return left >= right;
        }
    }
    u32 kind, comparison, argument, against;
};

/// Changes the word while the buckets are locked; false: it is not in memory, or not yet writable.
bool exchange(UserAddr address, Operation const& operation, u32& old) {
    if (!arch::read_user_u32(address, old)) return false;
    for (;;) {
        u32 previous;
        if (!arch::compare_exchange_user_u32(address, old, operation.apply(old), previous)) return false;
        if (previous == old) return true;
        old = previous;
    }
}

}

/// Two buckets, which may be one, locked in order of address.
struct SCOPED_CAPABILITY FutexTable::BothLocked {
    BothLocked(Bucket& a, Bucket& b) ACQUIRE(a.lock, b.lock) NO_THREAD_SAFETY_ANALYSIS : first((&a < &b ? a : b).lock) {
        if (&a != &b) second.emplace((&a < &b ? b : a).lock);
    }
    ~BothLocked() RELEASE() {}
    BucketGuard first;
    std::optional<BucketGuard> second;
};

/// Realtime waiters go first, by priority; equal ones, and all others, keep the order of their arrival. The bucket is locked.
void FutexTable::enter(Bucket& bucket, Waiter& waiter) NO_THREAD_SAFETY_ANALYSIS {
    if (waiter.level == sched::first_fair_level) return bucket.waiters.push_back(waiter);
    auto* at = bucket.waiters.first();
    while (at && static_cast<Waiter*>(at)->level <= waiter.level) at = at->next;
    bucket.waiters.insert_before(at, waiter);
}

/// Leaves the list; false: the waiter has been woken.
bool FutexTable::leave(Waiter& waiter) NO_THREAD_SAFETY_ANALYSIS {
    for (;;) {
        Bucket* const bucket = waiter.bucket.load(std::memory_order_relaxed);
        if (!bucket) return false;
        Locked guard(bucket->lock);
        if (waiter.bucket.load(std::memory_order_relaxed) != bucket) continue;   // woken or moved in between
        bucket->waiters.remove(waiter);
        bucket->count.fetch_sub(1, std::memory_order_relaxed);
        return true;
    }
}

Result<> FutexTable::sleep(Waiter& waiter, u64 deadline_ns) {
    sched::WakeTimer timer;
    if (deadline_ns != sched::no_deadline) timer.arm(deadline_ns);
    for (;;) {
        sched::scheduler.prepare_to_block(sched::Interruptible::Yes);
        bool const woken = !waiter.bucket.load(std::memory_order_relaxed);
        int const error = waiter.thread.has_signal() ? EINTR : arch::clock_ns() >= deadline_ns ? ETIMEDOUT : 0;
        if (woken || error) {
            sched::scheduler.cancel_block();
            if (!woken && leave(waiter)) return fail(error);
            waiter.wait_for_waker();
            return {};
        }
        sched::scheduler.block();
    }
}

Result<> FutexTable::wait(FutexWord word, u32 expected, u32 bits, u64 deadline_ns) {
    if (!bits) return fail(EINVAL);
    for (;;) {
        Waiter waiter(TRY(key_of(word)), bits);
        Bucket& bucket = bucket_of(waiter.key);
        bucket.count.fetch_add(1, std::memory_order_seq_cst);
        u32 value = 0;
        bool readable;
        {
            Locked guard(bucket.lock);
            readable = arch::read_user_u32(word.address, value);
            if (readable && value == expected) {
                if (waiter.level == sched::first_fair_level) [[likely]] bucket.waiters.push_back(waiter);
                else enter(bucket, waiter);
                waiter.bucket.store(&bucket, std::memory_order_relaxed);
            }
        }
        if (readable && value == expected) return sleep(waiter, deadline_ns);
        bucket.count.fetch_sub(1, std::memory_order_relaxed);
        if (readable) return fail(EAGAIN);
        TRY(fault_in(word.address));
    }
}

/// The bucket is locked, and the waiter is in its list.
void FutexTable::wake_one(Bucket& bucket, Waiter& waiter) NO_THREAD_SAFETY_ANALYSIS {
    bucket.waiters.remove(waiter);
    bucket.count.fetch_sub(1, std::memory_order_relaxed);
    waiter.bucket.store(nullptr, std::memory_order_relaxed);
    sched::scheduler.wake_under_lock(waiter.thread);
    waiter.released.store(true, std::memory_order_release);
}

u32 FutexTable::wake_in(Bucket& bucket, FutexKey const& key, u32 count, u32 bits) NO_THREAD_SAFETY_ANALYSIS {
    u32 woken = 0;
    for (auto* node = bucket.waiters.first(); node && woken < count;) {
        auto& waiter = static_cast<Waiter&>(*node);
        node = node->next;
        if (!(waiter.bits & bits) || !(waiter.key == key)) continue;
        wake_one(bucket, waiter);
        ++woken;
    }
    return woken;
}

/// The bucket is locked.
bool FutexTable::has_plain_waiter(Bucket const& bucket, FutexKey const& key) NO_THREAD_SAFETY_ANALYSIS {
    for (auto* node = bucket.waiters.first(); node; node = node->next)
        if (static_cast<Waiter const*>(node)->key == key) return true;
    return false;
}

Result<u32> FutexTable::wake(FutexWord word, u32 count, u32 bits) {
    if (!bits) return fail(EINVAL);
    FutexKey const key = TRY(key_of(word));
    Bucket& bucket = bucket_of(key);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (bucket.count.load(std::memory_order_relaxed) == 0) return nobody_at(word);
    u32 woken;
    {
        Locked guard(bucket.lock);
        if (bucket.find_pi_state(key)) return fail(EINVAL);
        woken = wake_in(bucket, key, std::min(count, most_at_once), bits);
    }
    if (woken == 0) [[unlikely]] return nobody_at(word);
    if (woken == most_at_once) [[unlikely]] woken += wake_more(bucket, key, count - woken, bits);
    return woken;
}

/// Wakes the rest of many waiters, a few at a time. A waiter that arrives in between may be woken too, but cannot keep the loop
/// running: the count is fixed at the start.
u32 FutexTable::wake_more(Bucket& bucket, FutexKey const& key, u32 count, u32 bits) {
    count = std::min(count, bucket.count.load(std::memory_order_relaxed));
    u32 woken = 0;
    while (woken != count) {
        u32 const wanted = std::min(count - woken, most_at_once);
        Locked guard(bucket.lock);
        u32 const some = wake_in(bucket, key, wanted, bits);
        woken += some;
        if (some < wanted) break;
    }
    return woken;
}

/// Both buckets are locked. Returns how many were moved. Drops no last reference: the caller holds `key`.
u32 FutexTable::requeue_in(Bucket& from, FutexKey const& key, Bucket& to, FutexKey const& new_key, u32 move_count) NO_THREAD_SAFETY_ANALYSIS {
    u32 moved = 0;
    for (auto* node = from.waiters.first(); node && moved < move_count;) {
        auto& waiter = static_cast<Waiter&>(*node);
        node = node->next;
        if (!(waiter.key == key)) continue;
        ++moved;
        waiter.key = new_key;
        if (&from == &to) continue;
        from.waiters.remove(waiter);
        enter(to, waiter);
        from.count.fetch_sub(1, std::memory_order_relaxed);
        to.count.fetch_add(1, std::memory_order_seq_cst);
        waiter.bucket.store(&to, std::memory_order_relaxed);
    }
    return moved;
}

/// Wakes and moves a few waiters, and subtracts them from the counts. False: nothing is left to do.
bool FutexTable::requeue_some(Bucket& from, FutexKey const& key, Bucket& to, FutexKey const& new_key, u32& wake_count, u32& move_count) {
    u32 const to_wake = std::min(wake_count, most_at_once);
    u32 const woken = wake_in(from, key, to_wake, any_bit);
    wake_count -= woken;
    if (woken < to_wake) return false;
    if (wake_count != 0) return true;
    // Within one bucket they keep their places and would be found again and again: there one pass moves them all.
    u32 const to_move = &from == &to ? move_count : std::min(move_count, most_at_once);
    u32 const moved = requeue_in(from, key, to, new_key, to_move);
    move_count -= moved;
    return moved == to_move && move_count != 0;
}

Result<u32> FutexTable::requeue(FutexWord from, FutexWord to, u32 wake_count, u32 move_count, std::optional<u32> expected) {
    u32 to_wake = wake_count, to_move = move_count;
    auto const done = [&] { return (wake_count - to_wake) + (move_count - to_move); };
    u32 rounds = PidTable::pid_max / most_at_once;   // there cannot be more threads
    for (;;) {
        FutexKey const key = TRY(key_of(from)), new_key = TRY(key_of(to));
        Bucket &source = bucket_of(key), &target = bucket_of(new_key);
        TRY(check_presence(from));
        TRY(check_presence(to));
        {
            // From now on a waker of `to` looks into the bucket.
            BothLocked guard(source, target);
            u32 value = 0;
            if (!expected || arch::read_user_u32(from.address, value)) {
                if (expected && value != *expected) return fail(EAGAIN);
                if (source.find_pi_state(key)) return fail(EINVAL);
                if (!requeue_some(source, key, target, new_key, to_wake, to_move)) return done();
                expected.reset();   // it was equal at the start of the operation
                if (--rounds == 0) return done();
                continue;
            }
        }
        TRY(fault_in(from.address));
    }
}

Result<u32> FutexTable::wake_operation(FutexWord first, FutexWord second, u32 first_count, u32 second_count, u32 encoded) {
    Operation const operation(encoded);
    for (;;) {
        FutexKey const key = TRY(key_of(first)), second_key = TRY(key_of(second));
        TRY(check_presence(first));
        if (!operation.is_known()) return fail(ENOSYS);
        Bucket &bucket = bucket_of(key), &second_bucket = bucket_of(second_key);
        bool is_done = false;
        {
            BothLocked guard(bucket, second_bucket);
            u32 old = 0;
            if (exchange(second.address, operation, old)) {
                if (!operation.compares(old)) second_count = 0;
                is_done = true;
            }
        }
        if (is_done) return wake_more(bucket, key, first_count, any_bit) + wake_more(second_bucket, second_key, second_count, any_bit);
        TRY(fault_in_writable(second.address));
    }
}

}
