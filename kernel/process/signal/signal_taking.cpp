// SPDX-License-Identifier: MIT
// Which signals a thread takes: its mask, the return_work flag that makes it deliver, and taking a pending signal. The flag is on
// whenever a pending signal is not blocked by the thread that was chosen for it; it may be on in vain.
#include <abi/signal.h>

#include <bit>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"

namespace process {

void refresh_return_work(UserThread& thread, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    SignalMask const pending = (thread.pending.set | process.shared_pending.set) & ~thread.blocked;
    if (pending != 0 || process.stop_signal != 0 || process.stop_news != StopNews::None)
        thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
    else
        thread.return_work.fetch_and(~return_work::signal, std::memory_order_relaxed);
}

void set_blocked(UserThread& thread, SignalMask mask, SignalMask before) {
    Process& process = thread.process();
    mask &= ~unblockable_signals;
    Locked guard(process.signal_lock);
    SignalMask const newly_blocked = mask & ~thread.blocked;
    thread.blocked = mask;
    thread.blocked_before = before;
    refresh_return_work(thread, guard);
    if (process.shared_pending.set & newly_blocked) pass_on(thread, newly_blocked, guard);
}

void pass_on(UserThread& thread, SignalMask signals, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    SignalMask const left = process.shared_pending.set & signals;
    if (left == 0 || process.thread_count == 1) return;
    for (UserThread& other : process.threads)
        if (&other != &thread && !other.is_ending && (left & ~other.blocked)) notify(other);
}

bool is_about_to_end(UserThread const& thread) { return thread.return_work.load(std::memory_order_relaxed) & return_work::exit; }

bool has_to_deliver(UserThread& thread) {
    Locked guard(thread.process().signal_lock);
    refresh_return_work(thread, guard);
    return thread.has_signal();
}

int first_ready(UserThread& thread, SignalMask wanted, PendingSignals*& from, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    for (PendingSignals* pending : {&thread.pending, &process.shared_pending}) {
        SignalMask const ready = pending->set & wanted;
        if (ready == 0) continue;
        from = pending;
        // The thread's own faults first, then the others in order of their numbers (signal(7)).
        return std::countr_zero(ready & fault_signals ? ready & fault_signals : ready) + 1;
    }
    return 0;
}

std::optional<SignalInfo> take_signal(UserThread& thread, SignalMask wanted) {
    SignalNodes used;
    Process& process = thread.process();
    Locked guard(process.signal_lock);
    PendingSignals* from = nullptr;
    std::optional<SignalInfo> taken;
    if (int const signal = first_ready(thread, wanted, from, guard)) {
        taken = from->take(signal, used);
        process.timers.on_taken(*taken);
    }
    refresh_return_work(thread, guard);
    return taken;
}

SignalMask pending_signals(UserThread const& thread) {
    Process const& process = thread.process();
    Locked guard(process.signal_lock);
    return thread.pending.set | process.shared_pending.set;
}

bool signal_pending() {
    UserThread const* thread = current_user_thread_or_null();
    return thread && thread->has_signal();
}

bool fatal_signal_pending() {
    UserThread& thread = current_user_thread();
    if (!thread.has_signal()) return false;
    if (is_about_to_end(thread)) return true;
    return pending_signals(thread) & mask_of(SIGKILL);
}

}
