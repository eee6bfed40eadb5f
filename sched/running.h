// SPDX-License-Identifier: MIT
// Whether a thread is on a CPU right now; adaptive waiters spin only then.
#pragma once

#include "sched/thread.h"

namespace sched {

/// True if some CPU currently runs `thread`. The pointer is only compared: the thread may have ended long ago.
/// `guess` is checked first, and becomes the CPU where the thread was found.
bool is_running_now(Thread const* thread, CpuId& guess);

}
