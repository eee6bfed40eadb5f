// SPDX-License-Identifier: MIT
// Checks the lock order at each acquisition (debug builds): one list of held spin locks per CPU, and the running
// thread's list of sleeping locks. Locks may be released in any order.
#include <arch/spin_lock.h>

#include <base/format.h>

namespace arch {

namespace {

PER_CPU PerCpu<LockList> spin_locks;             // this CPU's; interrupts off while it changes
PER_CPU PerCpu<LockList*> thread_locks;          // the running thread's

[[noreturn, gnu::cold]] void out_of_order(LockRank wanted, void const* lock, LockList::Held const& held) {
    char text[160];
    base::BufferWriter out({text, sizeof text - 1});
    base::format_to(out, "lock order: rank {} ({}) wanted while rank {} ({}) is held (include/base/lock_rank.h)",
                    static_cast<u8>(wanted), lock, static_cast<u8>(held.rank), held.lock);
    text[out.text().size()] = 0;
    panic(text);
}

void check(LockList const& list, LockRank rank, void const* lock) {
    for (size_t i = 0; i < list.count; ++i) {
        auto const& held = list.held[i];
        bool const may_follow = is_ordered_by_owner(rank) ? held.lock != lock : is_ordered_by_address(rank) && held.lock < lock;
        if (held.rank > rank || (held.rank == rank && !may_follow)) out_of_order(rank, lock, held);
    }
}

void add(LockList& list, LockRank rank, void const* lock) {
    if (list.count == LockList::capacity) panic("too many locks held at once");
    list.held[list.count++] = {rank, lock};
}

void remove(LockList& list, void const* lock) {
    for (size_t i = list.count; i-- > 0;) {
        if (list.held[i].lock != lock) continue;
        for (; i + 1 < list.count; ++i) list.held[i] = list.held[i + 1];
        --list.count;
        return;
    }
    panic("a lock is given back that was not taken");
}

}

void set_thread_lock_list(LockList* list) { thread_locks.write(list); }

void lock_check_acquire(LockRank rank, void const* lock) {
    if (base::panicking()) return;
    InterruptGuard guard;
    check(spin_locks.local(), rank, lock);
    LockList* const sleeping = thread_locks.read();
    if (!is_sleeping(rank)) return add(spin_locks.local(), rank, lock);
    if (!sleeping) return;
    check(*sleeping, rank, lock);
    add(*sleeping, rank, lock);
}

void lock_check_release(LockRank rank, void const* lock) {
    if (base::panicking()) return;
    InterruptGuard guard;
    if (!is_sleeping(rank)) return remove(spin_locks.local(), lock);
    if (LockList* const sleeping = thread_locks.read()) remove(*sleeping, lock);
}

void lock_check_may_sleep() {
    if (base::panicking()) return;
    InterruptGuard guard;
    LockList const& list = spin_locks.local();
    if (list.count != 0) out_of_order(LockRank::execve, nullptr, list.held[0]);
}

}
