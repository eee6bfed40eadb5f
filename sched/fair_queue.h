// SPDX-License-Identifier: MIT
// Threads in order of virtual time: the queue of the policy `dynamic` (sched/policies/dynamic.h), one a CPU.
// A thread's virtual time is the time it ran, divided by its weight. The queue's own is the average of all that
// wait here, by weight: who is behind it has had less than its share, and is eligible; the others wait for
// it to pass them. A thread changes from one tree to the other once in a turn: O(log n) for insert and
// remove, amortised for first(). The average is kept as a sum: no walk over the threads. And it knows how many of each share group
// are here, the one that runs included: take() says who that is.
#pragma once

#include <array>

#include "sched/schedulable.h"

namespace sched {

class FairQueue {
public:
    /// The threads of the class Idle, whoever's they are.
    static constexpr ShareGroup idle_group = user_share_groups;

    VirtualTime now() const { return now_; }
    u32 count() const { return count_; }

    /// How many threads of the group compete here for the CPU, with one that is about to be inserted.
    u32 competing(ShareGroup group, Schedulable const& coming) const {
        return members_[group] + (running_group_ == group && running_ != &coming) + 1;
    }

    /// By the weight and the group in its share.
    void insert(Schedulable& thread) {
        Share& share = thread.share;
        share.is_eligible = !(now_ < share.start);
        if (share.is_eligible) eligible_.insert(thread);
        else later_.insert(thread);
        add(thread, share.weight);
        ++members_[share.group];
        ++count_;
    }
    void remove(Schedulable& thread) {
        if (thread.share.is_eligible) eligible_.erase(eligible_.iterator_to(thread));
        else later_.erase(later_.iterator_to(thread));
        add(thread, -thread.share.weight);
        --members_[thread.share.group];
        --count_;
    }
    /// Removes the first, which runs now; null: there is none.
    Schedulable* take() {
        Schedulable* const thread = first();
        if (thread) remove(*thread);
        running_ = thread;
        running_group_ = thread ? thread->share.group : nobody;
        return thread;
    }

private:
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

    struct ByStart { using type = VirtualTime; type operator()(Schedulable const& thread) const { return thread.share.start; } };
    struct ByDeadline { using type = VirtualTime; type operator()(Schedulable const& thread) const { return thread.share.deadline; } };

    void add(Schedulable const& thread, i64 weight) {
        weight_ += weight;
        weighted_lead_ += weight * (thread.share.start - now_);
    }

    VirtualTime now_;
    i64 weight_ = 0;            ///< of all that are queued
    /// Sum of weight * (start - now). No thread is further away than the policy lets it be, two quanta divided by its weight, and
    /// quanta shrink where many wait: less than 10^18 for the longest quantum and the most threads there can be, which a word holds.
    i64 weighted_lead_ = 0;
    u32 count_ = 0;
    static constexpr ShareGroup nobody = idle_group + 1;
    std::array<u32, nobody> members_{};          ///< that are queued, by group
    ShareGroup running_group_ = nobody;          ///< of the thread that was taken last
    Schedulable const* running_ = nullptr;       ///< that thread, which may have ended; only compared
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByDeadline> eligible_;
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByStart> later_;
};

}
