// SPDX-License-Identifier: MIT
// A chain of owners that themselves wait is followed hand over hand, with the lock of only one Inheritable held at a
// time: before it is released, the next waiter is pinned. A pinned waiter stays in its wait, although it may already
// be out of the list; the lock that it waits for and its thread stay with it. So there is no deadlock even if threads
// of programs wait in a circle.
//
// Nothing is missed:   a thread begins to wait       a thread's urgency changes
//                      waits_as, full fence          level, full fence
//                      reads its own level           pins, and reads waits_as
// One of the two sees the other.
#include "sched/inheritance.h"

#include <base/config.h>

#include "sched/scheduler.h"

namespace sched {
namespace {

/// How many links of a chain urgency is passed along, and how many are searched for a circle (Linux's
/// max_lock_depth).
constexpr unsigned longest_gift = 64, longest_search = 1024;
/// One time in so many, the longest waiting thread is served.
constexpr u32 turns_of_the_urgent = 16;

/// Protects all gifts of all threads. Taken only to give urgency, or to take it back.
constinit SpinLock<LockRank::inheritance, InterruptsOff> inheritance_lock;

}

InheritableWaiter::~InheritableWaiter() {
    if (thread.heir.waits_as.load(std::memory_order_relaxed) != this) return;
    thread.heir.waits_as.store(nullptr, std::memory_order_seq_cst);
    // The pinning threads run with preemption off, so this is short.
    while (thread.heir.pins.load(std::memory_order_seq_cst) != 0) arch::relax();
}

/// What the thread waits as, valid until unpin(); null: it does not wait. The thread must not end during the call.
InheritableWaiter* Inheritable::pin_waiter(Thread& thread) {
    thread.heir.pins.fetch_add(1, std::memory_order_seq_cst);
    InheritableWaiter* const waiter = thread.heir.waits_as.load(std::memory_order_seq_cst);
    if (!waiter) unpin(thread);
    return waiter;
}

void Inheritable::unpin(Thread& thread) { thread.heir.pins.fetch_sub(1, std::memory_order_seq_cst); }

/// Gives the owner the urgency due to it. Returns the owner's own wait, pinned, if its urgency has changed.
InheritableWaiter* Inheritable::settle() {
    Level level = waiters_.top();
    Thread* const holder = level == no_level ? nullptr : owner.load(std::memory_order_seq_cst);
    bool const gives = holder && (is_realtime(level) || level < holder->own_level());
    if (!gives) level = no_level;
    Thread* const beneficiary = gives ? holder : nullptr;
    if (beneficiary == beneficiary_ && (!beneficiary || gift_.level == level)) [[likely]] return nullptr;
    return give_to(beneficiary, level);
}

[[gnu::cold]] InheritableWaiter* Inheritable::give_to(Thread* beneficiary, Level level) {
    Locked guard(inheritance_lock);
    Thread* const former = std::exchange(beneficiary_, beneficiary);
    bool former_changed = false, changed = false;
    if (former) former->heir.gifts.remove(gift_);
    if (beneficiary) beneficiary->heir.gifts.insert(gift_, level);
    if (former) former_changed = scheduler.set_inherited(*former, former->heir.gifts.top());
    if (beneficiary && beneficiary != former) changed = scheduler.set_inherited(*beneficiary, beneficiary->heir.gifts.top());
    // A thread that no longer owns the lock is not waiting: it is about to leave.
    if (former_changed && former == owner.load(std::memory_order_relaxed)) return pin_waiter(*former);
    return changed ? pin_waiter(*beneficiary) : nullptr;
}

/// The waiter's urgency has changed. Returns what settle() returns.
InheritableWaiter* Inheritable::reorder(InheritableWaiter& waiter) {
    Level const level = waiter.thread.level();
    if (!waiter.is_queued || waiter.level == level) return nullptr;
    waiters_.remove(waiter);
    waiters_.insert(waiter, level);
    // A less urgent waiter may have been woken for the free lock.
    if (!owner.load(std::memory_order_relaxed)) scheduler.wake_under_lock(waiter.thread);
    return settle();
}

/// Call with preemption off.
void Inheritable::follow(InheritableWaiter* waiter) {
    for (unsigned depth = 0; waiter; ++depth) {
        InheritableWaiter* next = nullptr;
        Thread& thread = waiter->thread;
        if (depth < longest_gift) {
            Locked guard(waiter->lock.lock_);
            next = waiter->lock.reorder(*waiter);
        }
        unpin(thread);
        waiter = next;
    }
}

void Inheritable::urgency_changed(Thread& thread) {
    arch::PreemptGuard const preempt;
    follow(pin_waiter(thread));
}

bool Inheritable::leads_to_current_thread() {
    arch::PreemptGuard const preempt;
    Thread const& self = current_thread();
    InheritableWaiter* waiter = nullptr;
    bool found = false;
    // A waiter that has been made the owner no longer waits.
    auto const look_at_owner = [&](Inheritable const& lock, Thread const* waits) -> InheritableWaiter* {
        Thread* const holder = lock.owner.load(std::memory_order_seq_cst);
        found = holder == &self;
        return holder && holder != waits && !found ? pin_waiter(*holder) : nullptr;
    };
    {
        Locked guard(lock_);
        waiter = look_at_owner(*this, nullptr);
    }
    for (unsigned depth = 0; waiter; ++depth) {
        InheritableWaiter* next = nullptr;
        Thread& thread = waiter->thread;
        {
            Locked guard(waiter->lock.lock_);
            if (depth == longest_search) found = true;
            else if (waiter->is_queued) next = look_at_owner(waiter->lock, &thread);
        }
        unpin(thread);
        waiter = next;
    }
    return found;
}

Inheritable::Guard::~Guard() {
    InheritableWaiter* const next = lock_.settle();
    // Ordering: full fence; an owner that reads 0 may end.
    if (left_ != 0) lock_.waiting_.fetch_sub(left_, std::memory_order_seq_cst);
    held_.reset();
    if (next) [[unlikely]] follow(next);
}

void Inheritable::Guard::enter(InheritableWaiter& waiter) {
    lock_.lock_.assert_held();
    // Ordering: full fence before the owner is read: it sees that we wait, or we see that it no longer is the owner.
    lock_.waiting_.fetch_add(1, std::memory_order_seq_cst);
    waiter.thread.heir.waits_as.store(&waiter, std::memory_order_seq_cst);
    waiter.ticket = lock_.tickets_++;
    waiter.is_queued = true;
    lock_.waiters_.insert(waiter, waiter.thread.level());
}

void Inheritable::Guard::leave(InheritableWaiter& waiter) {
    lock_.lock_.assert_held();
    lock_.waiters_.remove(waiter);
    waiter.is_queued = false;
    ++left_;
}

InheritableWaiter* Inheritable::Guard::next_to_serve() const {
    lock_.lock_.assert_held();
    UrgencyNode* const first = lock_.waiters_.first();
    if (!first || is_realtime(first->level) || ++lock_.served_ % turns_of_the_urgent != 0) return most_urgent();
    auto* oldest = static_cast<InheritableWaiter*>(first);
    for (UrgencyNode* node = first->next_first; node; node = node->next_first) {
        auto* const waiter = static_cast<InheritableWaiter*>(node);
        if (static_cast<i32>(waiter->ticket - oldest->ticket) < 0) oldest = waiter;
    }
    return oldest;
}

}
