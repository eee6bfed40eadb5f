// SPDX-License-Identifier: MIT
// SELF_TEST(name) { … CHECK(condition); } — a test that runs inside the booted kernel
// when `selftest` is on its command line. Each runs in an ordinary kernel thread and
// may sleep, lock and create threads of its own; all of them on the boot CPU, unless it is
// a SELF_TEST_ON_ALL_CPUS, whose threads run wherever the scheduler puts them. A failed CHECK is reported and the
// test goes on; REQUIRE ends the test function (not the kernel).
#pragma once

#include "kernel/self_tests.h"

#define SELF_TEST(test_name) SELF_TEST_ON(test_name, 1)
#define SELF_TEST_ON_ALL_CPUS(test_name) SELF_TEST_ON(test_name, ~u64{0})

#define SELF_TEST_ON(test_name, cpus)                                                \
    static void self_test_##test_name();                                             \
    [[gnu::section(".selftest"), gnu::used, gnu::retain]]                            \
    constinit const ::selftest::Test self_test_record_##test_name = {#test_name, &self_test_##test_name, cpus}; \
    static void self_test_##test_name()

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) [[unlikely]]                                               \
            ::selftest::report_failure(#condition, __FILE_NAME__, __LINE__);         \
    } while (0)

#define REQUIRE(condition)                                                           \
    do {                                                                             \
        if (!(condition)) [[unlikely]] {                                             \
            ::selftest::report_failure(#condition, __FILE_NAME__, __LINE__);         \
            return;                                                                  \
        }                                                                            \
    } while (0)
