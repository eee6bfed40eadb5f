// SPDX-License-Identifier: MIT
// Who runs right now, for those who consider to wait for it on the CPU.
#pragma once

#include "sched/thread.h"

namespace sched {

/// Is `thread` the one that a CPU runs at this moment? It is only compared with, it may have ended long ago. `guess` is looked at
/// first, and becomes the CPU where it was found.
bool is_running_now(Thread const* thread, CpuId& guess);

}
