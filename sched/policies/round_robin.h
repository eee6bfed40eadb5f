// SPDX-License-Identifier: MIT
// `rr`: every thread runs in turn, for one quantum each; nice values are ignored. A thread preempted by a more urgent
// one later continues with the rest of its quantum.
#pragma once

#include "sched/policy.h"

namespace sched {

class RoundRobinPolicy final : public Policy {
public:
    std::string_view name() const override { return "rr"; }
    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const override {
        if (arrival == Arrival::Preempted) queue.push_front(0, thread);
        else queue.push_back(0, thread);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const override { queue.remove(0, thread); }
    Schedulable* pick(PolicyQueue& queue) const override { return queue.pop(); }
    bool preempts(Schedulable const&, Schedulable const&) const override { return false; }
    u64 slice_ns(Schedulable const&, u64 quantum_ns, u32 waiting) const override { return turn_slice_ns(quantum_ns, waiting); }
};

}
