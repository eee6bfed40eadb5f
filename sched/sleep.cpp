// SPDX-License-Identifier: MIT
// Sleeps for a time, with a timer on the sleeper's own stack.
#include "sched/wake_timer.h"

namespace sched {

Result<> Scheduler::sleep_until(u64 deadline_ns, Interruptible kind) {
    WakeTimer timer;
    timer.arm(deadline_ns);
    for (;;) {
        prepare_to_block(kind);
        bool const interrupted = timer.sleeper.is_interrupted(kind);
        if (!timer.is_armed() || interrupted) {
            cancel_block();
            if (!timer.is_armed()) return {};
            return fail(EINTR);
        }
        block();
    }
}

}
