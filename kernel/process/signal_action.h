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

/// Stops the process by `signal` (the caller is one of its threads and waits until it is continued).
void stop_process(Process& process, int signal);
/// Waits while the process is stopped, and tells its parent when it is continued.
void stay_stopped(UserThread& thread);

/// Puts a handler's frame on the program's stack and makes `frame` enter the handler; false: the stack is bad.
bool push_signal_frame(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action, SignalMask old_mask);

}
