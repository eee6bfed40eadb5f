// SPDX-License-Identifier: MIT
// libc: glibc
// What the boot test `hogs` runs inside the machine, where it would do harm elsewhere; each subcommand prints lines of NAME VALUE.
//   fill DIR      a user fills a file in DIR; three processes of root look on: whether one dies, and what runs afterwards
//   pipes         a hog whose memory is in pipes, beside four that hold 4 MiB each: who is killed
//   pinned        a hog, on the CPU where a realtime thread spins, is killed since another needs memory: after how many milliseconds
//   share         what a usual thread gets of a second and a half beside one of SCHED_FIFO that spins, in thousandths
//   users         what root's only thread gets of three seconds on one CPU beside fifty threads of another user's, in thousandths
//   watches       how many files one user's epolls watch, and how many another's, before ENOSPC
//   new_pipes     how many pipes a user can make, of all limits
//   rttime        RLIMIT_RTTIME of 100 and 200 ms: signals that came, and of what it ended
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static char block[MIB];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(char const* name, long value) {
    printf("%s %ld\n", name, value);
    fflush(stdout);
}

static void run_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void touch(char* memory, long size) {
    for (long i = 0; i < size; i += 4096) memory[i] = 1;
}

static char* map(long size) { return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

/// A process that holds so many MiB until it is killed.
static pid_t onlooker(long mib) {
    pid_t const child = fork();
    if (child) return child;
    touch(map(mib * MIB), mib * MIB);
    for (;;) pause();
}

static int count_dead(pid_t const* children, int count) {
    int dead = 0;
    for (int i = 0; i < count; ++i)
        if (waitpid(children[i], NULL, WNOHANG) == children[i]) ++dead;
        else kill(children[i], SIGKILL), waitpid(children[i], NULL, 0);
    return dead;
}

static int runs(long mib) {
    int status = -1;
    pid_t const child = fork();
    if (child == 0) {
        touch(map(mib * MIB), mib * MIB);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
}

static int fill(int count, char** directories) {
    pid_t others[3];
    for (int i = 0; i < 3; ++i) others[i] = onlooker(4);
    usleep(300000);
    char path[2][100];
    for (int i = 0; i < count; ++i) {
        snprintf(path[i], sizeof path[i], "%s/fill", directories[i]);
        int status;
        pid_t const user = fork();
        if (user == 0) {
            if (setgid(1000) || setuid(1000)) _exit(1);
            int const file = open(path[i], O_CREAT | O_WRONLY, 0600);
            for (int n = 0; n < 4000; ++n)
                if (write(file, block, sizeof block) < 0) break;
            _exit(errno == ENOSPC ? 0 : errno);
        }
        waitpid(user, &status, 0);
        say(i ? "second_ended_by_room" : "ended_by_room", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    usleep(200000);
    say("runs_afterwards", runs(2));
    say("onlookers_dead", count_dead(others, 3));
    for (int i = 0; i < count; ++i) unlink(path[i]);
    return 0;
}

static int hold_pipes(void) {
    pid_t others[4];
    for (int i = 0; i < 4; ++i) others[i] = onlooker(4);
    pid_t const hog = fork();
    if (hog == 0) {
        struct rlimit const files = {4096, 4096};
        setrlimit(RLIMIT_NOFILE, &files);
        for (;;) {
            int ends[2];
            if (pipe2(ends, O_NONBLOCK)) pause();
            fcntl(ends[1], F_SETPIPE_SZ, MIB);
            while (write(ends[1], block, sizeof block) > 0) { }
            if (errno != EAGAIN) touch(map(MIB), MIB);   // the memory that is to come from somewhere
        }
    }
    int status = 0, got = 0;
    for (double const end = now() + 30; now() < end && got == 0; usleep(50000)) got = waitpid(hog, &status, WNOHANG);
    say("hog_killed", got == hog && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (!got) kill(hog, SIGKILL);
    say("others_dead", count_dead(others, 4));
    return 0;
}

static pid_t spinner(int cpu, double seconds) {
    pid_t const child = fork();
    if (child) return child;
    run_on(cpu);
    touch(map(MIB), MIB);                        // and some frames of this CPU's own
    struct sched_param const parameters = {.sched_priority = 50};
    if (sched_setscheduler(0, SCHED_FIFO, &parameters)) _exit(1);
    for (double const end = now() + seconds; now() < end;) { }
    _exit(0);
}

static void end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static long free_mib(void) {
    char line[100];
    long kib = 0;
    FILE* const file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemFree: %ld", &kib) == 1) break;
    if (file) fclose(file);
    return kib / 1024;
}

/// The hog has what it wants and sleeps on the spinner's CPU; another asks for more than is left, on the first CPU.
static int pinned(void) {
    int const cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
    int ready[2];
    if (pipe(ready)) return 1;
    run_on(0);
    pid_t const hog = fork();
    if (hog == 0) {
        long const mib = free_mib() - 40;
        run_on(cpu);
        touch(map(mib * MIB), mib * MIB);
        (void)!write(ready[1], "x", 1);
        for (;;) pause();
    }
    char byte;
    (void)!read(ready[0], &byte, 1);
    pid_t const spins = spinner(cpu, 20);
    usleep(300000);
    double const start = now();
    int const fits = runs(64);
    long const ms = (long)((now() - start) * 1000);
    int status = 0, got = waitpid(hog, &status, WNOHANG);
    say("killed", got == hog && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    say("another_runs", fits);
    say("after_ms", ms);
    if (!got) end(hog);
    end(spins);
    return 0;
}

static int share(void) {
    run_on(0);
    struct sched_param const above = {.sched_priority = 60};
    sched_setscheduler(0, SCHED_FIFO, &above);
    pid_t const usual = fork();
    if (usual == 0) {
        struct sched_param const none = {0};
        sched_setscheduler(0, SCHED_OTHER, &none);
        for (;;) { }
    }
    pid_t const spins = spinner(0, 20);
    usleep(3000000);
    struct rusage usage;
    int status;
    kill(usual, SIGKILL);
    wait4(usual, &status, 0, &usage);
    end(spins);
    long const us = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
    say("share", us / 3000);
    return 0;
}

static int users(void) {
    enum { HOGS = 50 };
    pid_t all[HOGS + 1];
    run_on(0);
    struct sched_param const above = {.sched_priority = 60};
    sched_setscheduler(0, SCHED_FIFO, &above);
    for (int i = 0; i <= HOGS; ++i) {
        all[i] = fork();
        if (all[i] != 0) continue;
        struct sched_param const none = {0};
        sched_setscheduler(0, SCHED_OTHER, &none);
        if (i < HOGS && setuid(1000)) _exit(1);
        for (;;) { }
    }
    usleep(3000000);
    struct rusage usage;
    kill(all[HOGS], SIGSTOP);   // before the others go
    for (int i = 0; i <= HOGS; ++i) kill(all[i], SIGKILL);
    for (int i = 0; i <= HOGS; ++i) wait4(all[i], NULL, 0, &usage);
    say("share", (usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec) / 3000);
    return 0;
}

/// In a child of this user's; what it found, -1: another error than `wanted` ended it.
static long as_user(int user, long (*find)(void), int wanted) {
    long result = -1;
    int ends[2];
    if (pipe(ends)) return -1;
    pid_t const child = fork();
    if (child == 0) {
        if (setgid(user) || setuid(user)) _exit(1);
        errno = 0;
        result = find();
        if (errno != wanted) result = -1;
        (void)!write(ends[1], &result, sizeof result);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    (void)!read(ends[0], &result, sizeof result);
    close(ends[0]);
    close(ends[1]);
    return result;
}

static long count_watches(void) {
    int const polls[2] = {epoll_create1(0), epoll_create1(0)};
    long count = 0;
    for (; count < 200; ++count) {
        struct epoll_event event = {.events = EPOLLIN};
        if (epoll_ctl(polls[count % 2], EPOLL_CTL_ADD, eventfd(0, 0), &event)) break;
    }
    return count;
}

static int watches(void) {
    say("watches", as_user(1000, count_watches, ENOSPC));
    say("anothers", as_user(1001, count_watches, ENOSPC));
    say("again", as_user(1000, count_watches, ENOSPC));
    return 0;
}

static long count_pipes(void) {
    long count = 0;
    for (int ends[2]; count < 200 && pipe(ends) == 0; ++count) { }
    return count;
}

static int new_pipes(void) {
    say("pipes", as_user(1000, count_pipes, ENFILE));
    say("again", as_user(1000, count_pipes, ENFILE));
    return 0;
}

static void on_signal(int number) {
    char const line[] = "sigxcpu 1\n";
    (void)number;
    (void)!write(1, line, sizeof line - 1);
}

static int rttime(void) {
    pid_t const child = fork();
    if (child == 0) {
        struct rlimit const limit = {100000, 200000};
        struct sched_param const parameters = {.sched_priority = 10};
        signal(SIGXCPU, on_signal);
        setrlimit(RLIMIT_RTTIME, &limit);
        // Time of the usual class does not count.
        for (double const stop = now() + 0.4; now() < stop;) { }
        if (sched_setscheduler(0, SCHED_RR, &parameters)) _exit(1);
        // Who sleeps begins anew.
        for (int i = 0; i < 10; ++i) {
            for (double const stop = now() + 0.04; now() < stop;) { }
            usleep(1000);
        }
        say("slept_in_time", 1);
        for (;;) sched_yield();                  // to yield is not to sleep
    }
    int status;
    waitpid(child, &status, 0);
    say("ended_by", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}

int main(int count, char** words) {
    char const* what = count > 1 ? words[1] : "";
    if (!strcmp(what, "fill")) return fill(count - 2, words + 2);
    if (!strcmp(what, "pipes")) return hold_pipes();
    if (!strcmp(what, "pinned")) return pinned();
    if (!strcmp(what, "share")) return share();
    if (!strcmp(what, "users")) return users();
    if (!strcmp(what, "rttime")) return rttime();
    if (!strcmp(what, "watches")) return watches();
    if (!strcmp(what, "new_pipes")) return new_pipes();
    return 2;
}
