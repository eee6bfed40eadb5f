// SPDX-License-Identifier: MIT
// Sending signals, and what sending alone does: ignored ones vanish, SIGCONT continues and
// stop signals cancel it, some thread that does not block the signal is woken. signal(7).
#include <abi/signal.h>
#include <base/trace.h>

#include <asm/resource.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"
#include "kernel/process/signal_file.h"
#include "sched/scheduler.h"

namespace process {

using SignalGuard = decltype(Process::signal_lock)::Guard;

namespace {

/// Blocked, or it was before someone began to wait for it.
SignalMask kept_signals(UserThread const& thread) { return thread.blocked | thread.blocked_before; }

/// True if the signal would do nothing now. A blocked signal is kept: its action may change.
bool is_dropped(Process const& target, SignalMask blocked, int signal, SignalGuard const&) REQUIRES(target.signal_lock) {
    if (signal == SIGKILL || signal == SIGSTOP) return target.is_init();
    if (blocked & mask_of(signal)) return false;
    SignalAction const& action = target.handlers->of(signal);
    bool const is_default = action.handler == default_handler;
    // Init gets only what it handles: nobody may kill it.
    if (target.is_init() && is_default) return true;
    return action.handler == ignore_handler || (is_default && default_action(signal) == DefaultAction::Ignore);
}

void notify(UserThread& thread) {
    thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
    sched::scheduler.wake_interruptible(thread);
}

/// It will end the process, whichever thread takes it. Not one after which Linux dumps core: it wakes nobody who waits for a vfork.
bool is_fatal(Process const& target, int signal) REQUIRES(target.signal_lock) {
    if (signal == SIGKILL) return true;
    if (target.is_init() || (dumping_signals & mask_of(signal))) return false;
    return target.handlers->of(signal).handler == default_handler && default_action(signal) == DefaultAction::Terminate;
}

/// As notify(), for one that is_fatal().
void notify_of_end(UserThread& thread) {
    thread.return_work.fetch_or(return_work::signal | return_work::fatal, std::memory_order_relaxed);
    sched::scheduler.wake_to_end(thread);
}

/// Wakes one thread that will take the signal, or all for one that ends them all.
void notify_some_thread(Process& target, int signal, SignalGuard const&) REQUIRES(target.signal_lock) {
    if (signal == SIGKILL) {
        if (!std::exchange(target.killed, true)) process_manager.count_dying(1);
        for (UserThread& thread : target.threads) notify_of_end(thread);
        return;
    }
    for (UserThread& thread : target.threads) {
        if (thread.blocked & mask_of(signal)) continue;
        if (is_fatal(target, signal)) notify_of_end(thread);
        else notify(thread);
        return;
    }
}

/// SIGCONT forgets stops and the reverse, whatever their actions are.
void cancel_opposites(Process& target, int signal, SignalGuard const&) REQUIRES(target.signal_lock) {
    SignalMask const opposite = signal == SIGCONT              ? stop_signals
                                : stop_signals & mask_of(signal) ? mask_of(SIGCONT)
                                                                 : 0;
    if (opposite != 0) {
        target.shared_pending.discard(opposite);
        for (UserThread& thread : target.threads) thread.pending.discard(opposite);
    }
    if (signal == SIGCONT && target.stop_signal != 0) {
        target.stop_signal = 0;
        target.continue_pending = true;
    }
    if (signal == SIGCONT || signal == SIGKILL) target.stop_wait.wake_all();
}

}

bool ProcessTimers::send(PosixTimer& timer, SignalGuard const& guard) {
    process_.signal_lock.assert_held();
    int const signal = timer.node.info.signal;
    UserThread* only = nullptr;
    for (UserThread& thread : process_.threads)
        if (timer.target.value == thread.tid.value) only = &thread;
    if (process_.threads.empty() || (timer.target.value != 0 && !only)) return true;
    SignalMask const blocked = kept_signals(only ? *only : process_.threads.front());
    if (is_dropped(process_, blocked, signal, guard)) return false;
    (only ? only->pending : process_.shared_pending).add_timer(timer.node);
    if (!only) notify_some_thread(process_, signal, guard);
    else if (!(only->blocked & mask_of(signal))) notify(*only);
    ring_signal_bell(process_);
    return true;
}

namespace {

/// A blocked signal is kept as long as one thread blocks it; a single thread's mask decides usually.
SignalMask blocked_by_first(Process const& target, SignalGuard const&) REQUIRES(target.signal_lock) {
    return target.threads.empty() ? 0 : kept_signals(target.threads.front());
}

/// What sigqueue(3) says would be lost without a node, unlike what kill(2) says.
bool needs_node(SignalInfo const& info) {
    return info.signal >= first_realtime_signal && info.code != SI_USER && info.code != SI_KERNEL;
}

}

void post_signal(Process& target, SignalInfo const& info, SignalNode* node) {
    if (info.signal == 0) return;
    SignalNodes unused;
    TRACE_EVENT(Signal, static_cast<u64>(target.pid().value), static_cast<u64>(info.signal));
    SignalGuard guard(target.signal_lock);
    cancel_opposites(target, info.signal, guard);
    bool used = false;
    if (!target.threads.empty() && !is_dropped(target, blocked_by_first(target, guard), info.signal, guard)) {
        used = target.shared_pending.add(info, node);
        notify_some_thread(target, info.signal, guard);
        ring_signal_bell(target);
    }
    if (node && !used) unused.add(*node);
}

/// Not analysed: a look without the lock.
static bool may_want_node(Process const& target, int signal) NO_THREAD_SAFETY_ANALYSIS {
    return signal != 0 && target.shared_pending.wants_node(signal);
}

void send_signal(Process& target, SignalInfo const& info) {
    // At worst the information is lost, or a node is made in vain.
    post_signal(target, info, may_want_node(target, info.signal) ? SignalNode::make(target) : nullptr);
}

Result<> queue_to_process(Process& target, SignalInfo const& info) {
    if (!needs_node(info)) {
        send_signal(target, info);
        return {};
    }
    SignalNode* const node = SignalNode::make(target);
    if (!node) return fail(EAGAIN);
    post_signal(target, info, node);
    return {};
}

Result<> send_to_thread(Process& target, Pid tid, SignalInfo const& info) {
    // To kill one thread is to kill them all.
    if (info.signal == SIGKILL) {
        send_signal(target, info);
        return {};
    }
    SignalNodes unused;
    SignalNode* node = info.signal >= first_realtime_signal ? SignalNode::make(target) : nullptr;
    if (node) unused.add(*node);
    else if (needs_node(info)) return fail(EAGAIN);
    SignalGuard guard(target.signal_lock);
    UserThread* thread = nullptr;
    for (UserThread& candidate : target.threads)
        if (candidate.tid == tid) thread = &candidate;
    // The first thread may have ended before the others: then the number still answers.
    if (!thread) return tid == target.pid() ? Result<>() : fail(ESRCH);
    if (info.signal == 0) return {};
    cancel_opposites(target, info.signal, guard);
    if (is_dropped(target, kept_signals(*thread), info.signal, guard)) return {};
    if (node) unused.remove(*node);
    if (!thread->pending.add(info, node) && node) unused.add(*node);
    if (!(thread->blocked & mask_of(info.signal))) is_fatal(target, info.signal) ? notify_of_end(*thread) : notify(*thread);
    ring_signal_bell(target);
    return {};
}

void force_signal(SignalInfo const& info) {
    UserThread& thread = current_user_thread();
    Process& process = thread.process();
    SignalGuard guard(process.signal_lock);
    bool const unwanted = (thread.blocked & mask_of(info.signal)) || process.handlers->of(info.signal).handler == ignore_handler;
    if (unwanted) thread.must_die_of |= mask_of(info.signal);
    thread.blocked &= ~mask_of(info.signal);
    thread.pending.add(info, nullptr);
    thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
}

namespace {

constinit SignalHandlers all_default;

bool ignores(SignalAction const& action, int signal) {
    return action.handler == ignore_handler || (action.handler == default_handler && default_action(signal) == DefaultAction::Ignore);
}

/// `own` becomes the process's table, with the same actions; the shared one is left in `own`.
void take_own_table(Process& process, Ref<SignalHandlers>& own) REQUIRES(process.signal_lock) {
    own->actions = process.handlers->actions;
    std::swap(process.handlers, own);
}

void discard_everywhere(Process& process, int signal, SignalGuard const&) REQUIRES(process.signal_lock) {
    process.shared_pending.discard(mask_of(signal));
    for (UserThread& thread : process.threads) thread.pending.discard(mask_of(signal));
}

}

Ref<SignalHandlers> default_handlers() { return Ref<SignalHandlers>::share(&all_default); }

Result<SignalAction> exchange_action(Process& process, int signal, SignalAction const* replacement) {
    if (signal < 1 || signal > signal_count) return fail(EINVAL);
    if (replacement && (mask_of(signal) & unblockable_signals)) return fail(EINVAL);
    Ref<SignalHandlers> own;
    for (;;) {
        {
            SignalGuard guard(process.signal_lock);
            SignalAction const old = process.handlers->read(signal);
            if (!replacement) return old;
            // Under the lock of the process that has it: fork, which makes it more, holds that too.
            bool const shared = process.handlers->reference_count() > 1 && !process.handlers->is_common;
            if (!shared || own) {
                if (shared) take_own_table(process, own);
                SignalAction action = *replacement;
                action.mask &= ~unblockable_signals;
                process.handlers->write(signal, action);
                if (ignores(action, signal)) discard_everywhere(process, signal, guard);
                else process.timers.stop_ignoring(signal, guard);
                return old;
            }
        }
        own = TRY(mm::make_ref<SignalHandlers>());
    }
}

Result<Ref<SignalHandlers>> inherit_handlers(Process& parent, bool in_common) {
    {
        SignalGuard guard(parent.signal_lock);
        if (parent.handlers->is_common == in_common) return parent.handlers;
    }
    // The parent needs one that fork has not shared, or the child one that nobody else changes.
    auto table = TRY(mm::make_ref<SignalHandlers>());
    SignalGuard guard(parent.signal_lock);
    for (int signal = 1; signal <= signal_count; ++signal) table->of(signal) = parent.handlers->read(signal);
    if (parent.handlers->is_common == in_common) return parent.handlers;
    table->is_common = in_common;
    return in_common ? parent.handlers = table : table;
}

Result<Ref<SignalHandlers>> reset_handlers(Process& process) {
    bool keeps_something = false;
    {
        SignalGuard guard(process.signal_lock);
        if (process.handlers.get() == &all_default) return process.handlers;
        // One that others change is not looked at twice.
        keeps_something = process.handlers->is_common;
        for (SignalAction const& action : process.handlers->actions) keeps_something |= action.handler == ignore_handler;
    }
    if (!keeps_something) return default_handlers();
    auto table = TRY(mm::make_ref<SignalHandlers>());
    SignalGuard guard(process.signal_lock);
    for (size_t i = 0; i < table->actions.size(); ++i)
        if (process.handlers->actions[i].handler == ignore_handler) table->actions[i].handler = ignore_handler;
    return table;
}

void refresh_return_work(UserThread& thread, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    SignalMask const pending = (thread.pending.set | process.shared_pending.set) & ~thread.blocked;
    if (pending != 0 || process.stop_signal != 0 || process.continue_pending)
        thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
    else
        thread.return_work.fetch_and(~(return_work::signal | return_work::fatal), std::memory_order_relaxed);
}

bool is_about_to_end(UserThread& thread) {
    Process& process = thread.process();
    SignalGuard guard(process.signal_lock);
    if (thread.return_work.load(std::memory_order_relaxed) & return_work::exit) return true;
    for (SignalMask rest = (thread.pending.set | process.shared_pending.set) & ~thread.blocked; rest != 0; rest &= rest - 1)
        if (is_fatal(process, std::countr_zero(rest) + 1)) return true;
    // It has been caught or taken meanwhile.
    thread.return_work.fetch_and(~return_work::fatal, std::memory_order_relaxed);
    return false;
}

void set_blocked(UserThread& thread, SignalMask mask, SignalMask before) {
    Process& process = thread.process();
    mask &= ~unblockable_signals;
    SignalGuard guard(process.signal_lock);
    SignalMask const newly_blocked = mask & ~thread.blocked;
    thread.blocked = mask;
    thread.blocked_before = before;
    refresh_return_work(thread, guard);
    // What this thread had been chosen for, another may take.
    SignalMask const orphaned = process.shared_pending.set & newly_blocked;
    if (orphaned == 0 || process.thread_count == 1) return;
    for (UserThread& other : process.threads)
        if (&other != &thread && (orphaned & ~other.blocked)) notify(other);
}

std::optional<SignalInfo> take_signal(UserThread& thread, SignalMask wanted) {
    SignalNodes used;
    Process& process = thread.process();
    SignalGuard guard(process.signal_lock);
    for (PendingSignals* pending : {&thread.pending, &process.shared_pending}) {
        SignalMask const ready = pending->set & wanted;
        if (ready == 0) continue;
        // Faults of the thread itself first, then in order of numbers (signal(7)).
        SignalMask const first = ready & fault_signals ? ready & fault_signals : ready;
        SignalInfo info = pending->take(std::countr_zero(first) + 1, used);
        process.timers.on_taken(info);
        refresh_return_work(thread, guard);
        return info;
    }
    refresh_return_work(thread, guard);
    return std::nullopt;
}

SignalMask pending_signals(UserThread const& thread) {
    Process const& process = thread.process();
    SignalGuard guard(process.signal_lock);
    return thread.pending.set | process.shared_pending.set;
}

bool signal_pending() {
    UserThread const* thread = current_user_thread_or_null();
    return thread && thread->has_signal();
}

bool fatal_signal_pending() {
    UserThread& thread = current_user_thread();
    if (!thread.has_signal()) return false;
    if (thread.return_work.load(std::memory_order_relaxed) & return_work::exit) return true;
    return pending_signals(thread) & mask_of(SIGKILL);
}

}
