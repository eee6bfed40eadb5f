// SPDX-License-Identifier: MIT
// TEST(name) { … CHECK(condition); SHOW(value); } — each test runs in a forked child; what
// the program prints and its exit code must be the same on Linux and on Aubrac, and on
// both every check must hold. Output goes straight to write(2): nothing is buffered
// across fork. A test may leave by a signal if it says so with EXPECT_SIGNAL.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int failures;

static void say(char const* format, ...) __attribute__((format(printf, 1, 2), unused));
static void say(char const* format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 1) length = sizeof line - 1;
    for (int done = 0; done < length;) {
        ssize_t written = write(1, line + done, length - done);
        if (written <= 0) _exit(99);
        done += written;
    }
}

static int check(int holds, char const* what, char const* file, int line) __attribute__((unused));
static int check(int holds, char const* what, char const* file, int line) {
    int error = errno;
    if (!holds) {
        say("FAIL %s:%d: %s (errno %d)\n", file, line, what, error);
        failures++;
    }
    return holds;
}

#define CHECK(condition) check(!!(condition), #condition, __FILE_NAME__, __LINE__)
#define REQUIRE(condition) do { if (!CHECK(condition)) _exit(1); } while (0)
/// A system call that must fail with exactly this errno.
#define CHECK_ERRNO(call, number)                                                            \
    do {                                                                                     \
        errno = 0;                                                                           \
        long result_ = (long)(call);                                                         \
        int error_ = errno;                                                                  \
        if (result_ != -1 || error_ != (number)) {                                           \
            say("FAIL %s:%d: %s gives %ld, errno %d, not %s\n", __FILE_NAME__, __LINE__, #call, result_, error_, #number); \
            failures++;                                                                      \
        }                                                                                    \
    } while (0)
#define SHOW(expression) say("%s = %ld\n", #expression, (long)(expression))

struct test { char const* name; void (*run)(void); int signal; };
extern struct test const __start_user_tests[], __stop_user_tests[];

#define TEST_THAT_ENDS_BY(test_name, signal_number)                                          \
    static void test_##test_name(void);                                                      \
    __attribute__((section("user_tests"), used, aligned(8)))                                 \
    static struct test const record_##test_name = {#test_name, test_##test_name, signal_number}; \
    static void test_##test_name(void)
#define TEST(test_name) TEST_THAT_ENDS_BY(test_name, 0)

static void sleep_ms(long milliseconds) __attribute__((unused));
static void sleep_ms(long milliseconds) {
    struct timespec wanted = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wanted, &wanted) == -1 && errno == EINTR) { }
}

/// wait4 for one child; the status, or -1.
static int wait_for(pid_t child) __attribute__((unused));
static int wait_for(pid_t child) {
    int status = -1;
    pid_t got;
    do got = waitpid(child, &status, 0); while (got == -1 && errno == EINTR);
    return got == child ? status : -1;
}

/// Runs `body` in a child and gives its wait status.
static int in_child(void (*body)(void)) __attribute__((unused));
static int in_child(void (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(failures != 0);
    }
    return child < 0 ? -1 : wait_for(child);
}

static int ended_with(int status, int code) __attribute__((unused));
static int ended_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
static int killed_by(int status, int number) __attribute__((unused));
static int killed_by(int status, int number) { return WIFSIGNALED(status) && WTERMSIG(status) == number; }

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
