// SPDX-License-Identifier: MIT
// Lines in the log about programs: Linux's line for one that dies of its own fault (show_unhandled_signals), "sh[12]: segfault at 0
// ip … sp … error 4"; and a line for a program that cannot start.
#pragma once

#include <string_view>

#include <base/types.h>

struct TrapFrame;

namespace process {

/// The running program is about to get SIGSEGV for a page fault at `address`; `error_code` as the CPU gives it.
void log_segfault(TrapFrame const& frame, u64 address, u64 error_code);
/// The running program is about to get `signal` for another exception.
void log_trap(TrapFrame const& frame, u8 vector, u64 error_code, int signal);
/// exec of `program` did not find the file `wanted`.
void log_missing_interpreter(std::string_view program, std::string_view wanted);

}
