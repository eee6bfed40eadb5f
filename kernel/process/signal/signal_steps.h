// SPDX-License-Identifier: MIT
// The steps of signal handling that fork, exec and exit use, and that the sources of this room share.
#pragma once

#include "kernel/process/signal/default_actions.h"
#include "kernel/process/signal/signal.h"

namespace process {

/// For exec and CLONE_CLEAR_SIGHAND: caught signals get their default action, ignored ones stay ignored. ENOMEM.
Result<Ref<SignalHandlers>> reset_handlers(Process& process);
/// For clone: the parent's table, shared until one of the two changes it, or for good with `in_common` (CLONE_SIGHAND). ENOMEM.
Result<Ref<SignalHandlers>> inherit_handlers(Process& parent, bool in_common);
/// The table of default actions, shared by all processes that have no other.
Ref<SignalHandlers> default_handlers();

/// Sets or clears the flag that makes a thread with something to deliver call deliver_signals() before it leaves the kernel.
void refresh_return_work(UserThread& thread, SignalGuard const&);

/// The signal of `wanted` that `thread` takes next, and the set that it is in; 0: none.
int first_ready(UserThread& thread, SignalMask wanted, PendingSignals*& from, SignalGuard const&);
/// `own` becomes the process's table, with the same actions; the shared table is left in `own`.
void take_own_table(Process& process, Ref<SignalHandlers>& own);
/// Wakes the thread for a signal.
void notify(UserThread& thread);
/// Makes all threads end except `but`, with `status` as the process's; no effect if they already end.
void end_threads(Process& process, UserThread const* but, int status, SignalGuard const&);

// ---- stop.cpp
/// The running thread has taken `signal` and stops the process, unless SIGCONT has come since, or nobody could continue the
/// process.
void stop_process(UserThread& thread, int signal);
/// Waits while the process is stopped, and reports the stop and its end to the parent.
void stay_stopped(UserThread& thread);
/// SIGCONT has come.
void cancel_stop(Process& process, SignalGuard const&);
/// The thread no longer counts as one that must stop: it waits already, or it ends. True: it was the last; call report_stop().
bool leave_stop(UserThread& thread, SignalGuard const&);
void report_stop(Process& process);

/// Puts a handler's frame on the program's stack and makes `frame` enter the handler; false: the stack is bad.
bool push_signal_frame(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action, SignalMask old_mask);

}
