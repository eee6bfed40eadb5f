// SPDX-License-Identifier: MIT
// The meaning of SCHED_OTHER: one interface, one file per policy in sched/policies/, one table in policy_table.cpp.
// All calls hold the run queue's lock. To add a policy, add a file and a row. A policy object is constant: its state
// for a CPU's threads is in PolicyQueue. tools/trace and tools/scheduling-figures name the policies that they show.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "sched/fair_queue.h"

namespace sched {

/// A policy's queues on one CPU; each policy uses what it needs. The levels are the nice values and one more for
/// SCHED_IDLE.
struct PolicyQueue : LevelQueue<nice_max - nice_min + 2> {
    FairQueue fair;
    u64 quantum_ns = 4 * ns_per_ms;             ///< set once
    bool is_empty() const { return LevelQueue::is_empty() && fair.count() == 0; }
};

/// Why a thread enters the queue.
enum class Arrival : u8 {
    Woken,       ///< new, or what it waited for has happened
    Preempted,   ///< a more urgent thread took the CPU; slice_left_ns of its quantum is left
    Expired,     ///< its quantum is over, or it yielded
};

/// The quantum of policies that take turns. While more than `crowd` threads wait it shrinks, to no less than 1 ms, so
/// that a round of all threads stays short: a shell must respond even under a fork bomb.
constexpr u64 turn_slice_ns(u64 quantum_ns, u32 waiting) {
    constexpr u32 crowd = 16;
    if (waiting <= crowd) [[likely]] return quantum_ns;
    return std::max(quantum_ns * crowd / waiting, std::min(quantum_ns, ns_per_ms));
}

class Policy {
public:
    virtual std::string_view name() const = 0;
    virtual void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const REQUIRES(its_run_queue) = 0;
    virtual void dequeue(PolicyQueue& queue, Schedulable& thread) const REQUIRES(its_run_queue) = 0;
    /// Removes the next thread to run from the queue and returns it; null if there is none.
    virtual Schedulable* pick(PolicyQueue& queue) const REQUIRES(its_run_queue) = 0;
    /// True if `woken` preempts `running`.
    virtual bool preempts(Schedulable const& woken, Schedulable const& running) const REQUIRES(its_run_queue) = 0;
    /// How long `thread` may run while others wait, ns; no_limit: until it blocks.
    /// `waiting`: the number of threads Ready on this CPU.
    virtual u64 slice_ns(Schedulable const& thread, u64 quantum_ns, u32 waiting) const REQUIRES(its_run_queue) = 0;
    static constexpr u64 no_limit = ~u64{0};
protected:
    ~Policy() = default;
};

/// All policies; the first is the default.
std::span<Policy const* const> policy_table();
/// Null: no policy has this name.
Policy const* find_policy(std::string_view name);

}
