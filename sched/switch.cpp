// SPDX-License-Identifier: MIT
// The switch path: which thread runs next; blocking, waking, preemption.
// Invariant: everything here holds one run queue's lock; a thread that is switched away leaves it held, and the next
// one releases it.
#include <cstring>

#include <arch/return_work.h>
#include <arch/time.h>
#include <base/trace.h>

#include "mm/frame_caches.h"
#include "sched/run_queue.h"
#include "sched/scheduler.h"
#include "sched/timer.h"

namespace sched {
namespace {

/// For the trace: eight characters of a name in a word, and the reason why a thread left its CPU.
u64 short_name(Thread const& thread) {
    u64 word;
    std::memcpy(&word, thread.name, sizeof word);
    return word;
}
constexpr u64 stop_reason(ThreadState state) {
    return state == ThreadState::Ready ? 1 : state == ThreadState::Blocked ? 2 : state == ThreadState::Terminated ? 3 : 0;
}

void count_voluntary_switch(Thread& thread, SharedUsage* shared) {
    ++thread.voluntary_switches;
    if (shared) SharedUsage::add(shared->voluntary_switches, 1);
}
void count_involuntary_switch(Thread& thread, SharedUsage* shared) {
    ++thread.involuntary_switches;
    if (shared) SharedUsage::add(shared->involuntary_switches, 1);
}

}

[[gnu::always_inline]] inline void Scheduler::enqueue(RunQueue& queue, Thread& thread, Arrival arrival) {
    queue.lock.assert_held();
    thread.state = ThreadState::Ready;
    queue.add_ready(1);
    Level const level = thread.level();
    if (!is_realtime(level)) [[likely]] return policy().enqueue(queue.other, thread, arrival);
    if (arrival == Arrival::Preempted) queue.realtime.push_front(level, thread);
    else queue.realtime.push_back(level, thread);
}

void Scheduler::dequeue(RunQueue& queue, Thread& thread) {
    queue.lock.assert_held();
    queue.add_ready(~u32{0});
    Level const level = thread.level();
    if (is_realtime(level)) queue.realtime.remove(level, thread);
    else policy().dequeue(queue.other, thread);
}

/// Removes the next thread from the queue: realtime first, then the policy's choice, then the idle thread.
[[gnu::always_inline]] inline Thread& Scheduler::pick(RunQueue& queue) {
    return queue.ready_count() != 0 ? take_next(queue) : *queue.idle;
}

/// The same when at least one thread is ready.
[[gnu::always_inline]] inline Thread& Scheduler::take_next(RunQueue& queue) {
    queue.lock.assert_held();
    queue.add_ready(~u32{0});
    Schedulable* next = nullptr;
    if (!queue.realtime.is_empty()) [[unlikely]] next = queue.realtime_share.is_spent ? pick_spared(queue) : queue.realtime.pop();
    if (!next) [[likely]] next = policy().pick(queue.other);
    return static_cast<Thread&>(*next);
}

[[gnu::always_inline]] inline void Scheduler::preempt_if_more_urgent(RunQueue& queue, Thread const& thread) {
    Thread const& running = *queue.running;
    Level const level = thread.level(), running_level = running.level();
    bool urgent = &running == queue.idle;
    if (!urgent && !is_realtime(level)) urgent = !is_realtime(running_level) && policy().preempts(thread, running);
    else if (!urgent) urgent = level < running_level && !(queue.realtime_share.is_spent && level != 0 && !is_realtime(running_level));
    if (urgent) ask_to_reschedule(queue);
    // From now on the running thread's quantum counts. (Another CPU notices at its next tick.)
    else if (queue.cpu == arch::current_cpu()) alarm_no_later_than(queue.slice_end_ns);
}

/// Moves the first thread that waits on `from` and may run on `to`. Both locks are held.
bool Scheduler::move_one(RunQueue& from, RunQueue& to) {
    constexpr u32 most_tries = 4;   // threads tied to their CPU may stand in front of it
    Thread* passed[most_tries];
    u32 passed_count = 0;
    Thread* found = nullptr;
    while (!found && passed_count < most_tries && from.ready_count() != 0) {
        Thread& thread = pick(from);
        if (may_run_here(to, thread)) found = &thread;
        else passed[passed_count++] = &thread;
    }
    while (passed_count != 0) enqueue(from, *passed[--passed_count], Arrival::Preempted);
    if (!found) return false;
    found->cpu = to.cpu;
    // Ordering: release, pairs with ThreadQueueLock's acquire.
    found->run_queue.store(&to, std::memory_order_release);
    make_ready(to, *found);
    return true;
}

void Scheduler::make_ready(RunQueue& queue, Thread& thread) {
    thread.slice_left_ns = 0;
    enqueue(queue, thread, Arrival::Woken);
    TRACE_EVENT(Wake, thread.number, short_name(thread));
    preempt_if_more_urgent(queue, thread);
}

/// A Ready thread that becomes less urgent goes in front of its new equals (sched_setscheduler(2)).
void Scheduler::put_back(RunQueue& queue, Thread& thread, Level before) {
    thread.slice_left_ns = 0;
    enqueue(queue, thread, thread.level() > before ? Arrival::Preempted : Arrival::Woken);
    preempt_if_more_urgent(queue, thread);
}

u64 Scheduler::slice_ns(Thread const& thread, u32 waiting) const {
    if (is_realtime(thread.level())) return thread.own().scheduling_class == SchedulingClass::RoundRobin ? quantum_ns_ : Policy::no_limit;
    return policy().slice_ns(thread, quantum_ns_, waiting);
}

/// Sets the alarm only if it is not early enough already; if it rings too early, on_timer() checks again.
[[gnu::always_inline]] inline void Scheduler::begin_slice(RunQueue& queue, Thread& next, u64 now_ns) {
    u64 const slice = next.slice_left_ns ? next.slice_left_ns : slice_ns(next, queue.ready);
    next.slice_left_ns = 0;
    queue.slice_end_ns = slice == Policy::no_limit ? Policy::no_limit : now_ns + slice;
    u64 const tick_ns = now_ns + statistics_tick_ns;
    alarm_no_later_than(queue.ready_count() != 0 && queue.slice_end_ns < tick_ns ? queue.slice_end_ns : tick_ns);
}

Thread& Scheduler::pick_next(RunQueue& queue) { return pick(queue); }

/// The caller has charged the running thread up to now, before it queued it, so that the policy knows what it used.
void Scheduler::switch_to(RunQueue& queue, Thread& next, u64 now_ns) {
    queue.lock.assert_held();
    Thread& previous = *queue.running;
    arch::clear_need_resched();
    queue.reschedule_sent = false;
    next.state = ThreadState::Running;
    if (&next == queue.idle) queue.slice_end_ns = Policy::no_limit;   // and no tick
    else begin_slice(queue, next, now_ns);
    if (&next == &previous) return;
    if (&previous == queue.idle) no_longer_idle(queue.cpu);
    ++queue.switches;
    queue.running = &next;
    queue.running_level.store(next.level(), std::memory_order_relaxed);
    next.last_charged_ns = now_ns;
    current_thread_pointer.write(&next);
    arch::return_work_pointer.write(reinterpret_cast<u32 const*>(&next.return_work));
    if constexpr (config::debug) arch::set_thread_lock_list(next.held_locks.pointer());
    TRACE_EVENT(Switch, stop_reason(previous.state) << 32 | next.number, short_name(previous));
    arch::switch_context(previous.context, next.context);
}

void Scheduler::finish_first_switch() {
    run_queue.read()->lock.give();
    arch::preempt_enable_no_check();
}

void Scheduler::yield() {
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    Thread& self = *queue.running;
    if (!may_run_here(queue, self)) return move_away(queue, arch::clock_ns());
    if (queue.ready_count() == 0) return;
    u64 const now_ns = arch::clock_ns();
    charge(queue, now_ns);
    if (&self != queue.idle) enqueue(queue, self, Arrival::Expired);
    Thread& next = take_next(queue);
    if (&next != &self) count_voluntary_switch(self, self.shared_usage);
    switch_to(queue, next, now_ns);
}

void Scheduler::on_preempt() {
    if (!run_queue.read()) return arch::clear_need_resched();
    if (mm::frame_drains.load(std::memory_order_relaxed) != 0) [[unlikely]] mm::drain_asked_cache();
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    Thread& self = *queue.running;
    if (!may_run_here(queue, self)) return move_away(queue, arch::clock_ns());
    queue.reschedule_sent = false;
    if (queue.ready_count() == 0) return arch::clear_need_resched();
    u64 const now_ns = arch::clock_ns();
    charge(queue, now_ns);
    if (&self != queue.idle) {
        bool const expired = now_ns >= queue.slice_end_ns;
        bool const limited = queue.slice_end_ns != Policy::no_limit;
        self.slice_left_ns = limited && !expired ? queue.slice_end_ns - now_ns : 0;
        enqueue(queue, self, expired ? Arrival::Expired : Arrival::Preempted);
    }
    Thread& next = take_next(queue);
    if (&next != &self) count_involuntary_switch(self, self.shared_usage);
    switch_to(queue, next, now_ns);
}

void Scheduler::block() {
    if constexpr (config::debug) arch::lock_check_may_sleep();
    DEBUG_ASSERT(arch::preempt_enabled());
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    Thread& self = *queue.running;
    // Ordering: relaxed here and in wake_if(): both hold the lock.
    bool const sleep = self.block_phase.load(std::memory_order_relaxed) == BlockPhase::Preparing;
    self.block_phase.store(BlockPhase::None, std::memory_order_relaxed);
    if (!sleep) return;
    self.state = ThreadState::Blocked;
    u64 const now_ns = arch::clock_ns();
    count_voluntary_switch(self, charge(queue, now_ns));
    switch_to(queue, pick(queue), now_ns);
}

/// Wakes `thread` if its sleep is at least as interruptible as `least`. Its queue's lock is held. On the way to
/// another CPU no lock is held for a moment: another waker may be faster, and the thread may even sleep again. A
/// sleeper checks its condition in a loop, so at worst it is woken once too often.
[[gnu::always_inline]] inline bool Scheduler::wake_if(ThreadQueueLock& lock, Thread& thread, Interruptible least) {
    if (thread.state == ThreadState::Blocked) {
        if (thread.sleep_kind < least) return false;
        RunQueue& place = place_for(lock.queue(), thread);
        if (&place == &lock.queue() || settle_at(&place, lock, thread)) {   // inlined settle()
            thread.ran_at_wake_ns = thread.ran_ns;
            make_ready(lock.queue(), thread);
        }
        return true;
    }
    // A program that runs on another CPU must enter the kernel to see its signal, however it slept last.
    if (least != Interruptible::No && thread.state == ThreadState::Running) interrupt_other(lock.queue());
    // Running or Ready (preempted), but perhaps about to sleep.
    if (thread.block_phase.load(std::memory_order_relaxed) != BlockPhase::Preparing || thread.sleep_kind < least) return false;
    thread.block_phase.store(BlockPhase::Woken, std::memory_order_relaxed);
    return true;
}

bool Scheduler::wake(Thread& thread) {
    ThreadQueueGuard guard(thread);
    return wake_if(guard, thread, Interruptible::No);
}

bool Scheduler::wake_interruptible(Thread& thread) {
    ThreadQueueGuard guard(thread);
    return wake_if(guard, thread, Interruptible::Yes);
}

bool Scheduler::wake_to_end(Thread& thread) {
    ThreadQueueGuard guard(thread);
    return wake_if(guard, thread, Interruptible::Fatal);
}

bool Scheduler::wake_under_lock(Thread& thread) {
    ThreadQueueLock lock(thread);
    return wake_if(lock, thread, Interruptible::No);
}

Standing Scheduler::begin_exit() {
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    Standing const before{queue.running->own(), queue.running->allowed_cpus & online_mask()};
    queue.running->set_own({SchedulingClass::Fifo, realtime_priority_reaper});
    queue.running_level.store(queue.running->level(), std::memory_order_relaxed);
    queue.slice_end_ns = Policy::no_limit;
    return before;
}

void Scheduler::wake_reaper(RunQueue& queue) {
    Thread& reaper = *queue.reaper;
    if (reaper.state == ThreadState::Blocked) make_ready(queue, reaper);
    else if (reaper.block_phase.load(std::memory_order_relaxed) == BlockPhase::Preparing)
        reaper.block_phase.store(BlockPhase::Woken, std::memory_order_relaxed);
}

void Scheduler::exit_current() {
    if constexpr (config::debug) arch::lock_check_may_sleep();
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    queue.running->state = ThreadState::Terminated;
    queue.dead.push_back(*queue.running);
    wake_reaper(queue);
    u64 const now_ns = arch::clock_ns();
    charge(queue, now_ns);
    switch_to(queue, pick(queue), now_ns);
    panic("a terminated thread runs");
}

}
