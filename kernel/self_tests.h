// SPDX-License-Identifier: MIT
// The tests inside the kernel, as the kernel knows them: records in a section of the image (linker.ld) that one function walks.
// It includes none of them, and an image without any is whole.
#pragma once

#include <base/types.h>

namespace selftest {

struct alignas(32) Test {   // the compiler would align single objects more than the members of an array
    char const* name;
    void (*run)();
    u64 cpus;      ///< where it may run, see sched::Thread::allowed_cpus
};

/// Reports a failed check of the test that is running; safe from any thread.
void report_failure(char const* condition, char const* file, u32 line);

/// Runs every test and prints TAP on the log's consoles; returns how many failed: 1, too, if there are none.
u32 run_all();

}
