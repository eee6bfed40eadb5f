// SPDX-License-Identifier: MIT
// A timer on a sleeper's own stack that wakes it.
#pragma once

#include "sched/scheduler.h"
#include "sched/timer.h"

namespace sched {

/// Made by the thread that will sleep.
struct WakeTimer : Timer {
    WakeTimer() : Timer([](Timer& timer) { scheduler.wake(static_cast<WakeTimer&>(timer).sleeper); }), sleeper(current_thread()) {}
    Thread& sleeper;
};

}
