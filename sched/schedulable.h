// SPDX-License-Identifier: MIT
// What a policy sees of a thread, and queues of such objects by level. Nothing here refers to a CPU, so policies and
// queues are tested on the host.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>

#include <base/intrusive.h>
#include <base/thread_annotations.h>
#include <base/types.h>

#include "sched/urgency.h"

namespace sched {

/// The POSIX classes and Linux's two, with the numbers of sched_setscheduler(2). Realtime classes (Fifo, RoundRobin:
/// 1..99) rank above the others, whose meaning is up to the policy of `sched=`. Batch: never in a hurry. Idle: after
/// all others, if the policy distinguishes it.
enum class SchedulingClass : u8 { Other = 0, Fifo = 1, RoundRobin = 2, Batch = 3, Idle = 5 };
constexpr bool is_realtime(SchedulingClass it) { return it == SchedulingClass::Fifo || it == SchedulingClass::RoundRobin; }

inline constexpr int nice_min = -20, nice_max = 19;

/// What a program may set for a thread (sched(7)).
struct Parameters {
    SchedulingClass scheduling_class = SchedulingClass::Other;
    u8 realtime_priority = 0;                   ///< 1..99 for Fifo and RoundRobin, 0 for the others
    i8 nice = 0;
    bool reset_on_fork = false;                 ///< SCHED_RESET_ON_FORK: children do not inherit privileged scheduling
};

/// Above everything that programs can request: the reapers, and threads that are about to end.
inline constexpr u8 realtime_priority_reaper = 100;

constexpr Level level_of(Parameters const& it) {
    if (it.realtime_priority != 0) return static_cast<Level>(realtime_priority_reaper - it.realtime_priority);
    if (it.scheduling_class == SchedulingClass::Idle) return idle_class_level;
    return static_cast<Level>(first_fair_level + it.nice - nice_min);
}

/// The parameters of a new child.
constexpr Parameters inherited(Parameters const& parent) {
    Parameters child = parent;
    if (!parent.reset_on_fork) return child;
    child.reset_on_fork = false;
    bool const realtime = is_realtime(parent.scheduling_class);
    if (realtime) child.scheduling_class = SchedulingClass::Other;
    child.realtime_priority = 0;
    if (realtime || child.nice < 0) child.nice = 0;
    return child;
}

/// Nanoseconds of a queue's own time. They wrap around; times of one queue are close together.
struct VirtualTime {
    u64 ns = 0;
    constexpr VirtualTime operator+(i64 step) const { return {ns + static_cast<u64>(step)}; }
    constexpr i64 operator-(VirtualTime other) const { return static_cast<i64>(ns - other.ns); }
    constexpr bool operator<(VirtualTime other) const { return *this - other < 0; }
};

/// The threads that share what one of them would get alone (sched/policies/dynamic.h): those of a user. An index into
/// each CPU's counters.
using ShareGroup = u16;
inline constexpr ShareGroup root_share_group = 0;
inline constexpr size_t user_share_groups = 256;
/// Root has a group of its own; other users whose numbers differ by a multiple of 255 share one.
constexpr ShareGroup share_group_of(UserId uid) {
    return uid.value == 0 ? root_share_group : static_cast<ShareGroup>(1 + (uid.value - 1) % (user_share_groups - 1));
}

/// For the analysis of locks: the lock of some run queue is held. Threads move between queues, so no attribute can say which one it
/// must be: ThreadQueueLock (run_queue.h) takes the right one, and the debug build asserts it where a queue is changed.
class CAPABILITY("run queue") RunQueueRole {
public:
    /// Nobody else knows the thread or the queue yet.
    void not_needed() const ASSERT_CAPABILITY(this) {}
};
inline constinit RunQueueRole its_run_queue;

class FairQueue;

/// A thread's account in a FairQueue (sched/policies/dynamic.h).
struct Share {
    VirtualTime start;                          ///< its virtual time, when it was last queued
    VirtualTime deadline;                       ///< when its turn ought to be over
    VirtualTime seen_at;                        ///< the queue's time when the thread was last picked
    FairQueue const* home = nullptr;            ///< the queue whose time these are; only compared
    u64 accounted_ns = 0;                       ///< this much of ran_ns is accounted for in `start`
    u64 turn_ns = 0, left_ns = 0;               ///< the turn it asks for, and the rest of it
    u64 burst_ns = 0, usual_ns = 0;             ///< how long it has run since it slept, and its usual value; 0: unknown
    i64 weight = 0;                             ///< by which its time counts since it was last queued; 0: never queued
    ShareGroup group = root_share_group;        ///< while queued: the group that it is counted in
    bool is_eligible = false;                   ///< while queued: which tree it is in
};

/// Anyone may read the levels.
struct Schedulable {
    /// The thread's own parameters, set by itself or by others.
    Parameters const& own() const REQUIRES(its_run_queue) { return own_; }
    Level own_level() const { return own_level_.load(std::memory_order_relaxed); }
    /// Its effective level: its own, or the inherited one (sched/inheritance.h) if that is more urgent.
    Level level() const { return level_.load(std::memory_order_relaxed); }
    void set_own(Parameters const& parameters) REQUIRES(its_run_queue) {
        own_ = parameters;
        own_level_.store(level_of(parameters), std::memory_order_relaxed);
        level_.store(std::min(own_level(), inherited_), std::memory_order_relaxed);
    }
    void inherit(Level level) REQUIRES(its_run_queue) {
        inherited_ = level;
        level_.store(std::min(own_level(), inherited_), std::memory_order_relaxed);
    }

    base::ListHook run_hook;                    ///< in a run queue while Ready
    u64 slice_left_ns GUARDED_BY(its_run_queue) = 0;   ///< rest of an interrupted quantum; 0: start a new one
    u64 ran_ns GUARDED_BY(its_run_queue) = 0;   ///< total running time, up to the last charge
    u64 ran_at_wake_ns GUARDED_BY(its_run_queue) = 0;   ///< ran_ns when it last woke (RLIMIT_RTTIME)
    Share share GUARDED_BY(its_run_queue);      ///< the policy `dynamic`'s
    base::TreeHook fair_hook;                   ///< in a FairQueue
    /// Its process's group; null: root's, as for kernel threads. Set before it starts. Ordering: relaxed; a change
    /// takes effect when the thread is next queued.
    std::atomic<ShareGroup> const* process_share_group = nullptr;
    ShareGroup share_group() const { return process_share_group ? process_share_group->load(std::memory_order_relaxed) : root_share_group; }

private:
    Parameters own_ GUARDED_BY(its_run_queue);
    Level inherited_ GUARDED_BY(its_run_queue) = no_level;
    std::atomic<Level> own_level_{level_of({})}, level_{level_of({})};
};

/// Lists by level, the lowest level first. Every operation is O(1).
template <unsigned level_count>
class LevelQueue {
public:
    void push_back(unsigned level, Schedulable& item) {
        lists_[level].push_back(item);
        mark(level);
    }
    void push_front(unsigned level, Schedulable& item) {
        lists_[level].push_front(item);
        mark(level);
    }
    void remove(unsigned level, Schedulable& item) {
        lists_[level].erase(lists_[level].iterator_to(item));
        unmark_if_empty(level);
    }
    /// Removes and returns the first thread of the lowest level; null if there is none.
    Schedulable* pop() {
        for (unsigned word = 0; word < words; ++word) {
            if (present_[word] == 0) continue;
            unsigned const level = word * 64 + static_cast<unsigned>(std::countr_zero(present_[word]));
            Schedulable& item = lists_[level].front();
            lists_[level].pop_front();
            unmark_if_empty(level);
            return &item;
        }
        return nullptr;
    }
    bool has(unsigned level) const { return present_[level / 64] >> (level % 64) & 1; }
    bool is_empty() const {
        u64 all = 0;
        for (u64 word : present_) all |= word;
        return all == 0;
    }

private:
    static constexpr unsigned words = (level_count + 63) / 64;
    void mark(unsigned level) { present_[level / 64] |= u64{1} << (level % 64); }
    void unmark_if_empty(unsigned level) {
        if (lists_[level].empty()) present_[level / 64] &= ~(u64{1} << (level % 64));
    }

    u64 present_[words] = {};                   ///< bit i: lists_[i] is not empty
    base::List<Schedulable, &Schedulable::run_hook> lists_[level_count];
};

}
