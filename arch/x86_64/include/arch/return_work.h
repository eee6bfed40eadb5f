// SPDX-License-Identifier: MIT
// The one flag that entry.S tests before it returns to user mode: a non-zero value sends the thread through
// upcalls::on_return_to_user() (signals, stop, exit).
#pragma once

#include <arch/per_cpu.h>

namespace arch {

/// Address of the running thread's flag word; the scheduler writes it at each switch, entry.S reads it through GS.
/// Never null.
extern PerCpu<u32 const*> return_work_pointer;

}
