// SPDX-License-Identifier: MIT
// `dynamic`: shares by nice value, and a short way to the CPU for threads that use little of it. It is EEVDF,
// earliest eligible virtual deadline first (I. Stoica, H. Abdel-Wahab: "Earliest Eligible Virtual Deadline First",
// Old Dominion University TR 95-22, 1995; Linux has it since 6.6), with turns that are learned.
//
// A thread asks for turns. One that has not had more than its share is eligible; of the eligible the one
// whose turn ought to be over first runs. The paper proves that nobody is ever further from its share than a turn
// is long, so nobody starves; and that who asks for shorter turns is served sooner, for the same share. So the
// length of a turn is what a thread usually runs before it sleeps: an editor has short turns and preempts compilers,
// a compiler has the whole quantum. Why not a multi-level feedback queue: its levels say nothing of shares,
// and ageing only hides that; why not by least virtual time alone (Linux before 6.6): there latency costs share.
#pragma once

#include <array>

#include "sched/policy.h"

namespace sched {

class DynamicPolicy final : public Policy {
public:
    static constexpr u64 weight_of_nice_0 = 1024, weight_of_idle = 3;

    std::string_view name() const override { return "dynamic"; }

    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const override {
        Share& share = thread.share;
        u64 const weight = weight_of(thread), ran_ns = settle(queue.fair, thread, weight);
        u64 const quantum_ns = turn_slice_ns(queue.quantum_ns, queue.fair.count());
        if (arrival == Arrival::Woken) wake(queue.fair, thread, weight, ran_ns, quantum_ns);
        else if (arrival == Arrival::Expired) expire(thread, weight, quantum_ns);
        // However long it ran while nobody else wanted to.
        VirtualTime const latest = queue.fair.now() + virtual_ns(2 * queue.quantum_ns, weight);
        if (latest < share.start) share.start = latest;
        if (share.left_ns == 0) {
            share.left_ns = share.turn_ns = turn_ns(thread, quantum_ns);
            share.deadline = share.start + virtual_ns(share.turn_ns, weight);
        }
        queue.fair.insert(thread, weight);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const override { queue.fair.remove(thread, weight_of(thread)); }
    Schedulable* pick(PolicyQueue& queue) const override {
        Schedulable* const first = queue.fair.first();
        if (!first) return nullptr;
        queue.fair.remove(*first, weight_of(*first));
        first->share.seen_at = queue.fair.now();
        return first;
    }
    bool preempts(Schedulable const& woken, Schedulable const& running) const override {
        bool const woken_is_idle = woken.level() == idle_class_level;
        if (running.level() == idle_class_level) return !woken_is_idle;
        if (woken_is_idle || woken.own().scheduling_class == SchedulingClass::Batch) return false;
        if (!woken.share.is_eligible || !(woken.share.deadline < running.share.deadline)) return false;
        // Who has short turns himself will soon be done: two ends of a pipe do not interrupt each other.
        return 2 * length_of_turn(woken) <= length_of_turn(running);
    }
    u64 slice_ns(Schedulable const& thread, u64 quantum_ns, u32 waiting) const override {
        return thread.share.turn_ns != 0 ? thread.share.turn_ns : turn_slice_ns(quantum_ns, waiting);
    }

    static u64 weight_of(Schedulable const& thread) {
        Level const level = thread.level();
        return level == idle_class_level ? weight_of_idle : weights[level - first_fair_level];
    }

private:
    /// A step of nice is a quarter more or less: Linux's sched_prio_to_weight, which programs are tuned to.
    static constexpr std::array<u32, nice_max - nice_min + 1> weights = {
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,   110,  87,   70,   56,   45,   36,   29,   23,   18,   15};

    static i64 virtual_ns(u64 ns, u64 weight) { return static_cast<i64>(ns * weight_of_nice_0 / weight); }

    static i64 length_of_turn(Schedulable const& thread) { return virtual_ns(thread.share.turn_ns, weight_of(thread)); }

    /// Accounts for the time since it was last here, and translates from the time of another CPU's queue. What it ran.
    static u64 settle(FairQueue& queue, Schedulable& thread, u64 weight) {
        constexpr u64 most_ns = 1000 * ns_per_s;   // under another policy; enqueue() cuts it down to two quanta
        Share& share = thread.share;
        u64 const ran_ns = std::min(thread.ran_ns - share.accounted_ns, most_ns);
        share.accounted_ns = thread.ran_ns;
        share.burst_ns += ran_ns;
        share.left_ns -= std::min(share.left_ns, ran_ns);
        share.start = share.start + virtual_ns(ran_ns, weight);
        if (share.home != &queue) share.start = queue.now() + (share.start - share.seen_at);
        share.home = &queue;
        return ran_ns;
    }

    /// It slept, or is new here, or comes from another CPU (then it has not run since). Sleep earns one turn at most.
    static void wake(FairQueue const& queue, Schedulable& thread, u64 weight, u64 ran_ns, u64 quantum_ns) {
        Share& share = thread.share;
        if (ran_ns != 0) {
            u64 const burst_ns = std::min(share.burst_ns, quantum_ns);
            share.usual_ns = share.usual_ns == 0 ? burst_ns : (3 * share.usual_ns + burst_ns) / 4;
            share.burst_ns = 0;
        }
        share.left_ns = 0;
        VirtualTime const earliest = queue.now() + -virtual_ns(turn_ns(thread, quantum_ns), weight);
        if (share.start < earliest) share.start = earliest;
    }

    /// Its turn is over: it needs longer ones. Or it yielded, and gives the rest of its turn away.
    static void expire(Schedulable& thread, u64 weight, u64 quantum_ns) {
        Share& share = thread.share;
        if (share.left_ns == 0) share.usual_ns = std::min(2 * share.usual_ns, quantum_ns);
        else share.start = share.start + virtual_ns(share.left_ns, weight);
        share.left_ns = 0;
    }

    /// Twice the usual time, so that most turns suffice. A thread that has never slept takes all it can get.
    static u64 turn_ns(Schedulable const& thread, u64 quantum_ns) {
        constexpr u64 shortest_part = 16;
        if (thread.own().scheduling_class != SchedulingClass::Other || thread.share.usual_ns == 0) return quantum_ns;
        return std::clamp(2 * thread.share.usual_ns, quantum_ns / shortest_part, quantum_ns);
    }
};

}
