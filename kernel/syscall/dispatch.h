// SPDX-License-Identifier: MIT
// From a trap frame to a handler: the table, ENOSYS for what is not in it, strace=.
#pragma once

#include <base/types.h>

struct TrapFrame;

namespace syscall {

/// `strace_level`: 0 silent; 1 names each call that is not provided, once; 2 logs every call with its result.
void initialize(u64 strace_level);
/// Calls the handler of frame.vector_or_syscall; its result goes to frame.rax.
void dispatch(TrapFrame& frame);

}
