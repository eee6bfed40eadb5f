// SPDX-License-Identifier: MIT
// What signals do where no handler is installed, and the classes of signals. signal(7), "Standard signals".
#pragma once

#include <abi/signal.h>

#include "kernel/process/signal_info.h"

namespace process {

inline constexpr u64 default_handler = 0, ignore_handler = 1;   ///< SIG_DFL, SIG_IGN

inline constexpr SignalMask unblockable_signals = mask_of(SIGKILL) | mask_of(SIGSTOP);
inline constexpr SignalMask stop_signals = mask_of(SIGSTOP) | mask_of(SIGTSTP) | mask_of(SIGTTIN) | mask_of(SIGTTOU);
/// Raised by the thread's own instructions: they are delivered before all others.
inline constexpr SignalMask fault_signals =
    mask_of(SIGSEGV) | mask_of(SIGBUS) | mask_of(SIGILL) | mask_of(SIGFPE) | mask_of(SIGTRAP) | mask_of(SIGSYS);
/// Linux writes a core file for these.
inline constexpr SignalMask dumping_signals = fault_signals | mask_of(SIGQUIT) | mask_of(SIGABRT) | mask_of(SIGXCPU) | mask_of(SIGXFSZ);
inline constexpr SignalMask ignored_by_default = mask_of(SIGCHLD) | mask_of(SIGCONT) | mask_of(SIGURG) | mask_of(SIGWINCH);

enum class DefaultAction : u8 { Terminate, Ignore, Stop };

constexpr DefaultAction default_action(int signal) {
    if (ignored_by_default & mask_of(signal)) return DefaultAction::Ignore;
    if (stop_signals & mask_of(signal)) return DefaultAction::Stop;
    return DefaultAction::Terminate;
}

}
