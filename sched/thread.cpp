// SPDX-License-Identifier: MIT
// The little that a thread does itself; all else is done to it by the scheduler.
#include "sched/thread.h"

#include <algorithm>

namespace sched {

PER_CPU arch::PerCpu<Thread*> current_thread_pointer;

void Thread::set_name(std::string_view text) {
    size_t const length = std::min(text.size(), name_capacity - 1);
    std::copy_n(text.data(), length, name);
    std::fill(name + length, name + name_capacity, '\0');
}

void Thread::on_terminated() { delete this; }

}
