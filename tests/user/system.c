// SPDX-License-Identifier: MIT
// Clocks, limits, names, random bytes and the small calls around them.
#include "test.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <termios.h>

static long long now_ns(clockid_t clock) {
    struct timespec t;
    REQUIRE(syscall(SYS_clock_gettime, clock, &t) == 0);
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/// One thread uses no more time than passes, whatever the mode in which ticks find it.
TEST(a_process_has_no_more_time_than_passes) {
    long long start = now_ns(CLOCK_MONOTONIC), first = now_ns(CLOCK_PROCESS_CPUTIME_ID), ahead = 0, passed = 0;
    while (passed < 200000000) {
        long long used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - first;
        passed = now_ns(CLOCK_MONOTONIC) - start;
        if (used > passed && used - passed > ahead) ahead = used - passed;
    }
    CHECK(ahead == 0);
}

TEST(monotonic_never_goes_back) {
    long long last = now_ns(CLOCK_MONOTONIC), next;
    for (int i = 0; i < 20000; ++i) {
        next = now_ns(CLOCK_MONOTONIC);
        REQUIRE(next >= last);
        last = next;
    }
}

TEST(sleeping_takes_at_least_as_long) {
    static long const times_ms[] = {1, 5, 20, 100};
    for (int i = 0; i < 4; ++i) {
        long long before = now_ns(CLOCK_MONOTONIC);
        sleep_ms(times_ms[i]);
        long long took = now_ns(CLOCK_MONOTONIC) - before;
        CHECK(took >= times_ms[i] * 1000000);
        CHECK(took < times_ms[i] * 1000000 + 5000000000ll);
    }
    long long target = now_ns(CLOCK_MONOTONIC) + 30000000;
    struct timespec until = {target / 1000000000, target % 1000000000};
    CHECK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    CHECK(now_ns(CLOCK_MONOTONIC) >= target);
    CHECK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);   // already over
    struct timespec wrong = {0, 1000000000}, negative = {-1, 0};
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &negative, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &until, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_gettime, 99, &until), EINVAL);
}

TEST(sleepers_wake_in_order_of_their_deadlines) {
    enum { COUNT = 8 };
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    // On one CPU, so that a CPU whose host has no time for it makes no difference.
    unsigned long const first_cpu = 1;
    REQUIRE(syscall(SYS_sched_setaffinity, 0, sizeof first_cpu, &first_cpu) == 0);
    long long start = now_ns(CLOCK_MONOTONIC) + 100000000;
    for (int i = 0; i < COUNT; ++i)
        if (fork() == 0) {
            int rank = (i * 5) % COUNT;
            long long target = start + rank * 60000000ll;
            struct timespec until = {target / 1000000000, target % 1000000000};
            syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            char byte = '0' + rank;
            write(ends[1], &byte, 1);
            _exit(0);
        }
    char order[COUNT + 1] = "";
    for (int i = 0; i < COUNT; ++i) REQUIRE(read(ends[0], order + i, 1) == 1);
    say("%s\n", order);
    for (int i = 0; i < COUNT; ++i) wait(NULL);
}

TEST(the_date) {
    struct timeval day;
    REQUIRE(syscall(SYS_gettimeofday, &day, NULL) == 0);
    long seconds = syscall(SYS_time, NULL), stored;
    CHECK(syscall(SYS_time, &stored) == stored);
    CHECK(seconds > 1700000000 && seconds - day.tv_sec <= 2 && seconds >= day.tv_sec);
    CHECK(now_ns(CLOCK_REALTIME) / 1000000000 - seconds <= 2);
}

TEST(times_and_usage) {
    struct tms used;
    clock_t before = times(&used);
    CHECK(before != -1);
    volatile unsigned long n = 0;
    while (times(&used) - before < 20) for (int i = 0; i < 10000; ++i) ++n;
    CHECK(used.tms_utime + used.tms_stime >= 1);
    pid_t child = fork();
    if (child == 0) {
        struct tms own;
        clock_t start = times(&own);
        while (times(&own) - start < 20) for (int i = 0; i < 10000; ++i) ++n;
        _exit(0);
    }
    wait_for(child);
    times(&used);
    CHECK(used.tms_cutime + used.tms_cstime >= 1);
    struct rusage usage = {0};
    child = fork();
    if (child == 0) _exit(0);
    CHECK(wait4(child, NULL, 0, &usage) == child);
    CHECK(usage.ru_utime.tv_usec < 1000000 && usage.ru_stime.tv_usec < 1000000);
}

TEST(names) {
    struct utsname name;
    CHECK(uname(&name) == 0);
    CHECK(!strcmp(name.machine, "x86_64") && name.sysname[0] && name.release[0] >= '3' && strlen(name.nodename) < 65);
    char text[17] = "";
    CHECK(prctl(PR_SET_NAME, "a name that is too long") == 0);
    CHECK(prctl(PR_GET_NAME, text) == 0 && !strcmp(text, "a name that is "));
    CHECK_ERRNO(prctl(123456), EINVAL);
}

TEST(memory_numbers) {
    struct sysinfo info;
    CHECK(sysinfo(&info) == 0);
    CHECK(info.totalram * (unsigned long)info.mem_unit > 16ul << 20 && info.freeram <= info.totalram && info.procs >= 1);
}

TEST(limits) {
    struct rlimit stack;
    CHECK(syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &stack) == 0);
    CHECK(stack.rlim_cur == 8ul << 20);
    CHECK_ERRNO(syscall(SYS_prlimit64, 0, 99, NULL, &stack), EINVAL);
    CHECK_ERRNO(syscall(SYS_prlimit64, INT_MAX, RLIMIT_STACK, NULL, &stack), ESRCH);
}

TEST(random_bytes) {
    unsigned char one[32], two[32];
    CHECK(syscall(SYS_getrandom, one, 32, 0) == 32 && syscall(SYS_getrandom, two, 32, 0) == 32);
    CHECK(memcmp(one, two, 32));
    CHECK_ERRNO(syscall(SYS_getrandom, one, 32, 0x100), EINVAL);
    static unsigned char many[100000];
    CHECK(syscall(SYS_getrandom, many, sizeof many, 0) == sizeof many);
    int counts[256] = {0};
    for (unsigned i = 0; i < sizeof many; ++i) counts[many[i]]++;
    for (int i = 0; i < 256; ++i) CHECK(counts[i] > 200 && counts[i] < 700);
}

TEST(identity) {
    CHECK(getuid() == geteuid() && getgid() == getegid());
    pid_t child = fork();
    if (child == 0) _exit(getuid() != geteuid());
    CHECK(ended_with(wait_for(child), 0));
    CHECK(getgroups(0, NULL) >= 0);
    CHECK_ERRNO(getgroups(-1, NULL), EINVAL);
}

TEST(terminal_calls_on_a_file) {
    int fd = open("f", O_RDWR | O_CREAT, 0644), ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    struct termios settings;
    struct winsize size;
    pid_t group;
    CHECK_ERRNO(ioctl(fd, TCGETS, &settings), ENOTTY);
    CHECK_ERRNO(ioctl(fd, TIOCGWINSZ, &size), ENOTTY);
    CHECK_ERRNO(ioctl(fd, TIOCGPGRP, &group), ENOTTY);
    CHECK_ERRNO(ioctl(fd, 0x12345678, 0), ENOTTY);
    CHECK_ERRNO(ioctl(ends[0], TIOCGWINSZ, &size), ENOTTY);
    CHECK_ERRNO(ioctl(open("/dev/null", O_RDWR), TCGETS, &settings), ENOTTY);
    CHECK_ERRNO(ioctl(99, TCGETS, &settings), EBADF);
    CHECK(!isatty(fd));
}

TEST(sync_calls) {
    int fd = open("f", O_RDWR | O_CREAT, 0644), ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
    CHECK_ERRNO(fsync(ends[0]), EINVAL);
    CHECK_ERRNO(fsync(99), EBADF);
}
