// SPDX-License-Identifier: MIT
// `fifo`: first come, first served. A thread runs until it blocks, yields or ends; there is no quantum, and nice
// values are ignored.
#pragma once

#include "sched/policy.h"

namespace sched {

class FifoPolicy final : public Policy {
public:
    std::string_view name() const override { return "fifo"; }
    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const override {
        if (arrival == Arrival::Preempted) queue.push_front(0, thread);
        else queue.push_back(0, thread);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const override { queue.remove(0, thread); }
    Schedulable* pick(PolicyQueue& queue) const override { return queue.pop(); }
    bool preempts(Schedulable const&, Schedulable const&) const override { return false; }
    u64 slice_ns(Schedulable const&, u64, u32) const override { return no_limit; }
};

}
