// SPDX-License-Identifier: MIT
// TEST(name) { … CHECK(condition); SHOW(value); } — each test runs in a forked child; what
// the program prints and its exit code must be the same on Linux and on Aubrac, and on
// both every check must hold. A test may leave by a signal if it says so with TEST_THAT_ENDS_BY.
#pragma once
#include "checks.h"

struct test { char const* name; void (*run)(void); int signal; };
extern struct test const __start_user_tests[], __stop_user_tests[];

#define TEST_THAT_ENDS_BY(test_name, signal_number)                                          \
    static void test_##test_name(void);                                                      \
    __attribute__((section("user_tests"), used, aligned(8)))                                 \
    static struct test const record_##test_name = {#test_name, test_##test_name, signal_number}; \
    static void test_##test_name(void)
#define TEST(test_name) TEST_THAT_ENDS_BY(test_name, 0)

/// A program that executes itself defines this: it is called first, and returns if the words are not its own.
void when_executed(int argument_count, char** arguments) __attribute__((weak));

int main(int argument_count, char** arguments) __attribute__((weak));
int main(int argument_count, char** arguments) {
    if (when_executed) when_executed(argument_count, arguments);
    char const* only = argument_count > 1 ? arguments[1] : NULL;
    int bad = 0, count = 0;
    for (struct test const* t = __start_user_tests; t != __stop_user_tests; ++t) {
        if (only && strcmp(only, t->name)) continue;
        ++count;
        int status = in_child(t->run);
        int passed = t->signal ? killed_by(status, t->signal) : ended_with(status, 0);
        if (!passed) ++bad;
        if (passed) say("ok %s\n", t->name);
        else say("not ok %s: wait status %#x\n", t->name, (unsigned)status);
    }
    return bad || !count;
}
