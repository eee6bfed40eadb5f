// SPDX-License-Identifier: MIT
// Stopped processes: SIGSTOP and the other stop signals, SIGCONT, and the reports to the parent. The threads of a stopped process
// wait here, on their return to user mode; the last one to stop reports to the parent. Between the taking of a stop signal and the
// stop no lock is held, so SIGCONT may come in between: it clears has_taken_stop.
#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"

namespace process {
namespace {

/// Sends SIGCHLD, unless the parent has SA_NOCLDSTOP, and wakes the parent's wait4.
void tell_parent(Process& process, int code, int detail, TreeGuard const&) REQUIRES(tree_lock) {
    Process* const parent = process.parent;
    if (!parent) return;
    ResourceUsage usage;
    {
        Locked guard(process.signal_lock);
        if (!process.threads.empty()) usage.add(process.threads.front());
    }
    u64 flags;
    {
        Locked guard(parent->signal_lock);
        flags = parent->handlers->read(SIGCHLD).flags;
    }
    if (!(flags & SA_NOCLDSTOP)) {
        SignalInfo info;
        info.signal = SIGCHLD;
        info.code = code;
        info.pid = process.pid().value;
        info.uid = process.credentials.real_uid.value;
        info.status = detail;
        info.set_times(usage.user_ns, usage.system_ns);
        (void)post_signal(*parent, info);
    }
    parent->child_wait.wake_all();
}

/// Leaves a report for wait4, and notifies the parent.
void report_to_parent(Process& process, ChildReport report, int status, int code, int detail, TreeGuard const& tree) REQUIRES(tree_lock) {
    Process* const parent = process.parent;
    if (!parent || process.state.load(std::memory_order_relaxed) != ProcessState::Alive) return;
    if (process.report == ChildReport::None) ++parent->children_reports;
    process.report = report;
    process.report_status = status;
    tell_parent(process, code, detail, tree);
}

bool may_go_on(UserThread const& thread) {
    Process& process = thread.process();
    Locked guard(process.signal_lock);
    return process.stop_signal == 0 || process.group_exit || (thread.return_work.load(std::memory_order_relaxed) & return_work::exit);
}

/// One of its threads reports. The others may continue at once, but none can end before the report: ending takes tree_lock.
void report_news(Process& process) {
    Locked tree(tree_lock);
    StopNews news;
    {
        Locked guard(process.signal_lock);
        news = std::exchange(process.stop_news, StopNews::None);
    }
    if (news == StopNews::Continued) report_to_parent(process, ChildReport::Continued, continued_status, CLD_CONTINUED, SIGCONT, tree);
    else if (news == StopNews::Interrupted) tell_parent(process, CLD_STOPPED, SIGCONT, tree);
}

/// False: SIGCONT or the end of the process has come since the signal was taken.
bool begin_stop(UserThread& thread, int signal, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    if (!std::exchange(thread.has_taken_stop, false) || process.group_exit) return false;
    if (process.stop_signal != 0) return true;   // another thread was first: this one stops too
    process.stop_signal = signal;
    process.stop_news = StopNews::None;
    process.stop_count = 0;
    for (UserThread& other : process.threads) {
        if (&other == &thread || other.is_ending) continue;
        other.has_to_stop = true;
        ++process.stop_count;
        notify(other);
    }
    thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
    return true;
}

}

void stop_process(UserThread& thread, int signal) {
    Process& process = thread.process();
    // Held throughout: a group that is orphaned afterwards finds the process stopped (hang_up_orphan()).
    Locked tree(tree_lock);
    // POSIX 2.4.3: no shell could continue a process of an orphaned group.
    if (signal != SIGSTOP && process_manager.is_orphaned(*process.group_object, tree)) return;
    {
        Locked guard(process.signal_lock);
        if (!begin_stop(thread, signal, guard) || process.stop_count != 0) return;
    }
    report_to_parent(process, ChildReport::Stopped, signal << 8 | 0x7f, CLD_STOPPED, signal, tree);
}

void cancel_stop(Process& process, SignalGuard const&) {
    process.signal_lock.assert_held();
    for (UserThread& thread : process.threads) thread.has_taken_stop = thread.has_to_stop = false;
    if (process.stop_signal == 0) return;
    process.stop_news = process.stop_count == 0 ? StopNews::Continued : StopNews::Interrupted;
    process.stop_signal = 0;
    process.stop_count = 0;
    process.stop_wait.wake_all();
}

bool leave_stop(UserThread& thread, SignalGuard const&) {
    Process& process = thread.process();
    process.signal_lock.assert_held();
    return std::exchange(thread.has_to_stop, false) && --process.stop_count == 0;
}

void report_stop(Process& process) {
    Locked tree(tree_lock);
    int signal;
    {
        Locked guard(process.signal_lock);
        if (process.stop_count != 0) return;
        signal = process.stop_signal;
    }
    if (signal != 0) report_to_parent(process, ChildReport::Stopped, signal << 8 | 0x7f, CLD_STOPPED, signal, tree);
}

void stay_stopped(UserThread& thread) {
    Process& process = thread.process();
    for (;;) {
        bool completes;
        {
            Locked guard(process.signal_lock);
            if (process.stop_signal == 0 && process.stop_news == StopNews::None) return;
            completes = leave_stop(thread, guard);
        }
        if (completes) report_stop(process);
        (void)process.stop_wait.wait([&] { return may_go_on(thread); }, sched::Interruptible::No);
        report_news(process);
        if (fatal_signal_pending()) return;
    }
}

}
