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
//
// Shares are users' first: what a thread's nice value gives it is divided by the number of its user's threads that
// compete for this CPU. So a user with a thousand threads takes no more from another's shell than a user with one,
// and among the threads of one user nothing changes. (Linux does that for sessions: autogroup, sched(7).)
#pragma once

#include <array>
#include <utility>

#include "sched/policy.h"

namespace sched {

class DynamicPolicy final : public Policy {
public:
    static constexpr i64 weight_of_nice_0 = 1024, weight_of_idle = 3;

    std::string_view name() const override { return "dynamic"; }

    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const override {
        FairQueue& fair = queue.fair;
        Share& share = thread.share;
        u64 const ran_ns = charge(thread), quantum_ns = turn_slice_ns(queue.quantum_ns, fair.count());
        // What it has had more than its share of, until now by its old weight and perhaps by another queue's time.
        i64 lead = weighted(share.start - (share.home == &fair ? fair.now() : share.seen_at), share.weight) + service(ran_ns);
        share.home = &fair;
        if (arrival == Arrival::Woken) lead = std::max(lead, wake(thread, ran_ns, quantum_ns));
        else if (arrival == Arrival::Expired) lead += expire(thread, quantum_ns);
        lead = std::min(lead, service(2 * quantum_ns));   // however long it ran while nobody else wanted to
        if (share.left_ns == 0) share.left_ns = share.turn_ns = turn_ns(thread, quantum_ns);
        share.group = thread.level() == idle_class_level ? FairQueue::idle_group : thread.share_group();
        share.weight = std::max<i64>(weight_of(thread) / fair.competing(share.group, thread), 1);
        share.start = fair.now() + lead / share.weight;
        share.deadline = share.start + service(share.left_ns) / share.weight;
        fair.insert(thread);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const override { queue.fair.remove(thread); }
    Schedulable* pick(PolicyQueue& queue) const override {
        Schedulable* const first = queue.fair.take();
        if (first) first->share.seen_at = queue.fair.now();
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

private:
    /// A step of nice is a quarter more or less: Linux's sched_prio_to_weight, which programs are tuned to.
    static constexpr std::array<i64, nice_max - nice_min + 1> weights = {
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,   110,  87,   70,   56,   45,   36,   29,   23,   18,   15};
    /// Weights are multiples of this, so that a part of one still is a number.
    static constexpr i64 scale = 64;

    /// A thread's that has no others of its user beside it.
    static i64 weight_of(Schedulable const& thread) {
        Level const level = thread.level();
        return scale * (level == idle_class_level ? weight_of_idle : weights[level - first_fair_level]);
    }

    /// Time that a thread runs, as virtual time multiplied by its weight.
    static constexpr i64 service(u64 ns) { return static_cast<i64>(ns) * weight_of_nice_0 * scale; }

    static i64 length_of_turn(Schedulable const& thread) { return service(thread.share.turn_ns) / std::max<i64>(thread.share.weight, 1); }

    /// Of a thread that has slept for days no more than what a word holds.
    static i64 weighted(i64 virtual_ns, i64 weight) {
        constexpr i64 most = i64{1} << 62;
        i64 product;
        if (__builtin_mul_overflow(virtual_ns, weight, &product)) return virtual_ns < 0 ? -most : most;
        return std::clamp(product, -most, most);
    }

    /// Accounts for the time since it was last queued. What it ran.
    static u64 charge(Schedulable& thread) {
        constexpr u64 most_ns = 1000 * ns_per_s;   // under another policy; enqueue() cuts it down to two quanta
        Share& share = thread.share;
        u64 const ran_ns = std::min(thread.ran_ns - share.accounted_ns, most_ns);
        share.accounted_ns = thread.ran_ns;
        share.burst_ns += ran_ns;
        share.left_ns -= std::min(share.left_ns, ran_ns);
        return ran_ns;
    }

    /// It slept, or is new here, or comes from another CPU (then it has not run since). The least lead it now has: sleep earns one turn.
    static i64 wake(Schedulable& thread, u64 ran_ns, u64 quantum_ns) {
        Share& share = thread.share;
        if (ran_ns != 0) {
            u64 const burst_ns = std::min(share.burst_ns, quantum_ns);
            share.usual_ns = share.usual_ns == 0 ? burst_ns : (3 * share.usual_ns + burst_ns) / 4;
            share.burst_ns = 0;
        }
        share.left_ns = 0;
        return -service(turn_ns(thread, quantum_ns));
    }

    /// Its turn is over: it needs longer ones. Or it yielded, and gives the rest of its turn away, which is added to its lead.
    static i64 expire(Schedulable& thread, u64 quantum_ns) {
        Share& share = thread.share;
        if (share.left_ns == 0) share.usual_ns = std::min(2 * share.usual_ns, quantum_ns);
        return service(std::exchange(share.left_ns, 0u));
    }

    /// Twice the usual time, so that most turns suffice. A thread that has never slept takes all it can get.
    static u64 turn_ns(Schedulable const& thread, u64 quantum_ns) {
        constexpr u64 shortest_part = 16;
        if (thread.own().scheduling_class != SchedulingClass::Other || thread.share.usual_ns == 0) return quantum_ns;
        return std::clamp(2 * thread.share.usual_ns, quantum_ns / shortest_part, quantum_ns);
    }
};

}
