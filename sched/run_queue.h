// SPDX-License-Identifier: MIT
// The scheduling state of one CPU, and the guards of its lock; private to sched/.
// Invariant: a switch happens with the lock held, and the thread that is switched to releases it. So if a thread is
// seen Blocked under the lock, its registers are saved.
#pragma once

#include <arch/interrupts.h>
#include <arch/per_cpu.h>
#include <arch/processors.h>
#include <arch/spin_lock.h>

#include "sched/policy.h"
#include "sched/realtime_share.h"
#include "sched/thread.h"

namespace sched {

/// A running thread's mode is sampled at least this often.
inline constexpr u64 statistics_tick_ns = 4 * ns_per_ms;

struct RunQueue {
    SpinLock<LockRank::run_queue, InterruptsOff> lock;
    CpuId cpu;                                  ///< set once
    Thread* idle = nullptr;                     ///< set once; runs when nothing is ready, never in a queue
    Thread* reaper = nullptr;                   ///< set once; frees terminated threads and moves those that may not stay here

    Thread* running GUARDED_BY(its_run_queue) = nullptr;
    LevelQueue<first_fair_level> realtime GUARDED_BY(its_run_queue);
    PolicyQueue other GUARDED_BY(its_run_queue);
    RealtimeShare realtime_share GUARDED_BY(its_run_queue);
    /// Threads in `realtime` and `other`. Ordering: relaxed; changed under the lock, read by other CPUs that look for
    /// work.
    std::atomic<u32> ready{0};
    /// The level of `running`, read by wakers on other CPUs that look for a place. Ordering: as `ready`.
    std::atomic<Level> running_level{no_level};
    bool reschedule_sent GUARDED_BY(its_run_queue) = false;   ///< another CPU has sent the interrupt, and this one has not switched since
    u32 ticks_to_balance = 0;   ///< its own CPU's
    u64 slice_end_ns GUARDED_BY(its_run_queue) = Policy::no_limit;   ///< when `running` must make room for threads of equal level
    u64 switches = 0;
    u64 user_ns GUARDED_BY(its_run_queue) = 0;  ///< time used on this CPU
    u64 system_ns GUARDED_BY(its_run_queue) = 0;   ///< … the idle thread's included
    base::List<Schedulable, &Schedulable::run_hook> dead GUARDED_BY(its_run_queue);   ///< Terminated threads, for the reaper
    base::List<Schedulable, &Schedulable::run_hook> leaving GUARDED_BY(its_run_queue);   ///< Moving threads, for the reaper
    u32 ready_count() const { return ready.load(std::memory_order_relaxed); }
    void add_ready(u32 difference) { ready.store(ready_count() + difference, std::memory_order_relaxed); }
};

/// Null until Scheduler::initialize().
extern arch::PerCpu<RunQueue*> run_queue;

/// The CPUs that are online, one bit each.
inline u64 online_mask() { return ~u64{0} >> (64 - arch::online_cpus()); }
inline bool may_run_here(RunQueue const& queue, Thread const& thread) REQUIRES(its_run_queue) {
    return thread.allowed_cpus >> queue.cpu.value & 1;
}

/// Interrupts the queue's CPU if it is not this one, so that its thread enters the kernel. Lock held.
inline void interrupt_other(RunQueue& queue) REQUIRES(its_run_queue) {
    queue.lock.assert_held();
    if (queue.cpu == arch::current_cpu() || queue.reschedule_sent) return;
    queue.reschedule_sent = true;
    arch::send_reschedule(queue.cpu);
}

/// Makes the queue's CPU choose again which thread runs. Lock held.
inline void ask_to_reschedule(RunQueue& queue) REQUIRES(its_run_queue) {
    queue.lock.assert_held();
    if (queue.cpu == arch::current_cpu()) arch::set_need_resched();
    else interrupt_other(queue);
}

/// Charges the running thread and its CPU for the time up to now. On that CPU, lock held. Returns its process's
/// shared usage, or null.
inline SharedUsage* charge(RunQueue& queue, u64 now_ns) REQUIRES(its_run_queue) {
    queue.lock.assert_held();
    Thread& thread = *queue.running;
    u64 const elapsed_ns = now_ns - thread.last_charged_ns;
    thread.last_charged_ns = now_ns;
    thread.ran_ns += elapsed_ns;
    if (is_realtime(thread.level())) [[unlikely]] charge_realtime(queue, now_ns, elapsed_ns);
    SharedUsage* const shared = thread.shared_usage;
    if (thread.charge_to_user) {
        thread.user_ns += elapsed_ns;
        queue.user_ns += elapsed_ns;
        if (shared) SharedUsage::add(shared->user_ns, elapsed_ns);
    } else {
        thread.system_ns += elapsed_ns;
        queue.system_ns += elapsed_ns;
        if (shared) SharedUsage::add(shared->system_ns, elapsed_ns);
    }
    return shared;
}

/// Interrupts off and this CPU's run queue held, even across a switch: the queue that is released is that of the CPU
/// on which the thread continues.
class SCOPED_CAPABILITY LocalQueueGuard {
public:
    LocalQueueGuard() ACQUIRE(its_run_queue) : interrupts_(arch::interrupts_enabled()) {
        arch::interrupts_disable();
        arch::preempt_disable();
        queue().lock.take();
    }
    // No preemption check: with the lock held only the guarded code itself can request one on this CPU.
    ~LocalQueueGuard() RELEASE() {
        queue().lock.give();
        arch::preempt_enable_no_check();
        if (interrupts_) arch::interrupts_enable();
    }
    LocalQueueGuard(LocalQueueGuard const&) = delete;
    LocalQueueGuard& operator=(LocalQueueGuard const&) = delete;
    RunQueue& queue() const { return *run_queue.read(); }
private:
    bool interrupts_;
};

/// Holds a given run queue. Any context.
class SCOPED_CAPABILITY QueueGuard {
public:
    explicit QueueGuard(RunQueue& queue) ACQUIRE(its_run_queue) : guard_(queue.lock) {}
    ~QueueGuard() RELEASE() {}
    QueueGuard(QueueGuard const&) = delete;
    QueueGuard& operator=(QueueGuard const&) = delete;
private:
    decltype(RunQueue::lock)::Guard const guard_;
};

/// Holds the run queue of a thread's CPU, whichever that is. Interrupts and preemption are already off.
class SCOPED_CAPABILITY ThreadQueueLock {
public:
    explicit ThreadQueueLock(Thread const& thread) ACQUIRE(its_run_queue) {
        for (;;) {
            // Ordering: acquire, pairs with the release in Scheduler::start; the lock orders the rest.
            queue_ = thread.run_queue.load(std::memory_order_acquire);
            queue_->lock.take();
            if (thread.run_queue.load(std::memory_order_relaxed) == queue_) [[likely]] return;
            queue_->lock.give();   // it has moved to another queue
        }
    }
    ~ThreadQueueLock() RELEASE() { queue_->lock.give(); }
    ThreadQueueLock(ThreadQueueLock const&) = delete;
    ThreadQueueLock& operator=(ThreadQueueLock const&) = delete;
    RunQueue& queue() const { return *queue_; }
    /// Assigns the thread, which is in no queue and does not run, to another queue, and holds that queue's lock
    /// instead. False: another thread has moved it on in between.
    bool move_to(RunQueue& target, Thread& thread) REQUIRES(its_run_queue) {
        thread.cpu = target.cpu;
        // Ordering: release, pairs with the constructor's acquire.
        thread.run_queue.store(&target, std::memory_order_release);
        queue_->lock.give();
        queue_ = &target;
        queue_->lock.take();
        return thread.run_queue.load(std::memory_order_relaxed) == queue_;
    }
private:
    RunQueue* queue_ = nullptr;
};

/// Holds two run queues, taken in ascending order of address as the rank requires. Interrupts and preemption are
/// already off.
class SCOPED_CAPABILITY TwoQueuesLock {
public:
    TwoQueuesLock(RunQueue& a, RunQueue& b) ACQUIRE(its_run_queue) : first_(&a < &b ? a : b), second_(&a < &b ? b : a) {
        first_.lock.take();
        second_.lock.take();
    }
    ~TwoQueuesLock() RELEASE() {
        second_.lock.give();
        first_.lock.give();
    }
    TwoQueuesLock(TwoQueuesLock const&) = delete;
    TwoQueuesLock& operator=(TwoQueuesLock const&) = delete;
private:
    RunQueue& first_;
    RunQueue& second_;
};

/// Interrupts and preemption off. In an interrupt handler, or under an outer lock, a pending preemption waits until
/// that ends; otherwise it happens at the end of this scope.
class SwitchesOff {
public:
    SwitchesOff() : interrupts_(arch::interrupts_enabled()) {
        arch::interrupts_disable();
        arch::preempt_disable();
    }
    ~SwitchesOff() {
        if (interrupts_) {
            arch::interrupts_enable();
            arch::preempt_enable();
        } else {
            arch::preempt_enable_no_check();
        }
    }
    SwitchesOff(SwitchesOff const&) = delete;
    SwitchesOff& operator=(SwitchesOff const&) = delete;
private:
    bool interrupts_;
};

/// Both: SwitchesOff and ThreadQueueLock.
class SCOPED_CAPABILITY ThreadQueueGuard : private SwitchesOff, public ThreadQueueLock {
public:
    explicit ThreadQueueGuard(Thread const& thread) ACQUIRE(its_run_queue) : ThreadQueueLock(thread) {}
    ~ThreadQueueGuard() RELEASE() {}
};

}
