// SPDX-License-Identifier: MIT
// The scheduler: one run queue per CPU, one policy for SCHED_OTHER (sched=, /proc/sched), preemption by a one-shot
// alarm. The entry points for all higher floors: block, wake, yield, create.
#pragma once

#include <string_view>

#include <base/result.h>

#include "sched/load_average.h"
#include "sched/thread.h"

namespace base { class Writer; }

namespace sched {

class Policy;
struct RunQueue;
class ThreadQueueLock;
enum class Arrival : u8;

struct CpuTimes { u64 user_ns = 0, system_ns = 0, idle_ns = 0; };

/// A thread's parameters, and the online CPUs that it may run on.
struct Standing {
    Parameters parameters;
    u64 affinity = 0;
};

class Scheduler {
public:
    constexpr Scheduler() = default;
    /// `policy_name`: a row of policy_table (unknown: rr, with a warning). The quantum is clamped to 1 ms .. 60 s.
    /// The caller becomes the boot CPU's first thread ("kernel"); an idle thread and a reaper are created.
    void initialize(std::string_view policy_name, u64 quantum_ns);

    /// Creates a kernel thread that runs entry(argument) and ends when it returns. Ready at once. The object is
    /// destroyed when the thread ends: keep the pointer only while it cannot have ended.
    Result<Thread*> create_kernel_thread(std::string_view name, void (*entry)(void*), void* argument, int nice = 0);
    /// Makes a prepared thread (context and stack set, state Blocked) runnable for the first time.
    void start(Thread& thread);

    /// Gives up the CPU; the thread stays Ready.
    void yield();
    /// Blocks the running thread until wake(). WaitQueue or prepare_to_block() must have set the state.
    void block();
    /// Marks the running thread as about to block: from now on a wake() makes block() return at once.
    void prepare_to_block(Interruptible kind);
    /// Undoes prepare_to_block().
    void cancel_block();
    /// Wakes a Blocked thread; false if it was neither blocked nor about to block. Any context.
    bool wake(Thread& thread);
    /// The same for callers that hold a spin lock with interrupts off.
    bool wake_under_lock(Thread& thread);
    /// Wakes it only if it sleeps interruptibly: a signal has arrived. Any context.
    bool wake_interruptible(Thread& thread);
    /// Wakes it only if its sleep is Fatal or Yes: the thread must end. Any context.
    bool wake_to_end(Thread& thread);

    /// The running thread is about to end: from now on nothing preempts it, so a thread that learns of its end before
    /// exit_current() finds everything it owned released (on one CPU; it may still wait for a lock).
    Standing begin_exit();   ///< returns its parameters until now
    /// Ends the running thread. Its on_terminated() runs later, on another stack.
    [[noreturn]] void exit_current();

    /// Sleeps at least until `deadline_ns` of clock(). EINTR if a signal came (the caller chooses the restart code).
    Result<> sleep_until(u64 deadline_ns, Interruptible kind);

    /// Sets the nice value of a thread and requeues it.
    void set_nice(Thread& thread, int nice);
    /// EINVAL: the priority is not 1..99 for Fifo and RoundRobin, or not 0 for the others.
    Result<> set_class(Thread& thread, SchedulingClass scheduling_class, u8 realtime_priority);
    /// Sets all parameters at once; EINVAL as above. Has no effect on an ending thread.
    Result<> set_parameters(Thread& thread, Parameters const& wanted);
    Parameters parameters(Thread const& thread) const;
    /// For inheritance.cpp: sets what `thread` inherits (no_level: nothing). True: its level has changed.
    bool set_inherited(Thread& thread, Level level);
    /// sched_setaffinity(2): from now on the thread runs only on CPUs of `allowed`. EINVAL: none of them is online.
    Result<> set_affinity(Thread& thread, u64 allowed);
    /// The thread was killed and must end at once: on any CPU, before all others. Any context.
    void hurry_to_end(Thread& thread);
    /// The online CPUs that it may run on.
    u64 affinity(Thread const& thread) const;
    Standing standing(Thread const& thread) const;
    u64 ran_since_wake_ns(Thread const& thread) const;
    /// Its current quantum; 0: it runs until it blocks (sched_rr_get_interval(2)).
    u64 time_slice_ns(Thread const& thread) const;

    // ---- CPUs
    /// Makes everything that another CPU needs; its per-CPU memory must exist. Returns the stack that it starts on.
    /// ENOMEM.
    Result<u64> add_cpu(CpuId cpu);
    /// Completes this on the CPU itself; never returns.
    [[noreturn]] void run_cpu();
    /// For the idle thread: takes a thread that waits on another CPU, or marks this one idle. Interrupts off.
    bool find_work();
    /// For the reaper: moves a Moving thread to its new place.
    void resettle(Thread& thread);

    // ---- from kernel/trap.cpp
    void on_timer(bool from_user);
    /// Reschedules if requested; the running thread keeps the rest of its quantum.
    void on_preempt();
    void finish_first_switch();   ///< the first thing a new thread calls; interrupts stay off

    /// The time that a thread has used: the sum is exact, the share of each mode is sampled (at least every 4 ms).
    void account(Thread const& thread, u64& user_ns, u64& system_ns) const;
    /// The same for all threads that share `usage`: what they were charged, and what the running ones have used
    /// since. Takes time that grows only with the number of CPUs. A concurrent charge may be missing, but none counts
    /// twice.
    void account_together(SharedUsage const& usage, u64& user_ns, u64& system_ns) const;
    CpuTimes cpu_times(CpuId cpu) const;

    Policy const& policy() const { return *policy_.load(std::memory_order_relaxed); }
    /// Switches every CPU to the policy `name`; waiting threads keep their order. EINVAL: unknown name.
    Result<> change_policy(std::string_view name);
    u64 quantum_ns() const { return quantum_ns_; }
    u64 context_switches() const;
    /// Threads Ready or Running (not idle ones), for /proc/loadavg.
    u32 runnable_threads() const;
    u64 idle_ns(CpuId cpu) const;
    /// Load averages over 1, 5 and 15 minutes, scaled by 65536 as in sysinfo(2).
    void load_averages(u64 (&out)[3]);
    /// /proc/sched: policy, quantum, per-CPU counts.
    void write_status(base::Writer& out) const;

private:
    static Result<RunQueue*> make_queue(CpuId cpu);
    static void use_queue(RunQueue& queue, Thread& running);
    void check_balance(RunQueue& queue);
    bool wake_if(ThreadQueueLock& lock, Thread& thread, Interruptible least) REQUIRES(its_run_queue);
    template <class Change> bool requeue(Thread& thread, Change&& change);
    void put_back(RunQueue& queue, Thread& thread, Level before) REQUIRES(its_run_queue);
    void update_running(RunQueue& queue, Level before, SchedulingClass old_class) REQUIRES(its_run_queue);
    void enqueue(RunQueue& queue, Thread& thread, Arrival arrival) REQUIRES(its_run_queue);
    void dequeue(RunQueue& queue, Thread& thread) REQUIRES(its_run_queue);
    void make_ready(RunQueue& queue, Thread& thread) REQUIRES(its_run_queue);
    void preempt_if_more_urgent(RunQueue& queue, Thread const& thread) REQUIRES(its_run_queue);
    // ---- placement.cpp
    RunQueue& place_for(RunQueue& last, Thread const& thread) REQUIRES(its_run_queue);
    bool settle(ThreadQueueLock& lock, Thread& thread) REQUIRES(its_run_queue);
    bool settle_at(RunQueue* place, ThreadQueueLock& lock, Thread& thread) REQUIRES(its_run_queue);
    RunQueue* idle_queue(u64 allowed, CpuId preferred);
    static RunQueue* less_urgent_queue(RunQueue& last, Thread const& thread) REQUIRES(its_run_queue);
    bool move_one(RunQueue& from, RunQueue& to) REQUIRES(its_run_queue);
    void still_idle(RunQueue& queue) REQUIRES(its_run_queue);
    void no_longer_idle(CpuId cpu) {
        u64 const bit = u64{1} << cpu.value;
        if (idle_cpus_.load(std::memory_order_relaxed) & bit) idle_cpus_.fetch_and(~bit, std::memory_order_relaxed);
    }
    bool pull(RunQueue& own, u32 at_least);
    void move_away(RunQueue& queue, u64 now_ns) REQUIRES(its_run_queue);
    void wake_reaper(RunQueue& queue) REQUIRES(its_run_queue);
    Thread& pick(RunQueue& queue) REQUIRES(its_run_queue);
    Thread& take_next(RunQueue& queue) REQUIRES(its_run_queue);
    // ---- realtime_share.cpp
    [[gnu::noinline]] Schedulable* pick_spared(RunQueue& queue) REQUIRES(its_run_queue);
    [[gnu::noinline]] void settle_share(RunQueue& queue, u64 now_ns) REQUIRES(its_run_queue);
    Thread& pick_next(RunQueue& queue) REQUIRES(its_run_queue);
    void begin_slice(RunQueue& queue, Thread& next, u64 now_ns) REQUIRES(its_run_queue);
    u64 slice_ns(Thread const& thread, u32 waiting) const REQUIRES(its_run_queue);
    void restart_slice(RunQueue& queue) REQUIRES(its_run_queue);
    void continue_slice(RunQueue& queue, u64 now_ns) REQUIRES(its_run_queue);
    void switch_to(RunQueue& queue, Thread& next, u64 now_ns) REQUIRES(its_run_queue);

    /// Changed with every run queue held, so holding one suffices to rely on it. Ordering: relaxed, for readers that
    /// only name it.
    std::atomic<Policy const*> policy_{nullptr};
    u64 quantum_ns_ = 0;                    ///< set once
    /// CPUs that have nothing to do. A waker that clears a bit reserves that CPU for its thread.
    /// Ordering: relaxed except in find_work(); readers take it as a hint, and a CPU that was overlooked is found at
    /// the next tick.
    std::atomic<u64> idle_cpus_{0};
    LoadAverage load_average_;
};

extern constinit Scheduler scheduler;

inline void Scheduler::prepare_to_block(Interruptible kind) {
    Thread& self = current_thread();
    self.sleep_kind = kind;
    // Ordering: full fence. What is read next (the condition of the wait) is read after wakers can see this store and
    // the caller's entry into its wait queue.
    self.block_phase.store(BlockPhase::Preparing, std::memory_order_seq_cst);
}

inline void Scheduler::cancel_block() { current_thread().block_phase.store(BlockPhase::None, std::memory_order_relaxed); }

}
