// SPDX-License-Identifier: MIT
// What signals do where no handler is installed. signal(7), "Standard signals".
#pragma once

#include <abi/signal.h>

#include "kernel/process/process.h"

namespace process {

inline constexpr u64 default_handler = 0, ignore_handler = 1;   ///< SIG_DFL, SIG_IGN

inline constexpr SignalMask unblockable_signals = mask_of(SIGKILL) | mask_of(SIGSTOP);
inline constexpr SignalMask stop_signals = mask_of(SIGSTOP) | mask_of(SIGTSTP) | mask_of(SIGTTIN) | mask_of(SIGTTOU);
/// Raised by the thread's own instructions: delivered before all others.
inline constexpr SignalMask fault_signals =
    mask_of(SIGSEGV) | mask_of(SIGBUS) | mask_of(SIGILL) | mask_of(SIGFPE) | mask_of(SIGTRAP) | mask_of(SIGSYS);
/// Linux writes a core file after them.
inline constexpr SignalMask dumping_signals = fault_signals | mask_of(SIGQUIT) | mask_of(SIGABRT) | mask_of(SIGXCPU) | mask_of(SIGXFSZ);
inline constexpr SignalMask ignored_by_default = mask_of(SIGCHLD) | mask_of(SIGCONT) | mask_of(SIGURG) | mask_of(SIGWINCH);

enum class DefaultAction : u8 { Terminate, Ignore, Stop };

constexpr DefaultAction default_action(int signal) {
    if (ignored_by_default & mask_of(signal)) return DefaultAction::Ignore;
    if (stop_signals & mask_of(signal)) return DefaultAction::Stop;
    return DefaultAction::Terminate;
}

/// For exec and CLONE_CLEAR_SIGHAND: what was caught gets its default action, what was ignored stays so. ENOMEM.
Result<Ref<SignalHandlers>> reset_handlers(Process& process);
/// For clone: the parent's table, shared until one of the two changes it, or `in_common` (CLONE_SIGHAND). ENOMEM.
Result<Ref<SignalHandlers>> inherit_handlers(Process& parent, bool in_common);
/// All actions default; shared by all who have no other.
Ref<SignalHandlers> default_handlers();

/// Sets or clears the flag by which a thread with something to deliver leaves the kernel by way of deliver_signals.
void refresh_return_work(UserThread& thread, decltype(Process::signal_lock)::Guard const&);

using SignalGuard = decltype(Process::signal_lock)::Guard;

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
