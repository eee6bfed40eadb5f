// SPDX-License-Identifier: MIT
// Futexes with priority inheritance (futex(2), "Priority-inheritance futexes"). As long as nobody waits the word says all;
// then a PiState in the futex's bucket names the owner as the kernel knows it and holds the waiters. The word and the state
// change together, with the bucket locked. Whatever a program writes into the word behind the kernel's back, the state stays
// true to itself; only that program is served badly.
//
// Locks: process_tree > signal > futex (the bucket) > wait_queue (PiState::core). A waiter enters and leaves with its bucket locked.
#include <linux/futex.h>

#include "kernel/process/futex/futex_buckets.h"
#include "kernel/process/process_manager.h"
#include "mm/heap.h"
#include "sched/inheritance.h"
#include "sched/wake_timer.h"

namespace process {

/// A futex that is owned and waited for; it belongs to its waiters. All fields GUARDED_BY the bucket's lock.
struct PiState : RefCounted<PiState> {
    FutexKey key;
    sched::Inheritable core;         ///< its owner is a UserThread, which counts it in awaited_pi_futexes
    u32 waiters = 0;                 ///< 1 at least while it is in the bucket
    bool owner_died = false;         ///< the word does not name the owner yet, who finds that out as it leaves
    PiState* next = nullptr;         ///< in the bucket
    UserThread& owner() const { return static_cast<UserThread&>(*core.owner.load(std::memory_order_relaxed)); }
};

struct FutexTable::PiWaiter : sched::InheritableWaiter {
    using InheritableWaiter::InheritableWaiter;
};

/// What came of a look at the word with its bucket locked.
enum class FutexTable::PiLook : u8 { Taken, Queued, NotInMemory, OwnerWanted, Again };

/// One caller's way to the lock.
struct FutexTable::PiAttempt {
    PiAttempt(FutexWord wanted, bool sleeps) : word(wanted), may_sleep(sleeps) {}
    FutexWord const word;
    bool const may_sleep;
    UserThread& self = current_user_thread();
    FutexKey key;
    Bucket* bucket = nullptr;
    Pid owner;                       ///< OwnerWanted: whom the word names
    Ref<PiState> spare;              ///< to make it awaited
    Ref<PiState> joined;             ///< Queued
    std::optional<PiWaiter> waiter;  ///< Queued. Goes before what it waits for: others may follow a chain through it till then
};

PiState* FutexTable::Bucket::find_pi_state(FutexKey const& key) const {
    PiState* state = pi_states;
    while (state && !(state->key == key)) state = state->next;
    return state;
}

namespace {

u32 owner_in(u32 word) { return word & FUTEX_TID_MASK; }
u32 number_of(UserThread const& thread) { return static_cast<u32>(thread.tid.value); }

/// Do the word and its waiters tell the same story?
bool agrees(PiState const& state, u32 word) {
    if (state.owner_died || ((word & FUTEX_OWNER_DIED) && owner_in(word) == 0)) return true;
    return owner_in(word) == number_of(state.owner());
}

/// False: it ends, nobody can wait for it any more.
bool count_awaited(UserThread& owner) {
    owner.awaited_pi_futexes.fetch_add(1, std::memory_order_seq_cst);
    if (!owner.has_left_futexes.load(std::memory_order_seq_cst)) return true;
    owner.awaited_pi_futexes.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

/// The last that is done with the owner, which may end then.
// Ordering: release, with the load in leave_all_pi().
void uncount_awaited(UserThread& owner) { owner.awaited_pi_futexes.fetch_sub(1, std::memory_order_release); }

void link(FutexTable::Bucket& bucket, PiState& state) REQUIRES(bucket.lock) {
    state.next = std::exchange(bucket.pi_states, &state);
    bucket.count.fetch_add(1, std::memory_order_seq_cst);
}

void unlink(FutexTable::Bucket& bucket, PiState& state) REQUIRES(bucket.lock) {
    PiState** at = &bucket.pi_states;
    while (*at != &state) at = &(*at)->next;
    *at = state.next;
    bucket.count.fetch_sub(1, std::memory_order_relaxed);
}

/// From the owner, with the bucket locked, to who waits. The word is not touched.
void make_owner(PiState& state, sched::Inheritable::Guard&, sched::InheritableWaiter& next) {
    static_cast<UserThread&>(next.thread).awaited_pi_futexes.fetch_add(1, std::memory_order_seq_cst);
    state.core.owner.store(&next.thread, std::memory_order_seq_cst);
    sched::scheduler.wake_under_lock(next.thread);
}

/// Makes the word the caller's, whose former owner died. False: it is not in memory.
bool claim(UserAddr word, UserThread const& self) {
    u32 value;
    if (!arch::read_user_u32(word, value)) return false;
    for (u32 previous;; value = previous) {
        if (!arch::compare_exchange_user_u32(word, value, FUTEX_OWNER_DIED | FUTEX_WAITERS | number_of(self), previous)) return false;
        if (previous == value) return true;
    }
}

}

/// The bucket is locked. `owner`: if not null, a thread that cannot end meanwhile.
Result<FutexTable::PiLook> FutexTable::look_pi(PiAttempt& attempt, UserThread* owner) NO_THREAD_SAFETY_ANALYSIS {
    Bucket& bucket = *attempt.bucket;
    UserAddr const word = attempt.word.address;
    u32 value, previous;
    if (!arch::read_user_u32(word, value)) return PiLook::NotInMemory;
    if (owner_in(value) == number_of(attempt.self)) return fail(EDEADLK);
    PiState* state = bucket.find_pi_state(attempt.key);
    if (state ? !agrees(*state, value) : has_plain_waiter(bucket, attempt.key)) return fail(EINVAL);
    bool const is_free = !state && owner_in(value) == 0;
    u32 const wanted = is_free ? (value & FUTEX_OWNER_DIED) | number_of(attempt.self) : value | FUTEX_WAITERS;
    if (!arch::compare_exchange_user_u32(word, value, wanted, previous)) return PiLook::NotInMemory;
    if (previous != value) return PiLook::Again;
    if (is_free) return PiLook::Taken;
    if (!state) {
        attempt.owner = Pid(static_cast<i32>(owner_in(value)));
        if (!owner || owner->tid != attempt.owner) return PiLook::OwnerWanted;
        if (!count_awaited(*owner)) return fail(ESRCH);
    }
    if (!attempt.may_sleep) {
        if (!state) uncount_awaited(*owner);
        return fail(EAGAIN);
    }
    if (!state) {
        state = attempt.spare.get();
        state->key = attempt.key;
        state->core.owner.store(owner, std::memory_order_relaxed);
        link(bucket, *state);
    }
    ++state->waiters;
    attempt.joined = Ref<PiState>::share(state);
    attempt.waiter.emplace(state->core);
    sched::Inheritable::Guard(state->core).enter(*attempt.waiter);
    return PiLook::Queued;
}

/// Finds whom the word names. If there is nobody and the word still says so, it is wrong: ESRCH.
Result<FutexTable::PiLook> FutexTable::look_pi_with_owner(PiAttempt& attempt) {
    if (attempt.may_sleep && !attempt.spare) attempt.spare = TRY(mm::make_ref<PiState>());
    Result<PiLook> look = PiLook::Again;
    auto const found = process_manager.with_thread(attempt.owner, [&](UserThread& owner) -> Result<> {
        BucketGuard guard(attempt.bucket->lock);
        look = look_pi(attempt, &owner);
        return {};
    });
    if (found && (look || look.error() != Errno(ESRCH))) return look;
    u32 value;
    if (!arch::read_user_u32(attempt.word.address, value)) return fail(EFAULT);
    if (owner_in(value) == static_cast<u32>(attempt.owner.value)) return fail(ESRCH);
    return PiLook::Again;
}

/// Until the lock is taken or waited for.
Result<> FutexTable::take_pi(PiAttempt& attempt) {
    for (auto look = PiLook::Again;;) {
        if (attempt.self.has_signal()) return fail(EINTR);
        if (look == PiLook::OwnerWanted) {
            look = TRY(look_pi_with_owner(attempt));
        } else {
            attempt.key = TRY(key_of(attempt.word));
            attempt.bucket = &bucket_of(attempt.key);
            BucketGuard guard(attempt.bucket->lock);
            look = TRY(look_pi(attempt, nullptr));
        }
        if (look == PiLook::Taken || look == PiLook::Queued) return {};
        if (look == PiLook::NotInMemory) TRY(fault_in_writable(attempt.word.address));
    }
}

/// As the owner, or with an error. The waiter's last look at the state.
Result<> FutexTable::leave_pi(PiAttempt& attempt, int error) {
    PiState& state = *attempt.joined;
    for (bool is_lost = false;; is_lost = !fault_in_writable(attempt.word.address)) {
        BucketGuard guard(attempt.bucket->lock);
        bool const owned = &state.owner() == &attempt.self;
        if (owned && state.owner_died && !is_lost) {
            if (!claim(attempt.word.address, attempt.self)) continue;
            state.owner_died = false;
        }
        UserThread* former = nullptr;
        {
            sched::Inheritable::Guard core(state.core);
            core.leave(*attempt.waiter);
            if (--state.waiters == 0) {
                former = &state.owner();
                unlink(*attempt.bucket, state);
            } else if (owned && is_lost) {
                former = &attempt.self;              // the word is gone from our memory: perhaps not from another's
                make_owner(state, core, *core.most_urgent());
            }
        }
        if (former) uncount_awaited(*former);
        if (is_lost) return fail(EFAULT);
        return owned || error == 0 ? Result<>() : Result<>(fail(error));
    }
}

Result<> FutexTable::sleep_pi(PiAttempt& attempt, u64 deadline_ns) {
    // After it was queued: of two who would lock each other up, one at least sees it.
    if (attempt.joined->core.leads_to_current_thread()) return leave_pi(attempt, EDEADLK);
    sched::WakeTimer timer;
    if (deadline_ns != sched::no_deadline) timer.arm(deadline_ns);
    for (;;) {
        sched::scheduler.prepare_to_block(sched::Interruptible::Yes);
        bool const owned = attempt.joined->core.owner.load(std::memory_order_acquire) == &attempt.self;
        int const error = attempt.self.has_signal() ? EINTR : arch::clock_ns() >= deadline_ns ? ETIMEDOUT : 0;
        if (owned || error) {
            sched::scheduler.cancel_block();
            return leave_pi(attempt, error);
        }
        sched::scheduler.block();
    }
}

Result<> FutexTable::lock_pi(FutexWord word, u64 deadline_ns) {
    PiAttempt attempt(word, true);
    TRY(take_pi(attempt));
    return attempt.joined ? sleep_pi(attempt, deadline_ns) : Result<>();
}

Result<> FutexTable::try_lock_pi(FutexWord word) {
    PiAttempt attempt(word, false);
    return take_pi(attempt);
}

/// The word and the lock become the most urgent waiter's. The bucket is locked. As arch::compare_exchange_user_u32.
bool FutexTable::hand_over(PiState& state, UserAddr word, u32 value, u32& previous) {
    {
        sched::Inheritable::Guard core(state.core);
        auto& next = *core.most_urgent();
        u32 const number = number_of(static_cast<UserThread&>(next.thread));
        if (!arch::compare_exchange_user_u32(word, value, FUTEX_WAITERS | number, previous)) return false;
        if (previous != value) return true;
        make_owner(state, core, next);
    }
    uncount_awaited(current_user_thread());
    return true;
}

Result<> FutexTable::unlock_pi(FutexWord word) {
    UserThread& self = current_user_thread();
    for (;;) {
        u32 value, previous;
        if (!arch::read_user_u32(word.address, value)) return fail(EFAULT);
        if (owner_in(value) != number_of(self)) return fail(EPERM);
        FutexKey const key = TRY(key_of(word));
        Bucket& bucket = bucket_of(key);
        bool in_memory;
        {
            BucketGuard guard(bucket.lock);
            PiState* const state = bucket.find_pi_state(key);
            if (state ? &state->owner() != &self : has_plain_waiter(bucket, key)) return fail(EINVAL);
            in_memory = state ? hand_over(*state, word.address, value, previous)
                              : arch::compare_exchange_user_u32(word.address, value, 0, previous);
        }
        if (!in_memory) TRY(fault_in_writable(word.address));
        else if (previous == value) return {};
        else if (owner_in(previous) != number_of(self)) return fail(EINVAL);
        if (self.has_signal()) return fail(EINTR);
    }
}

void FutexTable::leave_all_pi(UserThread& thread) {
    thread.has_left_futexes.store(true, std::memory_order_seq_cst);
    if (thread.awaited_pi_futexes.load(std::memory_order_seq_cst) == 0) [[likely]] return;
    for (Bucket& bucket : all_buckets()) {
        BucketGuard guard(bucket.lock);
        for (PiState* state = bucket.pi_states; state; state = state->next) {
            if (&state->owner() != &thread) continue;
            state->owner_died = true;
            {
                sched::Inheritable::Guard core(state->core);
                make_owner(*state, core, *core.most_urgent());
            }
            uncount_awaited(thread);
        }
    }
}

}
