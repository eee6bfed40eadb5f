// SPDX-License-Identifier: MIT
// The steps of signals that fork, exec and exit take part in, and that the sources of signals share.
#pragma once

#include "kernel/process/signal/default_actions.h"
#include "kernel/process/signal/signal.h"

namespace process {

/// For exec and CLONE_CLEAR_SIGHAND: what was caught gets its default action, what was ignored stays so. ENOMEM.
Result<Ref<SignalHandlers>> reset_handlers(Process& process);
/// For clone: the parent's table, shared until one of the two changes it, or `in_common` (CLONE_SIGHAND). ENOMEM.
Result<Ref<SignalHandlers>> inherit_handlers(Process& parent, bool in_common);
/// All actions default; shared by all who have no other.
Ref<SignalHandlers> default_handlers();

/// Sets or clears the flag by which a thread with something to deliver leaves the kernel by way of deliver_signals.
void refresh_return_work(UserThread& thread, SignalGuard const&);

/// The signal that `thread` shall take next of `wanted`, and where it is; 0: none.
int first_ready(UserThread& thread, SignalMask wanted, PendingSignals*& from, SignalGuard const&);
/// `own` becomes the process's table, with the same actions; the shared one is left in `own`.
void take_own_table(Process& process, Ref<SignalHandlers>& own);
/// Wakes the thread for a signal.
void notify(UserThread& thread);
/// All threads end, `but` one, and the process with `status`; unless they do so already.
void end_threads(Process& process, UserThread const* but, int status, SignalGuard const&);

// ---- stop.cpp
/// The running thread has taken `signal` and stops the process with it, unless SIGCONT has come since, or nobody could
/// continue it.
void stop_process(UserThread& thread, int signal);
/// Waits while the process is stopped, and tells its parent what became of it.
void stay_stopped(UserThread& thread);
/// SIGCONT has come.
void cancel_stop(Process& process, SignalGuard const&);
/// The thread, which ends, does not stop any more. True: with that all have stopped, and report_stop() is to be called.
bool leave_stop(UserThread& thread, SignalGuard const&);
void report_stop(Process& process);

/// Puts a handler's frame on the program's stack and makes `frame` enter the handler; false: the stack is bad.
bool push_signal_frame(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action, SignalMask old_mask);

}
