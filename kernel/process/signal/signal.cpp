// SPDX-License-Identifier: MIT
// Sending signals, and the effects of sending itself: an ignored signal is dropped, SIGCONT continues and
// cancels stop signals (and the reverse), a thread that does not block the signal is woken. signal(7).
#include <abi/signal.h>
#include <base/trace.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_file.h"
#include "kernel/process/signal/signal_steps.h"
#include "sched/running.h"
#include "sched/scheduler.h"

namespace process {

namespace {

/// Signals that the thread blocks, or blocked before it began to wait for them (sigtimedwait).
SignalMask kept_signals(UserThread const& thread) { return thread.blocked | thread.blocked_before; }

/// True if the signal would have no effect now. A blocked signal is kept, since its action may change.
bool is_dropped(Process const& target, SignalMask blocked, int signal, SignalGuard const&) REQUIRES(target.signal_lock) {
    if (signal == SIGKILL || signal == SIGSTOP) return target.is_init();
    if (blocked & mask_of(signal)) return false;
    u64 const handler = target.handlers->read(signal).handler;
    if (handler != default_handler) [[likely]] return handler == ignore_handler;
    // Init gets only signals that it handles: nobody may kill it.
    return target.is_init() || default_action(signal) == DefaultAction::Ignore;
}

/// SIGCONT discards stop signals and the reverse, whatever their actions are. `gone`: see PendingSignals::discard().
void cancel_opposites(Process& target, int signal, SignalNodes* gone, SignalGuard const& guard) REQUIRES(target.signal_lock) {
    SignalMask const opposite = signal == SIGCONT              ? stop_signals
                                : stop_signals & mask_of(signal) ? mask_of(SIGCONT)
                                                                 : 0;
    if (opposite != 0) {
        target.shared_pending.discard(opposite, gone);
        for (UserThread& thread : target.threads) thread.pending.discard(opposite, gone);
    }
    if (signal == SIGCONT) cancel_stop(target, guard);
}

/// Whether the signal's default action ends the process with no other visible effect: no core file, no thread that waits for it.
bool ends_process(Process const& target, UserThread const& thread, int signal) REQUIRES(target.signal_lock) {
    if (signal == SIGKILL) return true;
    if (target.is_init() || target.stop_signal != 0 || (mask_of(signal) & (dumping_signals | kept_signals(thread)))) return false;
    return target.handlers->read(signal).handler == default_handler && default_action(signal) == DefaultAction::Terminate;
}

/// Whether `thread` may be chosen for a signal to the process.
bool can_take(UserThread const& thread, int signal) { return !(thread.blocked & mask_of(signal)) && !thread.is_ending; }

/// Chooses the thread that takes a signal to the process: the first that can, but preferably not one that waits for a CPU with
/// other signals to deliver.
UserThread* choose(Process& target, int signal, UserThread* preferred) REQUIRES(target.signal_lock) {
    if (preferred && can_take(*preferred, signal)) return preferred;
    UserThread* busy = nullptr;
    for (UserThread& thread : target.threads) {
        if (!can_take(thread, signal)) continue;
        CpuId guess = thread.cpu_at_a_glance();
        if (!thread.has_signal() || sched::is_running_now(&thread, guess)) return &thread;
        if (!busy) busy = &thread;
    }
    return busy;
}

/// The signal is pending: for `only`, or for any thread that can take it. A signal that ends the process ends it now and as a
/// whole, so that no thread forks or continues until the chosen one gets to deliver it.
void tell_taker(Process& target, int signal, UserThread* only, UserThread* preferred, SignalGuard const& guard) REQUIRES(target.signal_lock) {
    UserThread* taker = only;
    if (signal == SIGKILL) taker = &target.threads.front();
    else if (!only) taker = choose(target, signal, preferred);
    else if (!can_take(*only, signal)) return;
    if (!taker) return;
    if (signal == SIGKILL && !std::exchange(target.killed, true)) process_manager.count_dying(1);
    if (ends_process(target, *taker, signal)) return end_threads(target, nullptr, signal, guard);
    notify(*taker);
}

}

void notify(UserThread& thread) {
    thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
    sched::scheduler.wake_interruptible(thread);
}

void end_threads(Process& process, UserThread const* but, int status, SignalGuard const&) {
    process.signal_lock.assert_held();
    if (process.group_exit) return;
    process.group_exit = true;
    process.group_exit_status = status;
    for (UserThread& thread : process.threads) {
        if (&thread == but) continue;
        thread.return_work.fetch_or(return_work::exit, std::memory_order_relaxed);
        sched::scheduler.wake_to_end(thread);
    }
    process.stop_wait.wake_all();
}

/// In an interrupt: the interrupted thread, if it belongs to `process` and is more urgent than the first thread, which might wait
/// for the CPU as long as this one runs. Null: any thread will do.
static UserThread* urgent_runner(Process& process) REQUIRES(process.signal_lock) {
    UserThread* const running = current_user_thread_or_null();
    if (!running || &running->process() != &process || process.threads.empty()) return nullptr;
    return running->level() < process.threads.front().level() ? running : nullptr;
}

bool ProcessTimers::send(PosixTimer& timer, SignalGuard const& guard) {
    process_.signal_lock.assert_held();
    int const signal = timer.node.info.signal;
    UserThread* const only = timer.target;
    if (process_.threads.empty() || (timer.has_target && !only)) return true;
    SignalMask const blocked = kept_signals(only ? *only : process_.threads.front());
    if (is_dropped(process_, blocked, signal, guard)) return false;
    (only ? only->pending : process_.shared_pending).add_timer(timer.node);
    tell_taker(process_, signal, only, urgent_runner(process_), guard);
    ring_signal_bell(process_);
    return true;
}

namespace {

/// Whether a signal to the process is kept although ignored is decided, as in Linux, by the first thread's mask.
SignalMask blocked_by_first(Process const& target, SignalGuard const&) REQUIRES(target.signal_lock) {
    return target.threads.empty() ? 0 : kept_signals(target.threads.front());
}

/// The information of sigqueue(3) would be lost without a node, unlike that of kill(2).
bool needs_node(SignalInfo const& info) {
    return info.signal >= first_realtime_signal && info.code != SI_USER && info.code != SI_KERNEL;
}

/// False: the signal has no effect. `gone` takes nodes that are no longer needed; null where nothing may be freed (then `node` is
/// null too).
bool post(Process& target, SignalInfo const& info, Prefer preference, SignalNode* node, SignalNodes* gone) {
    if (info.signal == 0) return false;
    TRACE_EVENT(Signal, static_cast<u64>(target.pid().value), static_cast<u64>(info.signal));
    Locked guard(target.signal_lock);
    cancel_opposites(target, info.signal, gone, guard);
    bool used = false;
    bool const is_kept = !target.threads.empty() && !is_dropped(target, blocked_by_first(target, guard), info.signal, guard);
    if (is_kept) {
        used = target.shared_pending.add(info, node);
        UserThread* const preferred = preference == Prefer::First     ? nullptr
                                      : preference == Prefer::Running ? current_user_thread_or_null()
                                                                      : urgent_runner(target);
        tell_taker(target, info.signal, nullptr, preferred, guard);
        ring_signal_bell(target);
    }
    if (node && !used) gone->add(*node);
    return is_kept;
}

/// Not analysed: it reads without the lock.
bool may_want_node(Process const& target, int signal) NO_THREAD_SAFETY_ANALYSIS {
    return signal != 0 && target.shared_pending.wants_node(signal);
}

}

bool post_signal(Process& target, SignalInfo const& info, Prefer preference) { return post(target, info, preference, nullptr, nullptr); }

void send_signal(Process& target, SignalInfo const& info) {
    // If the answer is outdated, the information is lost, or a node is made and not used.
    SignalNodes gone;
    (void)post(target, info, Prefer::First, may_want_node(target, info.signal) ? SignalNode::make(target) : nullptr, &gone);
}

Result<> queue_to_process(Process& target, SignalInfo const& info) {
    if (!needs_node(info)) {
        send_signal(target, info);
        return {};
    }
    SignalNodes gone;
    SignalNode* const node = SignalNode::make(target);
    if (!node) return fail(EAGAIN);
    (void)post(target, info, Prefer::First, node, &gone);
    return {};
}

Result<> make_thread_node(Process const& target, SignalInfo const& info, SignalNodes& room) {
    if (info.signal < first_realtime_signal) return {};
    if (SignalNode* const node = SignalNode::make(target)) room.add(*node);
    else if (needs_node(info)) return fail(EAGAIN);
    return {};
}

void post_to_thread(UserThread& thread, SignalInfo const& info, SignalNodes& room) {
    Process& target = thread.process();
    Locked guard(target.signal_lock);
    cancel_opposites(target, info.signal, &room, guard);
    if (is_dropped(target, kept_signals(thread), info.signal, guard)) return;
    SignalNode* const node = room.take();
    if (!thread.pending.add(info, node) && node) room.add(*node);
    tell_taker(target, info.signal, &thread, nullptr, guard);
    ring_signal_bell(target);
}

void force_signal(SignalInfo const& info) {
    UserThread& thread = current_user_thread();
    Process& process = thread.process();
    Locked guard(process.signal_lock);
    bool const unwanted = (thread.blocked & mask_of(info.signal)) || process.handlers->read(info.signal).handler == ignore_handler;
    if (unwanted) thread.must_die_of |= mask_of(info.signal);
    thread.blocked &= ~mask_of(info.signal);
    thread.pending.add(info, nullptr);
    thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
}

}
