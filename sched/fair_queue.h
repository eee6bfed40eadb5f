// SPDX-License-Identifier: MIT
// Threads in order of virtual time: the queue of the policy `dynamic` (sched/policies/dynamic.h), one a CPU.
// A thread's virtual time is the time it ran, divided by its weight. The queue's own is the average of all that
// wait here, by weight: who is behind it has had less than its share, and is eligible; the others wait for
// it to pass them. A thread changes from one tree to the other once in a turn: O(log n) for insert and
// remove, amortised for first(). The average is kept as a sum: no walk over the threads.
#pragma once

#include "sched/schedulable.h"

namespace sched {

class FairQueue {
public:
    VirtualTime now() const { return now_; }
    u32 count() const { return count_; }

    void insert(Schedulable& thread, u64 weight) {
        Share& share = thread.share;
        share.is_eligible = !(now_ < share.start);
        if (share.is_eligible) eligible_.insert(thread);
        else later_.insert(thread);
        add(thread, static_cast<i64>(weight));
        ++count_;
    }
    void remove(Schedulable& thread, u64 weight) {
        if (thread.share.is_eligible) eligible_.erase(eligible_.iterator_to(thread));
        else later_.erase(later_.iterator_to(thread));
        add(thread, -static_cast<i64>(weight));
        --count_;
    }
    /// Brings the queue's time up to date; the eligible thread of the earliest deadline, or null.
    Schedulable* first() {
        if (count_ == 0) return nullptr;
        i64 const step = weighted_lead_ / weight_;
        now_ = now_ + step;
        weighted_lead_ -= step * weight_;
        while (!later_.empty() && !(now_ < later_.begin()->share.start)) {
            Schedulable& thread = *later_.begin();
            later_.erase(later_.begin());
            thread.share.is_eligible = true;
            eligible_.insert(thread);
        }
        // Nobody is eligible only if the average was rounded down by less than a nanosecond.
        return eligible_.empty() ? &*later_.begin() : &*eligible_.begin();
    }

private:
    struct ByStart { using type = VirtualTime; type operator()(Schedulable const& thread) const { return thread.share.start; } };
    struct ByDeadline { using type = VirtualTime; type operator()(Schedulable const& thread) const { return thread.share.deadline; } };

    void add(Schedulable const& thread, i64 weight) {
        weight_ += weight;
        weighted_lead_ += weight * (thread.share.start - now_);
    }

    VirtualTime now_;
    i64 weight_ = 0;            ///< of all that are queued
    /// Sum of weight * (start - now). No thread is further away than the policy lets it be, a few quanta of 1024 / weight:
    /// a thousand million million for the most threads there can be, which a word holds.
    i64 weighted_lead_ = 0;
    u32 count_ = 0;
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByDeadline> eligible_;
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByStart> later_;
};

}
