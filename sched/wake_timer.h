// SPDX-License-Identifier: MIT
// A timer on a sleeper's own stack that wakes the sleeper.
#pragma once

#include "sched/scheduler.h"
#include "sched/timer.h"

namespace sched {

/// Constructed by the thread that is going to sleep.
struct WakeTimer : Timer {
    WakeTimer() : Timer([](Timer& timer) { scheduler.wake(static_cast<WakeTimer&>(timer).sleeper); }), sleeper(current_thread()) {}
    Thread& sleeper;
};

}
