// SPDX-License-Identifier: MIT
// What programs for both systems are made of: lines that say something, checks, children, time. Output goes straight to write(2): nothing
// is buffered across fork. A program with TESTs includes test.h instead.
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

/// A clock that never goes back.
static long now_us(void) __attribute__((unused));
static long now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}
static long now_ms(void) __attribute__((unused));
static long now_ms(void) { return now_us() / 1000; }

/// Zeros that children share.
static void* shared_memory(size_t size) __attribute__((unused));
static void* shared_memory(size_t size) {
    void* at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}

/// Copies the running program.
static void copy_self(char const* path, unsigned uid, unsigned gid, unsigned mode) __attribute__((unused));
static void copy_self(char const* path, unsigned uid, unsigned gid, unsigned mode) {
    static char block[65536];
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
    REQUIRE(from >= 0 && to >= 0);
    for (ssize_t got; (got = read(from, block, sizeof block)) > 0;) REQUIRE(write(to, block, got) == got);
    close(from);
    REQUIRE(fchown(to, uid, gid) == 0 && fchmod(to, mode) == 0);
    close(to);
}
