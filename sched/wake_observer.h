// SPDX-License-Identifier: MIT
// What is notified of a queue's wake-ups without being a thread: epoll's watches. An observer stays in its queue
// until it leaves. It is notified under the queue's lock, where it may take locks of a higher rank than wait_queue,
// so it only marks what it must; the wakes that follow are requested with Relay::ask() and made when no lock is held.
// A queue may have many observers: they are notified a few at a time, so that neither interrupts nor switches wait
// for all of them.
#pragma once

#include <atomic>

#include <arch/spin_lock.h>

#include "sched/wait_list.h"

namespace sched {

class WaitQueue;

/// What a wake is about: the events of poll(2) that may have become true. 0: any.
using WakeEvents = u32;

/// Wakes that are due because an observer was notified. Wakes that follow from these go to the end of the same chain,
/// so observers of observers cost no stack, and no two queues' locks are held together.
class Relay {
public:
    /// The relays of one wake. Its maker does not switch between the first ask() and the end of make_wakes(): other
    /// callers that ask for a relay that is in it rely on its wakes.
    class Chain {
    public:
        Chain() = default;
        Chain(Chain const&) = delete;
        void make_wakes();
    private:
        friend class Relay;
        Relay* first_ = nullptr;
        Relay* last_ = nullptr;
    };
    Relay(Relay const&) = delete;
    /// Any context, under any lock up to wait_queue's rank and epoll's; preemption off.
    void ask(Chain& chain);
protected:
    Relay() = default;
    ~Relay() = default;
    /// Nobody asks any more: waits for wakes in progress. Call before the object ends.
    void retire();
    /// Any context, preemption off.
    virtual void make_wakes(Chain& chain) = 0;
private:
    Relay* next_ = nullptr;                      ///< the next relay in its chain
    // Ordering: acq_rel exchanges. A caller that finds it due has finished its own part before, and the relay's wakes
    // come after.
    std::atomic<bool> is_due_{false};
    std::atomic<u32> chains_{0};                 ///< how many chains it is in, or makes its wakes for
};

class WakeObserver : private WaitNode {
public:
    WakeObserver(WakeObserver const&) = delete;
    void enter(WaitQueue& queue);                ///< the queue must outlive it, or it must leave first
    void leave();                                ///< afterwards it is no longer notified
    /// Call before it enters: a wake is offered to such observers of a queue until one has taken it.
    void set_exclusive() { is_exclusive_ = true; }
protected:
    WakeObserver() = default;
    ~WakeObserver() = default;
    /// Any context, under the queue's lock. True: it took the wake; a thread will act on it.
    virtual bool on_wake(WakeEvents events, Relay::Chain& chain) = 0;
private:
    friend class WaitQueue;
    WaitQueue* queue_ = nullptr;                 ///< changed by enter() and leave(), which must not run concurrently
    bool is_exclusive_ = false;
};

}
