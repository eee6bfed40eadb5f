// SPDX-License-Identifier: MIT
// Observers are notified a few at a time under the queue's lock; the relays they ask for make their wakes after it is
// released.
#include "sched/wake_observer.h"

#include <arch/cpu.h>
#include <arch/interrupts.h>

#include "sched/wait_queue.h"

namespace sched {

void WakeObserver::enter(WaitQueue& queue) {
    queue_ = &queue;
    {
        Locked guard(queue.lock_);
        queue.observers_.push_back(*this);
        queue.count_.store(queue.count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    // Ordering: full fence, pairs with the one in WaitQueue::wake_one(): the waker sees us, or we see what it did.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void WakeObserver::leave() {
    if (!queue_) return;
    WaitQueue& queue = *std::exchange(queue_, nullptr);
    Locked guard(queue.lock_);
    queue.observers_.remove(*this);
    queue.count_.store(queue.count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

/// How far a wake has got in notifying a queue's observers: between two batches it stands in their list.
class WaitQueue::Bookmark final : public WakeObserver {
public:
    explicit Bookmark(u32 count) : left(count) {}
    bool on_wake(WakeEvents, Relay::Chain&) override { return false; }   // another wake, passing by
    u32 left;                                    ///< still to notify: observers that enter later need not be
    bool is_taken = false;                       ///< an exclusive observer took the wake
    bool is_in = false;
};

/// Notifies the next few. False: all have been notified.
bool WaitQueue::tell_some(Bookmark& mark, WakeEvents events, Relay::Chain& chain) {
    Locked guard(lock_);
    WaitNode* node = mark.is_in ? mark.next : observers_.first();
    if (std::exchange(mark.is_in, false)) observers_.remove(mark);
    for (u32 room = at_once; node && mark.left > 0 && room > 0; node = node->next, --mark.left, --room) {
        auto& observer = static_cast<WakeObserver&>(*node);
        if (observer.is_exclusive_ && mark.is_taken) continue;
        if (observer.on_wake(events, chain)) mark.is_taken |= observer.is_exclusive_;
    }
    if (!node || mark.left == 0) return false;
    observers_.insert_before(node, mark);
    return mark.is_in = true;
}

void WaitQueue::tell_observers(WakeEvents events) {
    Bookmark mark(count_.load(std::memory_order_relaxed));
    for (bool is_more = true; is_more;) {
        arch::PreemptGuard no_switch;
        Relay::Chain chain;
        is_more = tell_some(mark, events, chain);
        chain.make_wakes();
    }
}

void WaitQueue::relay_all(WakeEvents events, Relay::Chain& chain) {
    // Ordering: as in wake_one().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_waiters() || !wake_waiters()) return;
    Bookmark mark(count_.load(std::memory_order_relaxed));
    while (tell_some(mark, events, chain)) { }
}

void Relay::ask(Chain& chain) {
    if (is_due_.exchange(true, std::memory_order_acq_rel)) return;
    chains_.fetch_add(1, std::memory_order_relaxed);
    next_ = nullptr;
    (chain.last_ ? chain.last_->next_ : chain.first_) = this;
    chain.last_ = this;
}

void Relay::Chain::make_wakes() {
    while (Relay* const relay = first_) {
        first_ = relay->next_;
        if (!first_) last_ = nullptr;
        relay->is_due_.exchange(false, std::memory_order_acq_rel);
        relay->make_wakes(*this);
        // Ordering: release, pairs with the acquire in retire(): the last access.
        relay->chains_.fetch_sub(1, std::memory_order_release);
    }
}

void Relay::retire() {
    while (chains_.load(std::memory_order_acquire) != 0) arch::relax();
}

}
