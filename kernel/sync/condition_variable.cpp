// SPDX-License-Identifier: MIT
// A waiter is in the queue before it gives the mutex up, so a signal from whoever takes
// the mutex next finds it.
#include "kernel/sync/condition_variable.h"

namespace sync {

Result<> ConditionVariable::wait(MutexBase& mutex, sched::Interruptible kind, u64 deadline_ns) {
    Result<> result;
    {
        sched::WaitQueue::Waiter waiter(queue_);
        waiter.prepare(kind);
        mutex.release();
        result = waiter.sleep(kind, deadline_ns);
    }
    mutex.acquire();
    return result;
}

}
