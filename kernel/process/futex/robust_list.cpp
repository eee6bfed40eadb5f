// SPDX-License-Identifier: MIT
// What a dying thread owes its program: robust futexes (get_robust_list(2), Linux's
// Documentation/locking/robust-futex-ABI) and CLONE_CHILD_CLEARTID. The list is not trusted: any error in it ends the walk.
#include <linux/futex.h>

#include "kernel/process/futex/futex.h"
#include "kernel/process/process.h"

namespace process {
namespace {

/// The most locks of one thread; a longer list is taken for a circle.
constexpr unsigned longest_list = ROBUST_LIST_LIMIT;

/// A pointer to an entry: its address; the lowest bit says that the entry is a lock with priority inheritance.
struct Entry {
    explicit Entry(u64 word) : address(word & ~u64{1}), inherits(word & 1) {}
    u64 address;
    bool inherits;
};

/// Marks the lock of a dead owner, and wakes one waiter to find the mark. (The kernel knows the waiters of a lock with priority
/// inheritance: leave_all_pi() serves them.) `pending`: the thread was about to take or release it; if it had already released
/// it, the wake-up may still be due. False: the word cannot be accessed, and the list is not trusted any further.
bool release_lock(Entry const& entry, u64 offset, Pid owner, bool pending) {
    UserAddr const address(entry.address + offset);
    if (address.value() % sizeof(u32) != 0) return false;
    u32 value;
    if (!arch::read_user_u32(address, value)) return false;
    // Robust locks may lie in memory that processes share.
    FutexWord const word{address, FutexScope::Shared};
    for (;;) {
        if (pending && !entry.inherits && value == 0) {
            (void)futexes.wake(word, 1, any_bit);
            return true;
        }
        if ((value & FUTEX_TID_MASK) != static_cast<u32>(owner.value)) return true;
        u32 previous;
        if (!arch::compare_exchange_user_u32(address, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, previous)) return false;
        if (previous == value) break;
        value = previous;
    }
    if ((value & FUTEX_WAITERS) && !entry.inherits) (void)futexes.wake(word, 1, any_bit);
    return true;
}

void release_robust_list(UserThread& thread) {
    UserAddr const at = std::exchange(thread.robust_list, UserAddr());
    if (at.is_null()) return;
    auto const read = mm::UserPtr<robust_list_head>(at).read();
    if (!read) return;
    u64 const offset = static_cast<u64>(read->futex_offset);
    Entry const pending(reinterpret_cast<u64>(read->list_op_pending));
    Entry entry(reinterpret_cast<u64>(read->list.next));
    for (unsigned i = 0; i < longest_list && entry.address != at.value(); ++i) {
        // Read before the lock is released: its new owner may change the entry.
        auto const next = mm::UserPtr<u64>(entry.address).read();
        if (entry.address != pending.address && !release_lock(entry, offset, thread.tid, false)) return;
        if (!next) return;
        entry = Entry(*next);
    }
    if (pending.address) (void)release_lock(pending, offset, thread.tid, true);
}

/// Needed only if someone else shares the address space.
void clear_tid(UserThread& thread) {
    UserAddr const at = std::exchange(thread.clear_child_tid, UserAddr());
    Process const& process = thread.process();
    bool const shared = process.has_several_threads() || process.address_space->reference_count() > 1;
    if (at.is_null() || !shared) return;
    if (mm::UserPtr<i32>(at).write(0)) (void)futexes.wake({at, FutexScope::Shared}, 1, any_bit);
}

}

void release_thread_words(UserThread& thread) {
    release_robust_list(thread);
    futexes.leave_all_pi(thread);
    clear_tid(thread);
}

}
