// SPDX-License-Identifier: MIT
// What is told of a queue's wake-ups without being a thread: epoll's watches. An observer stays in its queue until it
// leaves. It is told under the queue's lock, where it may take locks of a higher rank than wait_queue, so it only marks
// what it must; the wakes that follow from it are asked for with Relay::ask() and made when no lock is held.
#pragma once

#include <arch/spin_lock.h>

#include "sched/wait_list.h"

namespace sched {

class WaitQueue;

class WakeObserver : private WaitNode {
public:
    WakeObserver(WakeObserver const&) = delete;
    void enter(WaitQueue& queue);                ///< the queue must outlive it, or it must leave first
    void leave();                                ///< from here on it is not told any more
protected:
    WakeObserver() = default;
    ~WakeObserver() = default;
    /// Any context, under the queue's lock.
    virtual void on_wake() = 0;
private:
    friend class WaitQueue;
    WaitQueue* queue_ = nullptr;                 ///< changed by enter() and leave(), which do not run at once
};

/// Wakes that are due because an observer was told. They are made one after the other by one CPU at a time: chains of
/// observers of observers cost no stack, and no two queues' locks are held together.
class Relay {
public:
    Relay(Relay const&) = delete;
    /// Any context, under any lock up to wait_queue's rank and epoll's.
    void ask();
    /// Makes what was asked for; by whoever told an observer, with no wait_queue lock held.
    static void drain();
protected:
    Relay() = default;
    ~Relay() = default;
    /// Nobody asks any more: waits for a wake that is being made. Before the object ends.
    void retire();
    /// Any context, preemption off.
    virtual void make_wakes() = 0;
private:
    Relay* next_ = nullptr;                      ///< all three are guarded by the relays' lock
    bool is_due_ = false;
};

}
