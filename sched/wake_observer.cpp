// SPDX-License-Identifier: MIT
// Observers and relays. See wake_observer.h.
#include "sched/wake_observer.h"

#include <arch/cpu.h>
#include <arch/interrupts.h>

#include "sched/wait_queue.h"

namespace sched {
namespace {

constinit SpinLock<LockRank::leaf, InterruptsOff> relays_lock;
constinit Relay* first_due GUARDED_BY(relays_lock) = nullptr;
constinit Relay* running GUARDED_BY(relays_lock) = nullptr;      ///< whose wakes are being made
constinit bool is_draining GUARDED_BY(relays_lock) = false;

}

void WakeObserver::enter(WaitQueue& queue) {
    queue_ = &queue;
    {
        decltype(queue.lock_)::Guard guard(queue.lock_);
        queue.observers_.push_back(*this);
        queue.count_.store(queue.count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    // Ordering: full fence, with the one in WaitQueue::wake_one(): the waker sees us, or we what it did.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void WakeObserver::leave() {
    if (!queue_) return;
    WaitQueue& queue = *std::exchange(queue_, nullptr);
    decltype(queue.lock_)::Guard guard(queue.lock_);
    queue.observers_.remove(*this);
    queue.count_.store(queue.count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

bool WaitQueue::tell_observers() {
    for (WaitNode* node = observers_.first(); node; node = node->next) static_cast<WakeObserver*>(node)->on_wake();
    return true;
}

void Relay::ask() {
    decltype(relays_lock)::Guard guard(relays_lock);
    if (std::exchange(is_due_, true)) return;
    next_ = std::exchange(first_due, this);
}

void Relay::drain() {
    arch::PreemptGuard no_switch;                // who retires a relay spins until its wakes are made
    for (bool first = true;; first = false) {
        Relay* relay;
        {
            decltype(relays_lock)::Guard guard(relays_lock);
            if (first && is_draining) return;    // whoever drains sees what we asked for
            running = relay = first_due;
            is_draining = relay != nullptr;
            if (!relay) return;
            first_due = relay->next_;
            relay->is_due_ = false;
        }
        relay->make_wakes();
    }
}

void Relay::retire() {
    for (;; arch::relax()) {
        decltype(relays_lock)::Guard guard(relays_lock);
        if (std::exchange(is_due_, false)) {
            Relay** place = &first_due;
            while (*place != this) place = &(*place)->next_;
            *place = next_;
        }
        if (running != this) return;
    }
}

}
