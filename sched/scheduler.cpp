// SPDX-License-Identifier: MIT
// Start of the scheduler on a CPU, creation and parameters of threads, and the two
// threads that each CPU has of its own: idle and the reaper.
#include "sched/scheduler.h"

#include <arch/cpu.h>
#include <arch/return_work.h>
#include <arch/time.h>
#include <base/log.h>

#include <algorithm>

#include "sched/run_queue.h"
#include "sched/timer.h"

namespace sched {

constinit Scheduler scheduler;
PER_CPU arch::PerCpu<RunQueue*> run_queue;

namespace {

/// Below, switching is all there is time for; above, it is no quantum.
constexpr u64 shortest_quantum_ns = ns_per_ms, longest_quantum_ns = 60 * ns_per_s;

constinit std::atomic<u32> next_kernel_number{Thread::first_kernel_number};

class KernelThread final : public Thread {
public:
    KernelThread(void (*entry)(void*), void* argument) : entry_(entry), argument_(argument) {}
    Result<> prepare(std::string_view name) {
        number = next_kernel_number.fetch_add(1, std::memory_order_relaxed);
        stack = TRY(mm::kernel_space.allocate_stack());
        set_name(name);
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
        } else {
            arch::wait_for_interrupt();
        }
    }
}

Thread* next_dead(RunQueue& queue) {
    decltype(queue.lock)::Guard guard(queue.lock);
    if (queue.dead.empty()) return nullptr;
    auto& thread = static_cast<Thread&>(queue.dead.front());
    queue.dead.pop_front();
    return &thread;
}

/// Holds no lock and has a stack of its own: owners may sleep while they free a thread. More urgent than
/// everything, so that the memory of a thread is back before anyone can ask for it.
void reaper_loop(void* argument) {
    RunQueue& queue = *static_cast<RunQueue*>(argument);
    for (;;) {
        scheduler.prepare_to_block(Interruptible::No);
        if (Thread* thread = next_dead(queue)) {
            scheduler.cancel_block();
            thread->on_terminated();
        } else {
            scheduler.block();
        }
    }
}

/// What the boot cannot go on without.
template <class T>
T* required(Result<T*> result) {
    if (!result) panic("no memory for the scheduler");
    return *result;
}

}

void Scheduler::initialize_cpu(CpuId cpu) {
    auto* queue = required(mm::make<RunQueue>());
    queue->cpu = cpu;
    queue->idle = required(make_kernel_thread("idle", idle_loop, nullptr));
    queue->reaper = required(make_kernel_thread("reaper", reaper_loop, queue));
    queue->reaper->scheduling_class = SchedulingClass::Fifo;
    queue->reaper->realtime_priority = realtime_priority_reaper;
    queue->running = required(mm::make<Thread>());
    queue->running->set_name("kernel");
    queue->running->state = ThreadState::Running;
    for (Thread* thread : {queue->idle, queue->reaper, queue->running}) {
        thread->cpu = cpu;
        thread->run_queue.store(queue, std::memory_order_relaxed);
    }
    queue->running->last_charged_ns = arch::clock_ns();
    timer_queue.on(cpu) = required(mm::make<TimerQueue>());
    current_thread_pointer.on(cpu) = queue->running;
    arch::return_work_pointer.on(cpu) = reinterpret_cast<u32 const*>(&queue->running->return_work);
    if constexpr (config::debug) arch::set_thread_lock_list(queue->running->held_locks.pointer());
    run_queue.on(cpu) = queue;
}

void Scheduler::initialize(std::string_view policy_name, u64 quantum_ns) {
    policy_ = find_policy(policy_name);
    if (!policy_) {
        policy_ = policy_table().front();
        if (!policy_name.empty()) log_warning("sched", "no policy \"{}\", using {}", policy_name, policy_->name());
    }
    quantum_ns_ = std::clamp(quantum_ns, shortest_quantum_ns, longest_quantum_ns);
    initialize_cpu(arch::current_cpu());
    start(*run_queue.read()->reaper);
    log_info("sched", "policy {}, quantum {} ms", policy_->name(), quantum_ns_ / ns_per_ms);
}

Result<Thread*> Scheduler::create_kernel_thread(std::string_view name, void (*entry)(void*), void* argument, int nice) {
    Thread* thread = TRY(make_kernel_thread(name, entry, argument));
    thread->nice = static_cast<i8>(std::clamp(nice, nice_min, nice_max));
    start(*thread);
    return thread;
}

void Scheduler::start(Thread& thread) {
    thread.charge_to_user = thread.context.fpu != nullptr;
    LocalQueueGuard guard;
    RunQueue& queue = guard.queue();
    thread.cpu = queue.cpu;
    // Ordering: release, with ThreadQueueGuard: who finds the queue finds the thread complete.
    thread.run_queue.store(&queue, std::memory_order_release);
    make_ready(queue, thread);
}

/// Changes what decides a thread's place, wherever it is now.
template <class Change>
void Scheduler::requeue(Thread& thread, Change&& change) {
    ThreadQueueGuard guard(thread);
    RunQueue& queue = guard.queue();
    bool const ready = thread.state == ThreadState::Ready;
    if (ready) dequeue(queue, thread);
    change();
    if (ready) make_ready(queue, thread);
    else if (&thread == queue.running && queue.ready != 0) arch::set_need_resched();
}

void Scheduler::set_nice(Thread& thread, int nice) {
    requeue(thread, [&] { thread.nice = static_cast<i8>(std::clamp(nice, nice_min, nice_max)); });
}

Result<> Scheduler::set_class(Thread& thread, SchedulingClass scheduling_class, u8 realtime_priority) {
    bool const realtime = scheduling_class != SchedulingClass::Other;
    if (realtime != (realtime_priority != 0) || realtime_priority >= realtime_priority_reaper) return fail(EINVAL);
    requeue(thread, [&] {
        thread.scheduling_class = scheduling_class;
        thread.realtime_priority = realtime_priority;
    });
    return {};
}

}
