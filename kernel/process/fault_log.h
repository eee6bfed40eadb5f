// SPDX-License-Identifier: MIT
// Linux's line in the log for a program that dies of its own fault (show_unhandled_signals): "sh[12]: segfault at 0 ip … sp … error 4".
#pragma once

#include <base/types.h>

struct TrapFrame;

namespace process {

/// The running program is about to get SIGSEGV for a page fault at `address`; `error_code` as the CPU gives it.
void log_segfault(TrapFrame const& frame, u64 address, u64 error_code);
/// … or `signal` for another exception.
void log_trap(TrapFrame const& frame, u8 vector, u64 error_code, int signal);

}
