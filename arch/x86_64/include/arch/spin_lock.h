// SPDX-License-Identifier: MIT
// SpinLock<rank, policy>: a fair (ticket) spin lock whose type states its effect on interrupts. InterruptsOff:
// interrupts and preemption are off while it is held, so handlers may take it. PreemptOff: only preemption is off;
// never take it in a handler.
//
// Under a hypervisor waiters take no tickets, and the first to find the lock free gets it: the host may have
// descheduled the CPU whose turn it is, and all others would wait for the host's scheduler. (Linux's virt_spin_lock()
// has the same reason.)
#pragma once

#include <atomic>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <base/config.h>
#include <base/lock_rank.h>
#include <base/locked.h>
#include <base/panic.h>
#include <base/thread_annotations.h>
#include <base/trace.h>

namespace arch {

enum class IrqPolicy : u8 { InterruptsOff, PreemptOff };
inline constexpr IrqPolicy InterruptsOff = IrqPolicy::InterruptsOff;
inline constexpr IrqPolicy PreemptOff = IrqPolicy::PreemptOff;

/// The sleeping locks that one thread holds (debug builds).
struct LockList {
    static constexpr size_t capacity = 16 + max_cpus;   // all run queues at once, for a policy change
    struct Held { LockRank rank; void const* lock; };
    Held held[capacity] = {};
    size_t count = 0;
};
/// Sets the running thread's list; the scheduler calls it at each switch. Null: not checked.
void set_thread_lock_list(LockList* list);

/// Debug builds: checks this CPU's held spin locks and the running thread's sleeping locks. Panics if `rank` is not
/// above all of them. Defined in arch/x86_64/lock_check.cpp.
void lock_check_acquire(LockRank rank, void const* lock);
void lock_check_release(LockRank rank, void const* lock);
/// Debug builds: panics if this CPU holds a spin lock (called before sleeping).
void lock_check_may_sleep();

/// A caller that waits with interrupts off, for a lock or for other CPUs, calls this in its loop: it does what other
/// CPUs wait for in turn (arch/tlb.h). Preemption off.
void answer_requests_while_waiting();

template <LockRank rank, IrqPolicy policy>
class CAPABILITY("spin lock") SpinLock {
    static_assert(!is_sleeping(rank), "this rank belongs to sleeping locks");
    static_assert(policy == InterruptsOff || may_leave_interrupts_on(rank), "interrupt handlers take locks of lower ranks");
public:
    constexpr SpinLock() = default;
    SpinLock(SpinLock const&) = delete;
    SpinLock& operator=(SpinLock const&) = delete;

    using Guard = base::Locked<SpinLock>;

    bool is_held() const { return owner_.load(std::memory_order_relaxed) != next_.load(std::memory_order_relaxed); }
    /// For the analysis where it cannot see that the lock is held (in a function that the holder passes on).
    void assert_held() const ASSERT_CAPABILITY(this) { DEBUG_ASSERT(is_held() || base::panicking()); }

    // Only for the scheduler, which takes a lock in one thread and releases it in another.
    // Interrupts and preemption must already be off.
    void take() NO_THREAD_SAFETY_ANALYSIS {
        if constexpr (config::debug) lock_check_acquire(rank, this);
        if (!take_if_free()) [[unlikely]] wait();
    }
    void give() NO_THREAD_SAFETY_ANALYSIS {
        if constexpr (config::debug) lock_check_release(rank, this);
        // Ordering: release; only the holder writes owner_, so no read-modify-write is needed.
        owner_.store(static_cast<u16>(owner_.load(std::memory_order_relaxed) + 1), std::memory_order_release);
    }

private:
    /// next_ is never behind owner_, which only grows: if next_ equals the value read from owner_, nobody holds the
    /// lock.
    bool take_if_free() {
        // Ordering: acquire, pairs with the release in give().
        u16 ticket = owner_.load(std::memory_order_acquire);
        return next_.compare_exchange_strong(ticket, static_cast<u16>(ticket + 1), std::memory_order_acquire, std::memory_order_relaxed);
    }
    [[gnu::noinline, gnu::cold]] void wait() {
        TRACE_EVENT(LockContention, static_cast<u64>(rank), reinterpret_cast<u64>(this));
        if (!cpu_features.hypervisor) {
            u16 const ticket = next_.fetch_add(1, std::memory_order_relaxed);
            wait_until([&] { return owner_.load(std::memory_order_acquire) == ticket; });
        } else {
            wait_until([&] { return !is_held() && take_if_free(); });
        }
    }
    template <class Condition>
    void wait_until(Condition&& holds) {
        while (!holds()) {
            if (base::panicking()) return;
            answer_requests_while_waiting();
            relax();
        }
    }

    std::atomic<u16> next_{0};
    std::atomic<u16> owner_{0};
};

}

template <LockRank rank, arch::IrqPolicy policy>
class SCOPED_CAPABILITY [[nodiscard]] base::Locked<arch::SpinLock<rank, policy>> {
public:
    using Lock = arch::SpinLock<rank, policy>;
    explicit Locked(Lock& lock) ACQUIRE(lock) : lock_(lock) {
        if constexpr (policy == arch::InterruptsOff) {
            asm volatile("pushfq; popq %0; cli" : "=r"(flags_) : : "memory");
            base::note_interrupts_off();
        }
        arch::preempt_disable();
        lock_.take();
    }
    ~Locked() RELEASE() {
        lock_.give();
        if constexpr (policy == arch::InterruptsOff)
            if (flags_ & 0x200) arch::interrupts_enable();
        arch::preempt_enable();
    }
    Locked(Locked const&) = delete;
    Locked& operator=(Locked const&) = delete;
    bool guards(Lock const& lock) const { return &lock_ == &lock; }
private:
    Lock& lock_;
    u64 flags_ = 0;
};

using arch::InterruptsOff;
using arch::PreemptOff;
using arch::SpinLock;
