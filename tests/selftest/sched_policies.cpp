// SPDX-License-Identifier: MIT
// Another policy while threads of every kind run.
#include <atomic>

#include "sched/policy.h"
#include "tests/selftest/crew.h"
#include "tests/selftest/self_test.h"

using namespace selftest;
using sched::scheduler;

namespace {

/// Some burn, some yield, some sleep; until they are told to end.
struct Mix {
    std::atomic<bool> over{false};
    std::atomic<u64> steps[8] = {};
    void run(u32 number) {
        while (!over) {
            ++steps[number];
            if (number % 3 == 1) scheduler.yield();
            if (number % 3 == 2) (void)scheduler.sleep_until(arch::clock_ns() + ns_per_ms / 4, sched::Interruptible::No);
        }
    }
};

}

SELF_TEST_ON_ALL_CPUS(sched_policies_change_while_threads_run) {
    sched::Policy const& first = scheduler.policy();
    CHECK(!scheduler.change_policy("no such policy"));
    CHECK(!scheduler.change_policy(""));
    CHECK(&scheduler.policy() == &first);
    RealtimeScope above(50);   // else this thread starves under some of them, as it ought to
    Mix mix;
    Crew crew(mix, 8);
    for (int nice = -4; nice < 4; ++nice) REQUIRE(crew.start(&Mix::run, nice));
    for (int round = 0; round < 40; ++round) {
        for (sched::Policy const* policy : sched::policy_table()) {
            CHECK(scheduler.change_policy(policy->name()).has_value());
            CHECK(&scheduler.policy() == policy);
            (void)scheduler.sleep_until(arch::clock_ns() + ns_per_ms / 2, sched::Interruptible::No);
        }
    }
    // Under a policy that lets nobody starve, everyone goes on.
    CHECK(scheduler.change_policy("dynamic").has_value());
    u64 before[8];
    for (u32 i = 0; i < 8; ++i) before[i] = mix.steps[i];
    u64 const limit_ns = in_ms(20'000);
    for (u32 i = 0; i < 8; ++i) {
        while (mix.steps[i] == before[i] && arch::clock_ns() < limit_ns)
            (void)scheduler.sleep_until(arch::clock_ns() + ns_per_ms, sched::Interruptible::No);
        CHECK(mix.steps[i] != before[i]);
    }
    mix.over = true;
    crew.join();
    CHECK(scheduler.change_policy(first.name()).has_value());
}
