// SPDX-License-Identifier: MIT
// futex(2): threads wait for a word of their memory to change. The kernel keeps only a futex's waiters, in a hash table of buckets
// with a lock each; a waiter compares the word under that lock. A futex with priority inheritance that has waiters
// also has a PiState in the bucket (futex_pi.cpp): its owner, and its waiters in order of urgency.
#pragma once

#include <optional>

#include "mm/user/vm_object.h"
#include "mm/user/user_access.h"
#include "sched/wait_list.h"
#include "sched/wait_queue.h"

namespace process {

class UserThread;
struct PiState;

/// Which threads meet at a word: those of one address space, or all that map the same memory.
enum class FutexScope : u8 { Private, Shared };

/// The identity of a word, independent of its address in each program. A shared futex in private memory belongs to
/// its address space, but has another key than the private futex there, as in Linux.
struct FutexKey {
    Ref<mm::VmObject> object;         ///< of a shared mapping; null: `space` decides
    void const* space = nullptr;
    u64 offset = 0;                   ///< bytes in the object, or the address
    FutexScope scope = FutexScope::Private;
    bool operator==(FutexKey const& other) const {
        return object.get() == other.object.get() && space == other.space && offset == other.offset && scope == other.scope;
    }
};

/// A word in the caller's memory.
struct FutexWord {
    UserAddr address;
    FutexScope scope = FutexScope::Private;
};

inline constexpr u32 any_bit = ~0u;   ///< FUTEX_BITSET_MATCH_ANY

class FutexTable {
public:
    constexpr FutexTable() = default;

    /// Sleeps if the word is `expected`, until a wake with a common bit. EAGAIN: the word differs. EINTR ETIMEDOUT
    /// EFAULT EINVAL. `deadline_ns` is a time of clock_ns().
    Result<> wait(FutexWord word, u32 expected, u32 bits, u64 deadline_ns);
    /// Wakes at most `count` waiters, realtime ones first and by priority, equal ones in the order of their arrival. Returns how
    /// many. EFAULT; EINVAL: also if threads wait for the word with lock_pi().
    Result<u32> wake(FutexWord word, u32 count, u32 bits);
    /// Wakes `wake_count` waiters and moves `move_count` of the others to `to`. Returns how many altogether. EAGAIN: the word
    /// is not `expected`. EFAULT EINVAL.
    Result<u32> requeue(FutexWord from, FutexWord to, u32 wake_count, u32 move_count, std::optional<u32> expected);
    /// FUTEX_WAKE_OP: changes the word `second` by `operation`, wakes waiters of `first`, and those of `second` if the comparison
    /// holds for its old value. ENOSYS: unknown operation.
    Result<u32> wake_operation(FutexWord first, FutexWord second, u32 first_count, u32 second_count, u32 operation);

    // ---- Locks with priority inheritance: the word is 0 or the owner's thread id, with FUTEX_WAITERS and FUTEX_OWNER_DIED.

    /// Takes the lock; its owner inherits the urgency of the threads that sleep here. EDEADLK: the caller owns it, or its owner waits
    /// for the caller. ESRCH: there is no such owner. EINVAL: the word disagrees with the state of its waiters, or others wait for it
    /// without inheritance. EINTR ETIMEDOUT EFAULT ENOMEM.
    Result<> lock_pi(FutexWord word, u64 deadline_ns);
    /// lock_pi() without sleeping. EAGAIN: the lock is taken.
    Result<> try_lock_pi(FutexWord word);
    /// Hands the lock to the most urgent waiter. EPERM: the caller does not own it. EINVAL: as above. EFAULT EINTR.
    Result<> unlock_pi(FutexWord word);
    /// A thread ends, or calls exec: the locks that it owns pass to their waiters, which find FUTEX_OWNER_DIED. From now on no thread
    /// can begin to wait for it (UserThread::has_left_futexes).
    void leave_all_pi(UserThread& thread);

    struct Bucket;
private:
    struct PiWaiter;
    struct PiAttempt;
    enum class PiLook : u8;
    static Result<PiLook> look_pi(PiAttempt& attempt, UserThread* owner);
    static Result<PiLook> look_pi_with_owner(PiAttempt& attempt);
    static Result<> take_pi(PiAttempt& attempt);
    static Result<> sleep_pi(PiAttempt& attempt, u64 deadline_ns);
    static Result<> leave_pi(PiAttempt& attempt, int error);
    static bool hand_over(PiState& state, UserAddr word, u32 value, u32& previous);
    static bool has_plain_waiter(Bucket const& bucket, FutexKey const& key);
    struct Waiter;
    struct BothLocked;
    static void enter(Bucket& bucket, Waiter& waiter);
    static bool leave(Waiter& waiter);
    static Result<> sleep(Waiter& waiter, u64 deadline_ns);
    static void wake_one(Bucket& bucket, Waiter& waiter);
    static u32 wake_in(Bucket& bucket, FutexKey const& key, u32 count, u32 bits);
    static u32 wake_more(Bucket& bucket, FutexKey const& key, u32 count, u32 bits);
    static u32 requeue_in(Bucket& from, FutexKey const& key, Bucket& to, FutexKey const& new_key, u32 move_count);
    static bool requeue_some(Bucket& from, FutexKey const& key, Bucket& to, FutexKey const& new_key, u32& wake_count, u32& move_count);
};

extern constinit FutexTable futexes;

/// Settles what a thread owes when it ends or calls exec: the locks of its robust list (set_robust_list(2)) are marked
/// FUTEX_OWNER_DIED, and the word of CLONE_CHILD_CLEARTID is cleared. Wakes their waiters.
void release_thread_words(UserThread& thread);

}
