// SPDX-License-Identifier: MIT
// Thread: what is scheduled. It knows nothing of processes: a program's thread is
// process::UserThread, derived from it.
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
    Moving,      ///< between two CPUs, in no queue: who moves it makes it Ready
};

/// How a blocked thread may be woken besides by its event: by nothing, by what ends it, by any signal.
enum class Interruptible : u8 { No, Fatal, Yes };

/// Between deciding to sleep and sleeping.
enum class BlockPhase : u8 {
    None,        ///< not about to block
    Preparing,   ///< prepare_to_block() was called: a wake must not be lost
    Woken,       ///< … and it came: block() returns at once
};

/// Bits of Thread::return_work: what to do before the next return to user mode.
namespace return_work {
inline constexpr u32 signal = 1;    ///< a signal is pending: interruptible sleeps end with EINTR
inline constexpr u32 exit = 2;      ///< the thread is to end: sleeps that are Fatal end too
}

/// Debug builds only: the sleeping locks a thread holds.
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
    UrgencyList gifts;                          ///< of the locks it owns. GUARDED_BY the lock in inheritance.cpp
    /// While it waits. Ordering: full fences, see inheritance.cpp; written by itself.
    std::atomic<InheritableWaiter*> waits_as{nullptr};
    std::atomic<u32> pins{0};                   ///< of those who use what waits_as points to
};

/// What the threads of one process, ended ones too, have used together: who asks does not walk through them. Counted where
/// their own counts are. Ordering: relaxed; each is a count of its own, and grows.
struct SharedUsage {
    std::atomic<u64> user_ns{0}, system_ns{0};  ///< charged so far: what runs now is Scheduler::account_together()'s
    std::atomic<u64> voluntary_switches{0}, involuntary_switches{0}, minor_faults{0};
    static void add(std::atomic<u64>& count, u64 by) { count.fetch_add(by, std::memory_order_relaxed); }
};

class Thread : public Schedulable {
public:
    static constexpr u32 first_kernel_number = 1u << 22;   ///< above every pid (proc(5): pid_max)
    static constexpr size_t name_capacity = 16;   ///< as Linux's TASK_COMM_LEN, with its NUL

    Thread();
    virtual ~Thread() = default;
    Thread(Thread const&) = delete;
    Thread& operator=(Thread const&) = delete;

    // ---- saved context
    arch::ThreadContext context;
    mm::KernelStack stack;
    std::atomic<u32> return_work{0};            ///< read by entry.S through arch::return_work_pointer

    // ---- scheduling; GUARDED_BY the run queue's lock of `cpu`
    ThreadState state = ThreadState::Blocked;
    Interruptible sleep_kind = Interruptible::No;
    /// Ordering: the thread itself writes it with no lock before its own full fence (prepare_to_block),
    /// wakers under the run queue's lock; a wake that reads None comes before the sleeper's last look.
    std::atomic<BlockPhase> block_phase{BlockPhase::None};
    bool charge_to_user = false;                ///< the mode that the last tick found it in
    CpuId cpu{0};                               ///< whose run queue it is on or runs on
    u64 allowed_cpus = ~u64{0};                 ///< where it may run (sched_setaffinity(2)); bit n: CPU n
    Heir heir;
    std::atomic<RunQueue*> run_queue;           ///< that CPU's, never null; changes under the old queue's lock

    // ---- accounting, ns of clock_ns(); written by the CPU it runs on. Read by Scheduler::account().
    u64 user_ns = 0, system_ns = 0, last_charged_ns = 0;
    u64 voluntary_switches = 0, involuntary_switches = 0;
    SharedUsage* shared_usage = nullptr;        ///< of a program's thread: set before it starts
    u64 minor_faults = 0;                       ///< page faults of it that were resolved; files live in memory, so there are no major ones

    char name[name_capacity] = {};
    u32 number = 0;                             ///< what a trace calls it: a program's thread number, or first_kernel_number and up
    /// Sleeping locks held, for the check of their order.
    [[no_unique_address]] HeldLocks<config::debug> held_locks;

    bool has_signal() const { return return_work.load(std::memory_order_relaxed) != 0; }
    /// Whether a sleep of this kind ends with EINTR.
    bool is_interrupted(Interruptible kind) const {
        u32 const work = return_work.load(std::memory_order_relaxed);
        if (work == 0) [[likely]] return false;
        return kind == Interruptible::Yes || (kind == Interruptible::Fatal && (work & return_work::exit));
    }
    /// Cuts it to name_capacity - 1 bytes.
    void set_name(std::string_view text);

    /// Called by the scheduler on another thread's stack (the CPU's reaper: no lock is held, it may sleep) after a
    /// Terminated thread has been switched away from for ever: the owner may free it now. Default: deletes it.
    virtual void on_terminated();
};

/// Written at each switch.
extern arch::PerCpu<Thread*> current_thread_pointer;

/// The running thread. Its value does not change under the one who asks.
inline Thread& current_thread() { return *current_thread_pointer.read(); }
/// The running thread's program is to end: a loop whose length a program has chosen looks here.
bool caller_is_dying();

}
