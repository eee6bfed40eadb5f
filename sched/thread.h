// SPDX-License-Identifier: MIT
// Thread: the unit of scheduling. It knows nothing of processes: a program's thread is process::UserThread, derived
// from it.
#pragma once

#include <atomic>
#include <string_view>

#include <arch/context.h>
#include <arch/spin_lock.h>
#include <base/config.h>
#include <base/intrusive.h>
#include <base/types.h>

#include "mm/heap.h"
#include "mm/kernel_space.h"
#include "sched/schedulable.h"

namespace sched {

enum class ThreadState : u8 {
    Ready, Running, Blocked, Terminated,
    Moving,      ///< between two CPUs, in no queue: the thread that moves it makes it Ready
};

/// What may wake a blocked thread besides its event: nothing, what ends it, any signal.
enum class Interruptible : u8 { No, Fatal, Yes };

/// States between the decision to sleep and sleeping.
enum class BlockPhase : u8 {
    None,        ///< not about to block
    Preparing,   ///< prepare_to_block() was called: a wake must not be lost
    Woken,       ///< the wake came: block() returns at once
};

/// Bits of Thread::return_work: what must be done before the next return to user mode.
namespace return_work {
inline constexpr u32 signal = 1;    ///< a signal is pending: interruptible sleeps end with EINTR
inline constexpr u32 exit = 2;      ///< the thread must end: Fatal sleeps end too
}

/// Debug builds only: the sleeping locks that a thread holds.
template <bool is_checked>
struct HeldLocks {
    arch::LockList list;
    arch::LockList* pointer() { return &list; }
};
template <>
struct HeldLocks<false> {
    arch::LockList* pointer() { return nullptr; }
};

struct RunQueue;
struct InheritableWaiter;

/// A thread's part in priority inheritance (inheritance.h).
struct Heir {
    UrgencyList gifts;                          ///< from the locks that it owns. The lock in inheritance.cpp guards them
    /// Set while it waits. Ordering: full fences, see inheritance.cpp; only the thread itself writes it.
    std::atomic<InheritableWaiter*> waits_as{nullptr};
    std::atomic<u32> pins{0};                   ///< threads that use what waits_as points to
};

/// What all threads of one process, including ended ones, have used together, so that a query does not walk them.
/// Updated wherever the threads' own counts are. Ordering: relaxed; each is a separate count that only grows.
struct SharedUsage {
    std::atomic<u64> user_ns{0}, system_ns{0};  ///< charged so far; Scheduler::account_together() adds what runs now
    std::atomic<u64> voluntary_switches{0}, involuntary_switches{0}, minor_faults{0};
    static void add(std::atomic<u64>& count, u64 by) { count.fetch_add(by, std::memory_order_relaxed); }
};

class Thread : public Schedulable {
public:
    static constexpr u32 first_kernel_number = 1u << 22;   ///< above every pid (proc(5): pid_max)
    static constexpr size_t name_capacity = 16;   ///< Linux's TASK_COMM_LEN, with its NUL

    Thread();
    virtual ~Thread() = default;
    Thread(Thread const&) = delete;
    Thread& operator=(Thread const&) = delete;

    // ---- saved context
    arch::ThreadContext context;
    mm::KernelStack stack;
    std::atomic<u32> return_work{0};            ///< entry.S reads it through arch::return_work_pointer

    // ---- scheduling
    ThreadState state GUARDED_BY(its_run_queue) = ThreadState::Blocked;
    Interruptible sleep_kind = Interruptible::No;   ///< written by itself before it is Preparing, read after that under the lock
    /// Ordering: the thread itself writes it without a lock before its own full fence (prepare_to_block), wakers
    /// under the run queue's lock; a wake that reads None precedes the sleeper's last check of its condition.
    std::atomic<BlockPhase> block_phase{BlockPhase::None};
    bool charge_to_user GUARDED_BY(its_run_queue) = false;   ///< the mode in which the last tick found it
    CpuId cpu GUARDED_BY(its_run_queue){0};     ///< on whose run queue it is, or on which it runs
    u64 allowed_cpus GUARDED_BY(its_run_queue) = ~u64{0};   ///< where it may run (sched_setaffinity(2)); bit n: CPU n
    Heir heir;
    std::atomic<RunQueue*> run_queue;           ///< the run queue of `cpu`, never null; changes under the old queue's lock

    // ---- accounting, ns of clock_ns(); written by the CPU it runs on. Read by Scheduler::account().
    u64 user_ns = 0, system_ns = 0, last_charged_ns = 0;
    u64 voluntary_switches = 0, involuntary_switches = 0;
    SharedUsage* shared_usage = nullptr;        ///< for a program's thread: set before it starts
    u64 minor_faults = 0;                       ///< its resolved page faults; files live in memory, so there are no major ones

    char name[name_capacity] = {};
    u32 number = 0;                             ///< its name in a trace: a program's thread number, or first_kernel_number and up
    /// The sleeping locks it holds, for the check of lock order.
    [[no_unique_address]] HeldLocks<config::debug> held_locks;

    /// Reads without the lock, for uses where the value may change right afterwards anyway.
    ThreadState state_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return state; }
    CpuId cpu_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return cpu; }
    u64 allowed_cpus_at_a_glance() const NO_THREAD_SAFETY_ANALYSIS { return allowed_cpus; }

    bool has_signal() const { return return_work.load(std::memory_order_relaxed) != 0; }
    /// True if a sleep of this kind ends with EINTR.
    bool is_interrupted(Interruptible kind) const {
        u32 const work = return_work.load(std::memory_order_relaxed);
        if (work == 0) [[likely]] return false;
        return kind == Interruptible::Yes || (kind == Interruptible::Fatal && (work & return_work::exit));
    }
    /// Truncates the text to name_capacity - 1 bytes.
    void set_name(std::string_view text);

    /// Called on another thread's stack (the CPU's reaper: no lock is held, it may sleep) after the Terminated thread
    /// has been switched away from for the last time: the owner may now free it. Default: deletes it.
    virtual void on_terminated();
};

/// Written at every switch.
extern arch::PerCpu<Thread*> current_thread_pointer;

/// The running thread. For the caller the value never changes.
inline Thread& current_thread() { return *current_thread_pointer.read(); }
/// True if the running thread must end. Loops whose length a program chooses check this.
bool caller_is_dying();

}
