// SPDX-License-Identifier: MIT
// The self-tests as the kernel sees them: records in a section of the image (linker.ld) that one function walks. The
// kernel includes none of the tests, and an image without any is complete.
#pragma once

#include <base/types.h>

namespace selftest {

struct alignas(32) Test {   // the compiler would align single objects more than the members of an array
    char const* name;
    void (*run)();
    u64 cpus;      ///< the CPUs that it may run on, see sched::Thread::allowed_cpus
};

/// Reports a failed check of the running test; may be called from any thread.
void report_failure(char const* condition, char const* file, u32 line);

/// Runs every test and prints TAP on the log's consoles; returns the number of failures, or 1 if there are no tests.
u32 run_all();

}
