// SPDX-License-Identifier: MIT
// A chain of owners who wait in turn is followed hand over hand, with one Inheritable's lock held at a time: before it is
// given back, the next waiter is pinned. Who is pinned stays in its wait, though it may be out of the list already; with it
// stay the lock that it waits for and its thread. So there is no deadlock even if threads of programs wait in a circle.
//
// Nothing is missed:   who begins to wait            who changes its urgency
//                      waits_as, full fence          level, full fence
//                      reads its own level           pins, and reads waits_as
// One of the two sees the other.
#include "sched/inheritance.h"

#include <base/config.h>

#include "sched/scheduler.h"

namespace sched {
namespace {

/// Links of a chain that urgency is given along, and that are searched for a circle (Linux's max_lock_depth).
constexpr unsigned longest_gift = 64, longest_search = 1024;
/// The longest waiting are served once in so many times.
constexpr u32 turns_of_the_urgent = 16;

/// All gifts of all threads. Taken only by those who have something to give, or to take back.
constinit SpinLock<LockRank::inheritance, InterruptsOff> inheritance_lock;

}

InheritableWaiter::~InheritableWaiter() {
    if (thread.heir.waits_as.load(std::memory_order_relaxed) != this) return;
    thread.heir.waits_as.store(nullptr, std::memory_order_seq_cst);
    // They run with preemption off: this does not last.
    while (thread.heir.pins.load(std::memory_order_seq_cst) != 0) arch::relax();
}

/// What the thread waits as, which stays until unpin(); null: it does not wait. The thread cannot end while this is called.
InheritableWaiter* Inheritable::pin_waiter(Thread& thread) {
    thread.heir.pins.fetch_add(1, std::memory_order_seq_cst);
    InheritableWaiter* const waiter = thread.heir.waits_as.load(std::memory_order_seq_cst);
    if (!waiter) unpin(thread);
    return waiter;
}

void Inheritable::unpin(Thread& thread) { thread.heir.pins.fetch_sub(1, std::memory_order_seq_cst); }

/// The owner gets what is due to it. Its own wait, pinned, if it is more or less urgent now.
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
    decltype(inheritance_lock)::Guard guard(inheritance_lock);
    Thread* const former = std::exchange(beneficiary_, beneficiary);
    bool former_changed = false, changed = false;
    if (former) former->heir.gifts.remove(gift_);
    if (beneficiary) beneficiary->heir.gifts.insert(gift_, level);
    if (former) former_changed = scheduler.set_inherited(*former, former->heir.gifts.top());
    if (beneficiary && beneficiary != former) changed = scheduler.set_inherited(*beneficiary, beneficiary->heir.gifts.top());
    // Who is the owner no longer does not wait: it is about to leave.
    if (former_changed && former == owner.load(std::memory_order_relaxed)) return pin_waiter(*former);
    return changed ? pin_waiter(*beneficiary) : nullptr;
}

/// The waiter's urgency has changed; returns what settle() does.
InheritableWaiter* Inheritable::reorder(InheritableWaiter& waiter) {
    Level const level = waiter.thread.level();
    if (!waiter.is_queued || waiter.level == level) return nullptr;
    waiters_.remove(waiter);
    waiters_.insert(waiter, level);
    // Somebody less urgent may have been told that the lock is free.
    if (!owner.load(std::memory_order_relaxed)) scheduler.wake_under_lock(waiter.thread);
    return settle();
}

/// Preemption is off.
void Inheritable::follow(InheritableWaiter* waiter) {
    for (unsigned depth = 0; waiter; ++depth) {
        InheritableWaiter* next = nullptr;
        Thread& thread = waiter->thread;
        if (depth < longest_gift) {
            decltype(lock_)::Guard guard(waiter->lock.lock_);
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
    // A waiter that has been made the owner does not wait any more.
    auto const look_at_owner = [&](Inheritable const& lock, Thread const* waits) -> InheritableWaiter* {
        Thread* const holder = lock.owner.load(std::memory_order_seq_cst);
        found = holder == &self;
        return holder && holder != waits && !found ? pin_waiter(*holder) : nullptr;
    };
    {
        decltype(lock_)::Guard guard(lock_);
        waiter = look_at_owner(*this, nullptr);
    }
    for (unsigned depth = 0; waiter; ++depth) {
        InheritableWaiter* next = nullptr;
        Thread& thread = waiter->thread;
        {
            decltype(lock_)::Guard guard(waiter->lock.lock_);
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
    // Ordering: full fence before the owner is looked at: it sees that we wait, or we see that it is the owner no longer.
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
