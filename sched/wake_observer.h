// SPDX-License-Identifier: MIT
// What is told of a queue's wake-ups without being a thread: epoll's watches. An observer stays in its queue until it
// leaves. It is told under the queue's lock, where it may take locks of a higher rank than wait_queue, so it only marks
// what it must; the wakes that follow from it are asked for with Relay::ask() and made when no lock is held. A queue may
// have many observers: they are told a few at a time, so that neither interrupts nor switches wait for all of them.
#pragma once

#include <atomic>

#include <arch/spin_lock.h>

#include "sched/wait_list.h"

namespace sched {

class WaitQueue;

/// What a wake is about: events of poll(2) that may have come true. 0: any.
using WakeEvents = u32;

/// Wakes that are due because an observer was told. Those that follow from them go to the end of the same chain: observers
/// of observers cost no stack, and no two queues' locks are held together.
class Relay {
public:
    /// The relays of one wake. Its maker does not switch from the first ask() to the end of make_wakes(): others who ask
    /// for a relay that is in it rely on its wakes.
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
    /// Nobody asks any more: waits for wakes that are being made. Before the object ends.
    void retire();
    /// Any context, preemption off.
    virtual void make_wakes(Chain& chain) = 0;
private:
    Relay* next_ = nullptr;                      ///< of who made it due
    // Ordering: acq_rel exchanges. Who finds it due did his part before, and its wakes come after.
    std::atomic<bool> is_due_{false};
    std::atomic<u32> chains_{0};                 ///< that it is in, or whose wakes it makes
};

class WakeObserver : private WaitNode {
public:
    WakeObserver(WakeObserver const&) = delete;
    void enter(WaitQueue& queue);                ///< the queue must outlive it, or it must leave first
    void leave();                                ///< from here on it is not told any more
    /// Before it enters: of all such observers of a queue, a wake goes on until one has taken it.
    void set_exclusive() { is_exclusive_ = true; }
protected:
    WakeObserver() = default;
    ~WakeObserver() = default;
    /// Any context, under the queue's lock. True: it took the wake; a thread will act on it.
    virtual bool on_wake(WakeEvents events, Relay::Chain& chain) = 0;
private:
    friend class WaitQueue;
    WaitQueue* queue_ = nullptr;                 ///< changed by enter() and leave(), which do not run at once
    bool is_exclusive_ = false;
};

}
