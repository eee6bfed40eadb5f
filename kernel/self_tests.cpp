// SPDX-License-Identifier: MIT
// Runs the self-tests one after another, each in its own kernel thread, and prints TAP on the log. linker.ld keeps
// the `.selftest` records in one array.
#include "kernel/self_tests.h"

#include <atomic>

#include <arch/per_cpu.h>
#include <base/log.h>
#include <base/panic.h>

#include "kernel/sync/semaphore.h"
#include "sched/scheduler.h"

extern "C" selftest::Test const selftest_start[];
extern "C" selftest::Test const selftest_end[];

namespace selftest {

namespace {

/// Failed checks of the running test. Ordering: relaxed; the semaphore orders it.
constinit std::atomic<u32> failed_checks{0};
constinit sync::Semaphore test_done{0};

void run_in_thread(void* argument) {
    static_cast<Test const*>(argument)->run();
    (void)sched::scheduler.begin_exit();   // if one CPU runs both, the next test finds this one's stack freed
    test_done.up();
}

/// Ending threads and reapers run before ordinary threads, so once this ordinary thread has run on a CPU, what the
/// test's threads left there is gone.
void visit_every_cpu() {
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu)
        static_cast<void>(sched::scheduler.set_affinity(sched::current_thread(), u64{1} << cpu));
}

bool run_one(Test const& test) {
    failed_checks.store(0, std::memory_order_relaxed);
    if (!sched::scheduler.set_affinity(sched::current_thread(), test.cpus)) return false;
    auto const thread = sched::scheduler.create_kernel_thread(test.name, run_in_thread, const_cast<Test*>(&test));
    if (!thread) return false;
    static_cast<void>(test_done.down());
    visit_every_cpu();
    return failed_checks.load(std::memory_order_relaxed) == 0;
}

}

void report_failure(char const* condition, char const* file, u32 line) {
    failed_checks.fetch_add(1, std::memory_order_relaxed);
    log_error("selftest", "# {}:{}: {}", file, line, condition);
}

u32 run_all() {
    u32 const count = static_cast<u32>(selftest_end - selftest_start);
    u32 failures = 0, number = 0;
    log_info("selftest", "1..{}", count);
    for (Test const* test = selftest_start; test != selftest_end; ++test) {
        bool const passed = run_one(*test);
        if (!passed) ++failures;
        log_info("selftest", "{}ok {} - {}", passed ? "" : "not ", ++number, test->name);
    }
    log_info("selftest", "# {} of {} failed", failures, count);
    return count == 0 ? 1 : failures;
}

}
