// SPDX-License-Identifier: MIT
// Compares the running-thread pointers of the CPUs, the guessed one first. Takes no lock.
#include "sched/running.h"

namespace sched {
namespace {

/// A hint: the other CPU may switch at any moment.
bool runs(CpuId cpu, Thread const* thread) { return __atomic_load_n(&current_thread_pointer.on(cpu), __ATOMIC_RELAXED) == thread; }

}

bool is_running_now(Thread const* thread, CpuId& guess) {
    if (runs(guess, thread)) return true;
    for (u32 number = 0; number < arch::online_cpus(); ++number) {
        if (!runs(CpuId(number), thread)) continue;
        guess = CpuId(number);
        return true;
    }
    return false;
}

}
