// SPDX-License-Identifier: MIT
// Starts the scheduler on a CPU, creates threads and changes their parameters; and the two threads that belong to
// each CPU: idle and the reaper.
#include "sched/scheduler.h"

#include <arch/cpu.h>
#include <arch/return_work.h>
#include <arch/time.h>
#include <base/log.h>

#include <algorithm>

#include "sched/inheritance.h"
#include "sched/run_queue.h"
#include "sched/timer.h"

namespace sched {

constinit Scheduler scheduler;
PER_CPU arch::PerCpu<RunQueue*> run_queue;

namespace {

/// A shorter quantum would spend all its time on switching; a longer one is no quantum.
constexpr u64 shortest_quantum_ns = ns_per_ms, longest_quantum_ns = 60 * ns_per_s;

constinit std::atomic<u32> next_kernel_number{Thread::first_kernel_number};

class KernelThread final : public Thread {
public:
    KernelThread(void (*entry)(void*), void* argument) : entry_(entry), argument_(argument) {}
    Result<> prepare(std::string_view its_name) {
        number = next_kernel_number.fetch_add(1, std::memory_order_relaxed);
        stack = TRY(mm::kernel_space.allocate_stack());
        set_name(its_name);
        context.kernel_stack_top = stack.top();
        arch::prepare_kernel_thread(context, &KernelThread::run, this);
        return {};
    }
private:
    static void run(void* self) {
        auto& thread = *static_cast<KernelThread*>(self);
        thread.entry_(thread.argument_);
        scheduler.exit_current();
    }
    void (*entry_)(void*);
    void* argument_;
};

Result<Thread*> make_kernel_thread(std::string_view name, void (*entry)(void*), void* argument) {
    mm::Owned<KernelThread> thread(TRY(mm::make<KernelThread>(entry, argument)));
    TRY(thread->prepare(name));
    return thread.leak();
}

void idle_loop(void*) {
    for (;;) {
        arch::interrupts_disable();
        if (arch::need_resched()) {
            arch::interrupts_enable();
            scheduler.on_preempt();
        } else if (!scheduler.find_work()) {
            arch::wait_for_interrupt();
        }
    }
}

Thread* take_first(RunQueue& queue, base::List<Schedulable, &Schedulable::run_hook> RunQueue::* which) {
    QueueGuard const guard(queue);
    auto& list = queue.*which;
    if (list.empty()) return nullptr;
    auto& thread = static_cast<Thread&>(list.front());
    list.pop_front();
    return &thread;
}

/// The reaper holds no lock and has its own stack, because owners may sleep while they free a thread. It is more
/// urgent than everything else, so a thread's memory is back before anyone can ask for it.
void reaper_loop(void* argument) {
    RunQueue& queue = *static_cast<RunQueue*>(argument);
    for (;;) {
        scheduler.prepare_to_block(Interruptible::No);
        if (Thread* thread = take_first(queue, &RunQueue::leaving)) {
            scheduler.cancel_block();
            scheduler.resettle(*thread);
        } else if (thread = take_first(queue, &RunQueue::dead); thread) {
            scheduler.cancel_block();
            thread->on_terminated();
        } else {
            scheduler.block();
        }
    }
}

/// A result that the boot cannot continue without.
template <class T>
T* required(Result<T*> result) {
    if (!result) panic("no memory for the scheduler");
    return *result;
}

}

/// Makes everything except the running thread.
Result<RunQueue*> Scheduler::make_queue(CpuId cpu) {
    its_run_queue.not_needed();
    mm::Owned<RunQueue> queue(TRY(mm::make<RunQueue>()));
    queue->cpu = cpu;
    queue->other.quantum_ns = scheduler.quantum_ns_;
    mm::Owned<TimerQueue> timers(TRY(mm::make<TimerQueue>()));
    mm::Owned<Thread> idle(TRY(make_kernel_thread("idle", idle_loop, nullptr)));
    queue->reaper = TRY(make_kernel_thread("reaper", reaper_loop, &*queue));
    queue->idle = idle.leak();
    queue->idle->set_own({SchedulingClass::Idle});
    queue->reaper->set_own({SchedulingClass::Fifo, realtime_priority_reaper});
    for (Thread* thread : {queue->idle, queue->reaper}) {
        thread->cpu = cpu;
        thread->allowed_cpus = u64{1} << cpu.value;
        thread->run_queue.store(&*queue, std::memory_order_relaxed);
    }
    timer_queue.on(cpu) = timers.leak();
    return queue.leak();
}

/// `running` is the thread that the CPU already runs.
void Scheduler::use_queue(RunQueue& queue, Thread& running) {
    its_run_queue.not_needed();
    CpuId const cpu = queue.cpu;
    running.state = ThreadState::Running;
    running.cpu = cpu;
    running.run_queue.store(&queue, std::memory_order_relaxed);
    running.last_charged_ns = arch::clock_ns();
    queue.running = &running;
    queue.running_level.store(running.level(), std::memory_order_relaxed);
    current_thread_pointer.on(cpu) = &running;
    arch::return_work_pointer.on(cpu) = reinterpret_cast<u32 const*>(&running.return_work);
    run_queue.on(cpu) = &queue;
}

void Scheduler::initialize(std::string_view policy_name, u64 quantum_ns) {
    policy_ = find_policy(policy_name);
    if (!policy_) {
        policy_ = policy_table().front();
        if (!policy_name.empty()) log_warning("sched", "no policy \"{}\", using {}", policy_name, policy().name());
    }
    quantum_ns_ = std::clamp(quantum_ns, shortest_quantum_ns, longest_quantum_ns);
    RunQueue& queue = *required(make_queue(arch::current_cpu()));
    Thread& kernel = *required(mm::make<Thread>());
    kernel.set_name("kernel");
    use_queue(queue, kernel);
    if constexpr (config::debug) arch::set_thread_lock_list(kernel.held_locks.pointer());
    start(*queue.reaper);
    log_info("sched", "policy {}, quantum {} ms", policy().name(), quantum_ns_ / ns_per_ms);
}

Result<Thread*> Scheduler::create_kernel_thread(std::string_view name, void (*entry)(void*), void* argument, int nice) {
    Thread* thread = TRY(make_kernel_thread(name, entry, argument));
    its_run_queue.not_needed();
    thread->set_own({.nice = static_cast<i8>(std::clamp(nice, nice_min, nice_max))});
    thread->allowed_cpus = current_thread().allowed_cpus;
    start(*thread);
    return thread;
}

Result<u64> Scheduler::add_cpu(CpuId cpu) {
    RunQueue& queue = *TRY(make_queue(cpu));
    use_queue(queue, *queue.idle);
    return queue.idle->context.kernel_stack_top;
}

void Scheduler::run_cpu() {
    RunQueue& queue = *run_queue.read();
    if constexpr (config::debug) arch::set_thread_lock_list(queue.idle->held_locks.pointer());
    start(*queue.reaper);
    idle_loop(nullptr);
    panic("an idle thread ended");
}

void Scheduler::start(Thread& thread) {
    SwitchesOff const guard;
    ThreadQueueLock lock(thread);
    thread.charge_to_user = thread.context.fpu != nullptr;
    if (settle(lock, thread)) make_ready(lock.queue(), thread);   // nobody else moves or wakes a thread that never started
}

/// Applies a change that affects a thread's place, wherever the thread is. True: its level has changed.
template <class Change>
bool Scheduler::requeue(Thread& thread, Change&& change) {
    Level before, after;
    bool moves = false;
    {
        ThreadQueueGuard guard(thread);
        RunQueue& queue = guard.queue();
        bool const ready = thread.state == ThreadState::Ready;
        if (ready) dequeue(queue, thread);
        before = thread.level();
        SchedulingClass const old_class = thread.own().scheduling_class;
        change();
        after = thread.level();
        moves = ready && after < before && is_realtime(after) && less_urgent_queue(queue, thread) != &queue;
        if (moves) thread.state = ThreadState::Moving;
        else if (ready) put_back(queue, thread, before);
        else if (&thread == queue.running) update_running(queue, before, old_class);
    }
    if (moves) resettle(thread);
    return after != before;
}

/// Gives the running thread's turn a new length. Its CPU notices at the next tick at the latest.
void Scheduler::restart_slice(RunQueue& queue) {
    queue.lock.assert_held();
    if (queue.running == queue.idle) return;
    u64 const slice = slice_ns(*queue.running, queue.ready_count());
    queue.slice_end_ns = slice == Policy::no_limit ? Policy::no_limit : arch::clock_ns() + slice;
}

/// The running thread's level or class has changed.
void Scheduler::update_running(RunQueue& queue, Level before, SchedulingClass old_class) {
    queue.lock.assert_held();
    Thread const& running = *queue.running;
    Level const level = running.level();
    queue.running_level.store(level, std::memory_order_relaxed);
    bool const realtime = is_realtime(level);
    if (is_realtime(before) != realtime || (realtime && running.own().scheduling_class != old_class)) restart_slice(queue);
    if (level > before && queue.ready_count() != 0) ask_to_reschedule(queue);
}

void Scheduler::set_nice(Thread& thread, int nice) {
    bool const changed = requeue(thread, [&]() REQUIRES(its_run_queue) {
        Parameters wanted = thread.own();
        wanted.nice = static_cast<i8>(std::clamp(nice, nice_min, nice_max));
        thread.set_own(wanted);
    });
    if (changed) Inheritable::urgency_changed(thread);
}

Result<> Scheduler::set_class(Thread& thread, SchedulingClass scheduling_class, u8 realtime_priority) {
    Parameters wanted = parameters(thread);
    wanted.scheduling_class = scheduling_class;
    wanted.realtime_priority = realtime_priority;
    return set_parameters(thread, wanted);
}

Result<> Scheduler::set_parameters(Thread& thread, Parameters const& wanted) {
    bool const realtime = is_realtime(wanted.scheduling_class);
    if (realtime != (wanted.realtime_priority != 0) || wanted.realtime_priority >= realtime_priority_reaper) return fail(EINVAL);
    bool const changed = requeue(thread, [&]() REQUIRES(its_run_queue) {
        if (!is_realtime(thread.own().scheduling_class)) thread.ran_at_wake_ns = thread.ran_ns;   // RLIMIT_RTTIME counts from here
        if (thread.own().realtime_priority != realtime_priority_reaper) thread.set_own(wanted);   // begin_exit() has the last word
    });
    if (changed) Inheritable::urgency_changed(thread);
    return {};
}

void Scheduler::hurry_to_end(Thread& thread) {
    (void)set_affinity(thread, ~u64{0});
    (void)requeue(thread, [&]() REQUIRES(its_run_queue) { thread.set_own({SchedulingClass::Fifo, realtime_priority_reaper}); });
}

bool Scheduler::set_inherited(Thread& thread, Level level) {
    return requeue(thread, [&]() REQUIRES(its_run_queue) { thread.inherit(level); });
}

Parameters Scheduler::parameters(Thread const& thread) const {
    ThreadQueueGuard guard(thread);
    return thread.own();
}

u64 Scheduler::ran_since_wake_ns(Thread const& thread) const {
    ThreadQueueGuard guard(thread);
    return thread.ran_ns - thread.ran_at_wake_ns;
}

u64 Scheduler::time_slice_ns(Thread const& thread) const {
    ThreadQueueGuard guard(thread);
    u64 const slice = slice_ns(thread, guard.queue().ready_count());
    return slice == Policy::no_limit ? 0 : slice;
}

}
