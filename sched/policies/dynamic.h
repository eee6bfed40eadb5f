// SPDX-License-Identifier: MIT
// `dynamic`: shares by nice value, and a short wait for threads that use little CPU time. It is EEVDF,
// earliest eligible virtual deadline first (I. Stoica, H. Abdel-Wahab: "Earliest Eligible Virtual Deadline First",
// Old Dominion University TR 95-22, 1995; in Linux since 6.6), with turns that are learned.
//
// A thread asks for turns. It is eligible if it has not had more than its share; of the eligible threads, the one
// whose turn ought to be over first runs. The paper proves that no thread is ever further from its share than the
// length of a turn, so none starves; and that a thread that asks for shorter turns is served sooner, for the same
// share. So the length of a turn is the time that the thread usually runs before it sleeps: an editor has short turns
// and preempts compilers, a compiler has the whole quantum. Why not a multi-level feedback queue: its levels say
// nothing of shares, and ageing only hides that. Why not least virtual time alone (Linux before 6.6): there, low
// latency costs share.
//
// A CPU is shared between users first: the weight that a thread's nice value gives it is divided by the number of its
// user's threads that compete for this CPU. So a user with a thousand threads takes no more from another user's shell
// than a user with one, and the shares among the threads of one user stay the same. (Linux does this for sessions:
// autogroup, sched(7).)
#pragma once

#include <array>
#include <utility>

#include "sched/policy.h"

namespace sched {

class DynamicPolicy final : public Policy {
public:
    static constexpr i64 weight_of_nice_0 = 1024, weight_of_idle = 3;

    std::string_view name() const override { return "dynamic"; }

    void enqueue(PolicyQueue& queue, Schedulable& thread, Arrival arrival) const REQUIRES(its_run_queue) override {
        FairQueue& fair = queue.fair;
        Share& share = thread.share;
        u64 const ran_ns = charge(thread), quantum_ns = turn_slice_ns(queue.quantum_ns, fair.count());
        // What it has had beyond its share up to now: by its old weight, and perhaps by another queue's time.
        i64 lead = weighted(share.start - (share.home == &fair ? fair.now() : share.seen_at), share.weight) + service(ran_ns);
        share.home = &fair;
        if (arrival == Arrival::Woken) lead = std::max(lead, wake(thread, ran_ns, quantum_ns));
        else if (arrival == Arrival::Expired) lead += expire(thread, quantum_ns);
        lead = std::min(lead, service(2 * quantum_ns));   // however long it ran alone
        if (share.left_ns == 0) share.left_ns = share.turn_ns = turn_ns(thread, quantum_ns);
        share.group = thread.level() == idle_class_level ? FairQueue::idle_group : thread.share_group();
        share.weight = std::max<i64>(weight_of(thread) / fair.competing(share.group, thread), 1);
        share.start = fair.now() + lead / share.weight;
        share.deadline = share.start + service(share.left_ns) / share.weight;
        fair.insert(thread);
    }
    void dequeue(PolicyQueue& queue, Schedulable& thread) const REQUIRES(its_run_queue) override { queue.fair.remove(thread); }
    Schedulable* pick(PolicyQueue& queue) const REQUIRES(its_run_queue) override {
        Schedulable* const first = queue.fair.take();
        if (first) first->share.seen_at = queue.fair.now();
        return first;
    }
    bool preempts(Schedulable const& woken, Schedulable const& running) const REQUIRES(its_run_queue) override {
        bool const woken_is_idle = woken.level() == idle_class_level;
        if (running.level() == idle_class_level) return !woken_is_idle;
        if (woken_is_idle || woken.own().scheduling_class == SchedulingClass::Batch) return false;
        if (!woken.share.is_eligible || !(woken.share.deadline < running.share.deadline)) return false;
        // A running thread with short turns is soon done itself: the two ends of a pipe do not interrupt each other.
        return 2 * length_of_turn(woken) <= length_of_turn(running);
    }
    u64 slice_ns(Schedulable const& thread, u64 quantum_ns, u32 waiting) const REQUIRES(its_run_queue) override {
        return thread.share.turn_ns != 0 ? thread.share.turn_ns : turn_slice_ns(quantum_ns, waiting);
    }

private:
    /// A step of nice changes the weight by a quarter: Linux's sched_prio_to_weight, which programs are tuned to.
    static constexpr std::array<i64, nice_max - nice_min + 1> weights = {
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,   110,  87,   70,   56,   45,   36,   29,   23,   18,   15};
    /// Weights are multiplied by this, so that a fraction of one is still an integer.
    static constexpr i64 scale = 64;

    /// The weight of a thread that competes with no other thread of its user.
    static i64 weight_of(Schedulable const& thread) {
        Level const level = thread.level();
        return scale * (level == idle_class_level ? weight_of_idle : weights[level - first_fair_level]);
    }

    /// Running time, as virtual time multiplied by its weight.
    static constexpr i64 service(u64 ns) { return static_cast<i64>(ns) * weight_of_nice_0 * scale; }

    static i64 length_of_turn(Schedulable const& thread) REQUIRES(its_run_queue) {
        return service(thread.share.turn_ns) / std::max<i64>(thread.share.weight, 1);
    }

    /// The product, clamped to what fits into a word: a thread may have slept for days.
    static i64 weighted(i64 virtual_ns, i64 weight) {
        constexpr i64 most = i64{1} << 62;
        i64 product;
        if (__builtin_mul_overflow(virtual_ns, weight, &product)) return virtual_ns < 0 ? -most : most;
        return std::clamp(product, -most, most);
    }

    /// Accounts for the time since the thread was last queued; returns how long it ran.
    static u64 charge(Schedulable& thread) REQUIRES(its_run_queue) {
        constexpr u64 most_ns = 1000 * ns_per_s;   // under another policy; enqueue() cuts it to two quanta
        Share& share = thread.share;
        u64 const ran_ns = std::min(thread.ran_ns - share.accounted_ns, most_ns);
        share.accounted_ns = thread.ran_ns;
        share.burst_ns += ran_ns;
        share.left_ns -= std::min(share.left_ns, ran_ns);
        return ran_ns;
    }

    /// The thread slept, or is new here, or comes from another CPU (then it has not run since). Returns its least
    /// lead: sleep earns one turn.
    static i64 wake(Schedulable& thread, u64 ran_ns, u64 quantum_ns) REQUIRES(its_run_queue) {
        Share& share = thread.share;
        if (ran_ns != 0) {
            u64 const burst_ns = std::min(share.burst_ns, quantum_ns);
            share.usual_ns = share.usual_ns == 0 ? burst_ns : (3 * share.usual_ns + burst_ns) / 4;
            share.burst_ns = 0;
        }
        share.left_ns = 0;
        return -service(turn_ns(thread, quantum_ns));
    }

    /// Its turn is over, so it needs longer turns; or it yielded, and gives up the rest of its turn, which is added
    /// to its lead.
    static i64 expire(Schedulable& thread, u64 quantum_ns) REQUIRES(its_run_queue) {
        Share& share = thread.share;
        if (share.left_ns == 0) share.usual_ns = std::min(2 * share.usual_ns, quantum_ns);
        return service(std::exchange(share.left_ns, 0u));
    }

    /// Twice the usual time, so that most turns suffice. A thread that has never slept gets the whole quantum.
    static u64 turn_ns(Schedulable const& thread, u64 quantum_ns) REQUIRES(its_run_queue) {
        constexpr u64 shortest_part = 16;
        if (thread.own().scheduling_class != SchedulingClass::Other || thread.share.usual_ns == 0) return quantum_ns;
        return std::clamp(2 * thread.share.usual_ns, quantum_ns / shortest_part, quantum_ns);
    }
};

}
