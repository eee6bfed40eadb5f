// SPDX-License-Identifier: MIT
// `priority`: the thread with the lowest nice value runs; a woken thread preempts one with a higher value. Threads of
// equal nice value take turns of one quantum each. SCHED_IDLE comes last.
#pragma once

#include "sched/policy.h"

namespace sched {

class PriorityPolicy final : public Policy {
public:
    std::string_view name() const override { return "priority"; }
    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const override {
        if (arrival == Arrival::Preempted) queue.push_front(level_of(thread), thread);
        else queue.push_back(level_of(thread), thread);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const override { queue.remove(level_of(thread), thread); }
    Schedulable* pick(PolicyQueue& queue) const override { return queue.pop(); }
    bool preempts(Schedulable const& woken, Schedulable const& running) const override { return level_of(woken) < level_of(running); }
    u64 slice_ns(Schedulable const&, u64 quantum_ns, u32 waiting) const override { return turn_slice_ns(quantum_ns, waiting); }

private:
    static unsigned level_of(Schedulable const& thread) { return thread.level() - unsigned{first_fair_level}; }
};

}
