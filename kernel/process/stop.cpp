// SPDX-License-Identifier: MIT
// Stopped processes: SIGSTOP and friends, SIGCONT, and what the parent hears. A stopped
// process's threads wait here, on their way back to user mode.
#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"

namespace process {
namespace {

using SignalGuard = decltype(Process::signal_lock)::Guard;

using TreeGuard = ProcessManager::TreeGuard;

/// Leaves a report for wait4 and sends SIGCHLD, unless the parent has SA_NOCLDSTOP.
void report_to_parent(Process& process, ChildReport report, int status, int code, int detail, TreeGuard const&) {
    Process* parent = process.parent;
    if (!parent || process.state.load(std::memory_order_relaxed) != ProcessState::Alive) return;
    if (process.report == ChildReport::None) ++parent->children_reports;
    process.report = report;
    process.report_status = status;
    u64 flags;
    {
        SignalGuard guard(parent->signal_lock);
        flags = parent->handlers->of(SIGCHLD).flags;
    }
    if (!(flags & SA_NOCLDSTOP)) {
        SignalInfo info;
        info.signal = SIGCHLD;
        info.code = code;
        info.pid = process.pid().value;
        info.uid = process.credentials.real_uid.value;
        info.status = detail;
        post_signal(*parent, info);
    }
    parent->child_wait.wake_all();
}

bool may_go_on(Process& process) {
    SignalGuard guard(process.signal_lock);
    return process.stop_signal == 0 || process.group_exit || process.execing || (process.shared_pending.set & mask_of(SIGKILL));
}

/// One of its threads tells. The others may go on at once, but none can end before it has been told: that takes the tree's lock.
void report_continuation(Process& process) {
    TreeGuard tree(process_manager.tree_lock);
    {
        SignalGuard guard(process.signal_lock);
        if (!process.continue_pending) return;
        process.continue_pending = false;
    }
    report_to_parent(process, ChildReport::Continued, continued_status, CLD_CONTINUED, SIGCONT, tree);
}

}

void stop_process(Process& process, int signal) {
    {
        SignalGuard guard(process.signal_lock);
        if (process.group_exit || (process.shared_pending.set & (mask_of(SIGKILL) | mask_of(SIGCONT)))) return;
        process.stop_signal = signal;
        process.continue_pending = false;
        for (UserThread& thread : process.threads) {
            thread.return_work.fetch_or(return_work::signal, std::memory_order_relaxed);
            sched::scheduler.wake_interruptible(thread);
        }
    }
    TreeGuard tree(process_manager.tree_lock);
    report_to_parent(process, ChildReport::Stopped, signal << 8 | 0x7f, CLD_STOPPED, signal, tree);
}

void stay_stopped(UserThread& thread) {
    Process& process = thread.process();
    for (;;) {
        {
            SignalGuard guard(process.signal_lock);
            if (process.stop_signal == 0 && !process.continue_pending) return;
        }
        (void)process.stop_wait.wait([&] { return may_go_on(process); }, sched::Interruptible::No);
        report_continuation(process);
        if (fatal_signal_pending()) return;
    }
}

}
