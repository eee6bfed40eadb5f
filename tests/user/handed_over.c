// SPDX-License-Identifier: MIT
// Children whose parent, or the thread that made them, ends: more than the kernel hands over in one go, and while they themselves
// end or make siblings. A subreaper gets each of them once, and each hears once of the end.
#include <pthread.h>
#include <sys/prctl.h>

#include "test.h"

#ifndef CLONE_PARENT
#define CLONE_PARENT 0x8000
#endif

enum { CHILDREN = 60, ENDED = 40, MAKERS = 6, SIBLINGS = 12 };

static pid_t reaper;
static void become_reaper(void) {
    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    reaper = getpid();
}

/// How many children end, with each status or by each signal that is asked about.
static int all, with_7, by_hangup, otherwise;
static void wait_for_all(void) {
    int status;
    for (all = with_7 = by_hangup = otherwise = 0; waitpid(-1, &status, 0) > 0; ++all) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == 7) ++with_7;
        else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP) ++by_hangup;
        else if (status != 0) ++otherwise;
    }
}

static void wait_for_readers(int fd, int count) {
    char byte;
    for (int i = 0; i < count; ++i) REQUIRE(read(fd, &byte, 1) == 1);
}

/// Ends with 7 when it hears once that its parent has ended, and is the subreaper's then; or still its parent's that `stays`.
static void hear_of_end(int told, int stays) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t const parent = getppid();
    REQUIRE(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
    REQUIRE(write(told, "x", 1) == 1);
    siginfo_t info;
    if (sigwaitinfo(&set, &info) != SIGUSR1) _exit(1);
    struct timespec const moment = {0, 0};
    if (sigtimedwait(&set, &info, &moment) >= 0) _exit(2);
    _exit(getppid() == (stays ? parent : reaper) ? 7 : 3);
}

TEST(a_parent_of_many_ends) {
    become_reaper();
    int told[2];
    REQUIRE(pipe(told) == 0);
    if (fork() == 0) {
        for (int i = 0; i < CHILDREN + ENDED; ++i) {
            pid_t const child = fork();
            REQUIRE(child >= 0);
            if (child == 0 && i >= CHILDREN) _exit(0);
            if (child == 0) hear_of_end(told[1], 0);
        }
        wait_for_readers(told[0], CHILDREN);
        _exit(0);
    }
    wait_for_all();
    SHOW(all);
    SHOW(with_7);
    SHOW(otherwise);
}

static int thread_told[2];
static void* make_children(void* unused) {
    for (int i = 0; i < CHILDREN; ++i)
        if (fork() == 0) hear_of_end(thread_told[1], 1);
    wait_for_readers(thread_told[0], CHILDREN);
    return unused;
}

TEST(a_thread_that_made_many_ends) {
    REQUIRE(pipe(thread_told) == 0);
    pthread_t maker;
    REQUIRE(pthread_create(&maker, NULL, make_children, NULL) == 0);
    pthread_join(maker, NULL);
    wait_for_all();
    SHOW(all);
    SHOW(with_7);
    SHOW(otherwise);
}

TEST(children_make_siblings_meanwhile) {
    become_reaper();
    for (int round = 0; round < 10; ++round) {
        pid_t const parent = fork();
        REQUIRE(parent >= 0);
        if (parent == 0) {
            for (int i = 0; i < MAKERS; ++i) {
                if (fork() != 0) continue;
                for (int j = 0; j < SIBLINGS; ++j) {
                    long const sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
                    if (sibling < 0) _exit(1);
                    if (sibling == 0) _exit(7);
                }
                _exit(0);
            }
            _exit(0);
        }
        wait_for_all();
        if (all != 1 + MAKERS + MAKERS * SIBLINGS || with_7 != MAKERS * SIBLINGS || otherwise) SHOW(round);
    }
    SHOW(all);
    SHOW(with_7);
}

/// A large group of its own whose parent ends, in a session of which the subreaper is not: those who are stopped then are hung up,
/// and nobody of a group that runs.
static void leave_group_alone(int stopped) {
    int told[2];
    REQUIRE(pipe(told) == 0);
    if (fork() == 0) {
        REQUIRE(setsid() > 0);
        pid_t leader = 0;
        for (int i = 0; i < CHILDREN; ++i) {
            pid_t const child = fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                if (stopped) for (;;) pause();
                hear_of_end(told[1], 0);
            }
            if (!leader) leader = child;
            REQUIRE(setpgid(child, leader) == 0);
        }
        if (stopped) {
            REQUIRE(killpg(leader, SIGSTOP) == 0);
            for (int i = 0; i < CHILDREN; ++i) REQUIRE(waitpid(-1, NULL, WUNTRACED) > 0);
        } else {
            wait_for_readers(told[0], CHILDREN);
        }
        _exit(0);
    }
    wait_for_all();
    SHOW(all);
    SHOW(with_7);
    SHOW(by_hangup);
    SHOW(otherwise);
}

TEST(a_large_group_is_orphaned) {
    become_reaper();
    leave_group_alone(0);
}

TEST(a_large_group_of_stopped_ones_is_orphaned) {
    become_reaper();
    leave_group_alone(1);
}
