// SPDX-License-Identifier: MIT
// Sleeping for a time: a timer on the sleeper's own stack.
#include "sched/scheduler.h"
#include "sched/timer.h"

namespace sched {
namespace {

struct SleepTimer : Timer {
    SleepTimer() : Timer([](Timer& timer) { scheduler.wake(static_cast<SleepTimer&>(timer).sleeper); }), sleeper(current_thread()) {}
    Thread& sleeper;
};

}

Result<> Scheduler::sleep_until(u64 deadline_ns, Interruptible kind) {
    SleepTimer timer;
    timer.arm(deadline_ns);
    for (;;) {
        prepare_to_block(kind);
        bool const interrupted = kind == Interruptible::Yes && timer.sleeper.has_signal();
        if (!timer.is_armed() || interrupted) {
            cancel_block();
            if (!timer.is_armed()) return {};
            return fail(EINTR);
        }
        block();
    }
}

}
