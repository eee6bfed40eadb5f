// SPDX-License-Identifier: MIT
// The few operations of a thread itself; the scheduler does everything else.
#include "sched/thread.h"

#include <algorithm>

#include "sched/run_queue.h"

namespace sched {

PER_CPU arch::PerCpu<Thread*> current_thread_pointer;

// Signals and /proc may reach a thread before it starts, so its run queue, and with it its lock, is set from the
// beginning.
Thread::Thread() : run_queue(sched::run_queue.read()) {}

void Thread::set_name(std::string_view text) {
    size_t const length = std::min(text.size(), name_capacity - 1);
    std::copy_n(text.data(), length, name);
    std::fill(name + length, name + name_capacity, '\0');
}

bool caller_is_dying() { return current_thread().is_interrupted(Interruptible::Fatal); }

void Thread::on_terminated() { delete this; }

}
