// SPDX-License-Identifier: MIT
// Threads in order of virtual time: the queue of the policy `dynamic` (sched/policies/dynamic.h), one per CPU.
// A thread's virtual time is the time it ran, divided by its weight. The queue's own time is the weighted average of
// the queued threads' times. A thread behind it has had less than its share and is eligible; the others wait until it
// passes them. A thread moves from one tree to the other once a turn: O(log n) for insert and remove, amortised for
// first(). The average is kept as a sum, so no operation walks the threads. The queue also counts the members of each
// share group, including the running thread, which take() records.
#pragma once

#include <array>

#include "sched/schedulable.h"

namespace sched {

class FairQueue {
public:
    /// The group of all threads of the class Idle, whichever user they belong to.
    static constexpr ShareGroup idle_group = user_share_groups;

    VirtualTime now() const { return now_; }
    u32 count() const { return count_; }

    /// How many threads of the group compete for this CPU, including `coming`, which is about to be inserted.
    u32 competing(ShareGroup group, Schedulable const& coming) const {
        return members_[group] + (running_group_ == group && running_ != &coming) + 1;
    }

    /// Uses the weight and the group in the thread's share.
    void insert(Schedulable& thread) REQUIRES(its_run_queue) {
        Share& share = thread.share;
        share.is_eligible = !(now_ < share.start);
        if (share.is_eligible) eligible_.insert(thread);
        else later_.insert(thread);
        add(thread, share.weight);
        ++members_[share.group];
        ++count_;
    }
    void remove(Schedulable& thread) REQUIRES(its_run_queue) {
        if (thread.share.is_eligible) eligible_.erase(eligible_.iterator_to(thread));
        else later_.erase(later_.iterator_to(thread));
        add(thread, -thread.share.weight);
        --members_[thread.share.group];
        --count_;
    }
    /// Removes and returns the first thread, which now runs; null if there is none.
    Schedulable* take() REQUIRES(its_run_queue) {
        Schedulable* const thread = first();
        if (thread) remove(*thread);
        running_ = thread;
        running_group_ = thread ? thread->share.group : nobody;
        return thread;
    }

private:
    /// Brings the queue's time up to date and returns the eligible thread with the earliest deadline, or null.
    Schedulable* first() REQUIRES(its_run_queue) {
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
        // No thread is eligible only if the average was rounded down by less than a nanosecond.
        return eligible_.empty() ? &*later_.begin() : &*eligible_.begin();
    }

    // Not analysed: the trees call them, for the functions above.
    struct ByStart {
        using type = VirtualTime;
        type operator()(Schedulable const& thread) const NO_THREAD_SAFETY_ANALYSIS { return thread.share.start; }
    };
    struct ByDeadline {
        using type = VirtualTime;
        type operator()(Schedulable const& thread) const NO_THREAD_SAFETY_ANALYSIS { return thread.share.deadline; }
    };

    void add(Schedulable const& thread, i64 weight) REQUIRES(its_run_queue) {
        weight_ += weight;
        weighted_lead_ += weight * (thread.share.start - now_);
    }

    VirtualTime now_;
    i64 weight_ = 0;            ///< sum over the queued threads
    /// Sum of weight * (start - now). No thread is further from now than the policy allows, two quanta divided by its
    /// weight, and quanta shrink when many wait: below 10^18 for the longest quantum and the largest number of
    /// threads, which fits into a word.
    i64 weighted_lead_ = 0;
    u32 count_ = 0;
    static constexpr ShareGroup nobody = idle_group + 1;
    std::array<u32, nobody> members_{};          ///< queued threads, by group
    ShareGroup running_group_ = nobody;          ///< of the thread taken last
    Schedulable const* running_ = nullptr;       ///< that thread, which may have ended; only compared
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByDeadline> eligible_;
    base::MultiTree<Schedulable, &Schedulable::fair_hook, ByStart> later_;
};

}
