// SPDX-License-Identifier: MIT
// Chooses the CPU that a thread runs on. A woken thread goes to an idle CPU, preferably its last one, and stays where
// it was if none is idle; a CPU with nothing to do takes a thread that waits elsewhere; and from time to time a busy
// CPU takes one from a CPU where more threads wait, so that three busy threads share two CPUs.
#include <arch/time.h>

#include "sched/run_queue.h"
#include "sched/scheduler.h"

namespace sched {
namespace {

/// Statistics ticks between two checks of the other queues: 64 ms.
constexpr u32 balance_ticks = 16;

}

/// Reserves for the caller one of the idle CPUs in `allowed`; null: there is none.
RunQueue* Scheduler::idle_queue(u64 allowed, CpuId preferred) {
    u64 idle = idle_cpus_.load(std::memory_order_relaxed) & allowed;
    while (idle != 0) {
        u64 bit = u64{1} << preferred.value;
        if (!(idle & bit)) bit = idle & (0 - idle);
        if (idle_cpus_.fetch_and(~bit, std::memory_order_relaxed) & bit) return run_queue.on(CpuId(static_cast<u32>(std::countr_zero(bit))));
        idle &= ~bit;
    }
    return nullptr;
}

/// The CPU that place_for() reserved was not used: make it look for work itself; it becomes idle again if there is
/// none.
void Scheduler::still_idle(RunQueue& queue) {
    if (queue.cpu != arch::current_cpu()) arch::send_reschedule(queue.cpu);
}

/// For a realtime thread: the CPU with the least urgent running thread, if that of the last CPU is too urgent.
RunQueue* Scheduler::less_urgent_queue(RunQueue& last, Thread const& thread) {
    auto const level_on = [](RunQueue const& queue) { return queue.running_level.load(std::memory_order_relaxed); };
    RunQueue* best = may_run_here(last, thread) ? &last : nullptr;
    if (best && level_on(*best) > thread.level()) return best;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        RunQueue& queue = *run_queue.on(CpuId(cpu));
        if (may_run_here(queue, thread) && (!best || level_on(queue) > level_on(*best))) best = &queue;
    }
    return best;
}

/// The CPU on which a thread that becomes ready should run. The lock of `last`, its queue until now, is held.
RunQueue& Scheduler::place_for(RunQueue& last, Thread const& thread) {
    if (arch::online_cpus() == 1) return last;
    if (RunQueue* const idle = idle_queue(thread.allowed_cpus, last.cpu)) return *idle;
    if (is_realtime(thread.level()))
        if (RunQueue* const queue = less_urgent_queue(last, thread)) return *queue;
    if (may_run_here(last, thread)) return last;
    u64 const allowed = thread.allowed_cpus & online_mask();
    return allowed != 0 ? *run_queue.on(CpuId(static_cast<u32>(std::countr_zero(allowed)))) : last;
}

/// Moves a thread that is in no queue and does not run to the place found for it; on success that queue's lock is
/// held. Between the two locks everything may change: the CPUs it may use (then it is placed again), or another
/// thread moves it on. False: another thread did.
bool Scheduler::settle_at(RunQueue* place, ThreadQueueLock& lock, Thread& thread) {
    ThreadState const before = thread.state;
    while (place != &lock.queue()) {
        bool const is_ours = lock.move_to(*place, thread) && thread.state == before;
        if (is_ours && may_run_here(*place, thread)) [[likely]] return true;
        still_idle(*place);
        if (!is_ours) return false;
        place = &place_for(lock.queue(), thread);
    }
    return true;
}

bool Scheduler::settle(ThreadQueueLock& lock, Thread& thread) { return settle_at(&place_for(lock.queue(), thread), lock, thread); }

/// Takes a thread from the CPU where the most threads wait, if at least `at_least` do. Interrupts and preemption off.
bool Scheduler::pull(RunQueue& own, u32 at_least) {
    RunQueue* busiest = nullptr;
    u32 most = at_least - 1;
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        RunQueue& queue = *run_queue.on(CpuId(cpu));
        if (&queue == &own || queue.ready_count() <= most) continue;
        busiest = &queue;
        most = queue.ready_count();
    }
    if (!busiest) return false;
    TwoQueuesLock const lock(own, *busiest);
    return busiest->ready_count() >= at_least && move_one(*busiest, own);
}

bool Scheduler::find_work() {
    if (arch::online_cpus() == 1) return false;
    arch::PreemptGuard const on_this_cpu;
    RunQueue& own = *run_queue.read();
    idle_cpus_.fetch_or(u64{1} << own.cpu.value, std::memory_order_seq_cst);
    return pull(own, 1);
}

/// At each tick: wakes an idle CPU if threads wait here (it looked a moment too early); now and then takes a thread
/// from a CPU where more wait.
void Scheduler::check_balance(RunQueue& queue) {
    if (arch::online_cpus() == 1 || &current_thread() == queue.idle) return;
    u32 const waiting = queue.ready_count();
    if (waiting != 0) {
        if (RunQueue* const idle = idle_queue(~u64{0}, queue.cpu)) arch::send_reschedule(idle->cpu);
    }
    if (queue.ticks_to_balance-- != 0) return;
    queue.ticks_to_balance = balance_ticks;
    (void)pull(queue, waiting + 1);
}

/// The running thread may not stay on this CPU: the reaper, which runs next, moves it once its registers are saved.
void Scheduler::move_away(RunQueue& queue, u64 now_ns) {
    charge(queue, now_ns);
    queue.running->state = ThreadState::Moving;
    queue.leaving.push_back(*queue.running);
    wake_reaper(queue);
    charge(queue, now_ns);
    switch_to(queue, pick_next(queue), now_ns);
}

void Scheduler::resettle(Thread& thread) {
    ThreadQueueGuard guard(thread);
    if (settle(guard, thread)) make_ready(guard.queue(), thread);   // nobody else moves a Moving thread
}

Result<> Scheduler::set_affinity(Thread& thread, u64 allowed) {
    if ((allowed & online_mask()) == 0) return fail(EINVAL);
    bool must_move;
    {
        ThreadQueueGuard guard(thread);
        RunQueue& queue = guard.queue();
        thread.allowed_cpus = allowed;
        must_move = thread.state == ThreadState::Ready && !may_run_here(queue, thread);
        if (must_move) {
            dequeue(queue, thread);
            thread.state = ThreadState::Moving;
        } else if (&thread == queue.running && !may_run_here(queue, thread)) {
            ask_to_reschedule(queue);
        }
    }
    if (must_move) resettle(thread);
    return {};
}

u64 Scheduler::affinity(Thread const& thread) const {
    ThreadQueueGuard guard(thread);
    return thread.allowed_cpus & online_mask();
}

Standing Scheduler::standing(Thread const& thread) const {
    ThreadQueueGuard guard(thread);
    return {thread.own(), thread.allowed_cpus & online_mask()};
}

}
