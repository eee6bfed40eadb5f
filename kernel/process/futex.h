// SPDX-License-Identifier: MIT
// futex(2): threads that wait for a word of their memory to change. The kernel keeps nothing about a futex
// but its waiters, in a hash table of buckets with a lock each; whoever waits compares the word under it.
#pragma once

#include <optional>

#include "mm/user/vm_object.h"
#include "mm/user/user_access.h"
#include "sched/wait_list.h"
#include "sched/wait_queue.h"

namespace process {

class UserThread;

/// Who may wake whom: threads of one address space, or whoever maps the same memory.
enum class FutexScope : u8 { Private, Shared };

/// A word as the kernel knows it, whatever address it has in which program. A shared word in private memory is
/// its space's own, but another key than the private one, as in Linux.
struct FutexKey {
    Ref<mm::VmObject> object;         ///< of a shared mapping; null: `space` tells
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

    /// Sleeps while the word is `expected`, until a wake with a common bit. EAGAIN: it is not. EINTR ETIMEDOUT
    /// EFAULT EINVAL. `deadline_ns` of clock_ns().
    Result<> wait(FutexWord word, u32 expected, u32 bits, u64 deadline_ns);
    /// Wakes at most `count`, first come first served; how many. EFAULT EINVAL.
    Result<u32> wake(FutexWord word, u32 count, u32 bits);
    /// Wakes `wake_count` waiters and moves `move_count` of the others to `to`; how many altogether. EAGAIN: the word
    /// is not `expected`. EFAULT EINVAL.
    Result<u32> requeue(FutexWord from, FutexWord to, u32 wake_count, u32 move_count, std::optional<u32> expected);
    /// FUTEX_WAKE_OP: changes the word `second` as `operation` says, wakes waiters of `first`, and those of `second` if its
    /// old value compares. ENOSYS: no such operation.
    Result<u32> wake_operation(FutexWord first, FutexWord second, u32 first_count, u32 second_count, u32 operation);

    struct Bucket;
private:
    struct Waiter;
    struct BothLocked;
    static bool leave(Waiter& waiter);
    static Result<> sleep(Waiter& waiter, u64 deadline_ns);
    static void wake_one(Bucket& bucket, Waiter& waiter);
    static u32 wake_in(Bucket& bucket, FutexKey const& key, u32 count, u32 bits);
    static u32 requeue_in(Bucket& from, FutexKey const& key, Bucket& to, FutexKey const& new_key, u32 wake_count, u32 move_count);
};

extern constinit FutexTable futexes;

/// What a thread leaves behind as it ends or executes another program: its robust list (set_robust_list(2)), whose locks are
/// marked FUTEX_OWNER_DIED, and the word of CLONE_CHILD_CLEARTID. Wakes whoever waits for them.
void release_thread_words(UserThread& thread);

}
