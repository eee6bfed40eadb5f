// SPDX-License-Identifier: MIT
// Futexes with priority inheritance (futex(2), "Priority-inheritance futexes"). While nobody waits, the word alone is the lock.
// With a waiter, a PiState in the futex's bucket holds the owner as the kernel knows it, and the waiters. The word and the state
// change together, with the bucket locked. Whatever a program writes into the word by itself, the state stays consistent; only
// that program is harmed.
//
// Locks: process_tree > signal > futex (the bucket) > wait_queue (PiState::core). A waiter enters and leaves with the bucket locked.
#include <linux/futex.h>

#include "kernel/process/futex/futex_buckets.h"
#include "kernel/process/process_manager.h"
#include "mm/heap.h"
#include "sched/inheritance.h"
#include "sched/wake_timer.h"

namespace process {

/// A futex that has an owner and waiters; the waiters own the object. All fields are guarded by the bucket's lock.
struct PiState : RefCounted<PiState> {
    FutexKey key;
    sched::Inheritable core;         ///< its owner is a UserThread, which counts it in awaited_pi_futexes
    u32 waiters = 0;                 ///< at least 1 while it is in the bucket
    bool owner_died = false;         ///< the word does not name the new owner yet; the owner sees this as it leaves
    PiState* next = nullptr;         ///< in the bucket
    UserThread& owner() const { return static_cast<UserThread&>(*core.owner.load(std::memory_order_relaxed)); }
};

struct FutexTable::PiWaiter : sched::InheritableWaiter {
    using InheritableWaiter::InheritableWaiter;
};

/// The result of reading the word with its bucket locked.
enum class FutexTable::PiLook : u8 { Taken, Queued, NotInMemory, OwnerWanted, Again };

/// The state of one call that tries to take the lock.
struct FutexTable::PiAttempt {
    PiAttempt(FutexWord wanted, bool sleeps) : word(wanted), may_sleep(sleeps) {}
    FutexWord const word;
    bool const may_sleep;
    UserThread& self = current_user_thread();
    FutexKey key;
    Bucket* bucket = nullptr;
    Pid owner;                       ///< OwnerWanted: the owner that the word names
    Ref<PiState> spare;              ///< for the first waiter
    Ref<PiState> joined;             ///< Queued
    std::optional<PiWaiter> waiter;  ///< Queued. Destroyed before `joined`: until then others may follow a chain through it
};

PiState* FutexTable::Bucket::find_pi_state(FutexKey const& key) const {
    PiState* state = pi_states;
    while (state && !(state->key == key)) state = state->next;
    return state;
}

namespace {

u32 owner_in(u32 word) { return word & FUTEX_TID_MASK; }
u32 number_of(UserThread const& thread) { return static_cast<u32>(thread.tid.value); }

/// Whether the word is consistent with the state of its waiters.
bool agrees(PiState const& state, u32 word) {
    if (state.owner_died || ((word & FUTEX_OWNER_DIED) && owner_in(word) == 0)) return true;
    return owner_in(word) == number_of(state.owner());
}

/// False: the owner ends, and no thread can begin to wait for it.
bool count_awaited(UserThread& owner) {
    owner.awaited_pi_futexes.fetch_add(1, std::memory_order_seq_cst);
    if (!owner.has_left_futexes.load(std::memory_order_seq_cst)) return true;
    owner.awaited_pi_futexes.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

/// The caller no longer uses the owner, which may then end.
// Ordering: release; pairs with the load in leave_all_pi().
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

/// Passes the lock from the owner to a waiter, with the bucket locked. Does not change the word.
void make_owner(PiState& state, sched::Inheritable::Guard&, sched::InheritableWaiter& next) {
    static_cast<UserThread&>(next.thread).awaited_pi_futexes.fetch_add(1, std::memory_order_seq_cst);
    state.core.owner.store(&next.thread, std::memory_order_seq_cst);
    sched::scheduler.wake_under_lock(next.thread);
}

/// Writes the caller's number into the word, whose former owner has died. False: the word is not in memory.
bool claim(UserAddr word, UserThread const& self) {
    u32 value;
    if (!arch::read_user_u32(word, value)) return false;
    for (u32 previous;; value = previous) {
        if (!arch::compare_exchange_user_u32(word, value, FUTEX_OWNER_DIED | FUTEX_WAITERS | number_of(self), previous)) return false;
        if (previous == value) return true;
    }
}

}

/// The bucket is locked. `owner`: null, or a thread that cannot end during the call.
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

/// Finds the owner that the word names, and tries with it. ESRCH: there is no such thread, and the word still names it.
Result<FutexTable::PiLook> FutexTable::look_pi_with_owner(PiAttempt& attempt) {
    if (attempt.may_sleep && !attempt.spare) attempt.spare = TRY(mm::make_ref<PiState>());
    Result<PiLook> look = PiLook::Again;
    auto const found = process_manager.with_thread(attempt.owner, [&](UserThread& owner) -> Result<> {
        Locked guard(attempt.bucket->lock);
        look = look_pi(attempt, &owner);
        return {};
    });
    if (found && (look || look.error() != Errno(ESRCH))) return look;
    u32 value;
    if (!arch::read_user_u32(attempt.word.address, value)) return fail(EFAULT);
    if (owner_in(value) == static_cast<u32>(attempt.owner.value)) return fail(ESRCH);
    return PiLook::Again;
}

/// Repeats until the lock is taken or the caller is queued.
Result<> FutexTable::take_pi(PiAttempt& attempt) {
    for (auto look = PiLook::Again;;) {
        if (attempt.self.has_signal()) return fail(EINTR);
        if (look == PiLook::OwnerWanted) {
            look = TRY(look_pi_with_owner(attempt));
        } else {
            attempt.key = TRY(key_of(attempt.word));
            attempt.bucket = &bucket_of(attempt.key);
            Locked guard(attempt.bucket->lock);
            look = TRY(look_pi(attempt, nullptr));
        }
        if (look == PiLook::Taken || look == PiLook::Queued) return {};
        if (look == PiLook::NotInMemory) TRY(fault_in_writable(attempt.word.address));
    }
}

/// The waiter leaves the state for good, as the owner or with an error.
Result<> FutexTable::leave_pi(PiAttempt& attempt, int error) {
    PiState& state = *attempt.joined;
    for (bool is_lost = false;; is_lost = !fault_in_writable(attempt.word.address)) {
        Locked guard(attempt.bucket->lock);
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
                former = &attempt.self;              // unmapped here, but perhaps not in another program
                make_owner(state, core, *core.most_urgent());
            }
        }
        if (former) uncount_awaited(*former);
        if (is_lost) return fail(EFAULT);
        return owned || error == 0 ? Result<>() : Result<>(fail(error));
    }
}

Result<> FutexTable::sleep_pi(PiAttempt& attempt, u64 deadline_ns) {
    // Checked after queueing: of two threads that would deadlock each other, at least one sees it.
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

/// The most urgent waiter gets the word and the lock. The bucket is locked. Results as of arch::compare_exchange_user_u32.
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
            Locked guard(bucket.lock);
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
        Locked guard(bucket.lock);
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
