// SPDX-License-Identifier: MIT
// Stopping and continuing: what comes between, who hears of it and when, and groups that nobody can continue any more.
#include <pthread.h>

#include "races.h"

/// Whether `*counter` changes within a second.
static int goes_on(volatile long* counter) {
    long const before = *counter, end = now_us() + 1000000;
    while (*counter == before && now_us() < end) sched_yield();
    return *counter != before;
}

/// SIGCONT in the moment between the taking of a stop signal and the stop.
static long stays_stopped(int stop) {
    pid_t const child = fork();
    if (child == 0) {
        setpgid(0, 0);
        for (;;) ++shared[0];
    }
    setpgid(child, child);
    REQUIRE(goes_on(&shared[0]));
    long hits = 0, end = now_us() + 400000;
    for (long turn = 0; now_us() < end && hits == 0; ++turn) {
        kill(child, stop);
        spin(turn % 400 * 4);
        kill(child, SIGCONT);
        if (turn % 4 == 0) hits += !goes_on(&shared[0]);
    }
    kill(child, SIGKILL);
    wait_for(child);
    return hits;
}

TEST(continued_is_continued) {
    SHOW(stays_stopped(SIGSTOP));
    SHOW(stays_stopped(SIGTSTP));
    SHOW(stays_stopped(SIGTTIN));
}

static void* count(void* unused) {
    for (;;) ++shared[1];
    return unused;
}

TEST(stopped_is_said_by_the_last_thread) {
    long still_running = 0;
    for (int i = 0; i < 12; ++i) {
        shared[1] = 0;
        pid_t const child = fork();
        if (child == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, count, NULL);
            for (;;) pause();
        }
        while (shared[1] < 1000) sched_yield();
        kill(child, SIGSTOP);
        int status = 0;
        CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        long const then = shared[1];
        sleep_ms(10);
        still_running += shared[1] != then;
        kill(child, SIGKILL);
        CHECK(killed_by(wait_for(child), SIGKILL));
    }
    SHOW(still_running);
}

/// A thread that ends, or is killed with the others, is no reason to wait for.
static void* end_soon(void* unused) {
    sleep_ms(20);
    return unused;
}

TEST(stop_beside_threads_that_end) {
    for (int i = 0; i < 10; ++i) {
        pid_t const child = fork();
        if (child == 0) {
            pthread_t thread;
            for (int k = 0; k < 4; ++k) pthread_create(&thread, NULL, end_soon, NULL);
            for (;;) pause();
        }
        sleep_ms(10 + i);
        kill(child, SIGSTOP);
        int status = 0;
        CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
        kill(child, SIGCONT);
        CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
        kill(child, SIGTERM);
        CHECK(killed_by(wait_for(child), SIGTERM));
    }
}

static void note(int number) { shared[8 + number] = 1; }

/// The child of a session's leader is alone in a group, stopped; then the leader ends.
static void leave_a_stopped_group(int stop) {
    setsid();
    pid_t const left = fork();
    if (left == 0) {
        setpgid(0, 0);
        signal(SIGHUP, note);
        signal(SIGCONT, note);
        shared[2] = getpid();
        if (stop) raise(stop);
        else sleep_ms(300);
        shared[3] = 1;
        _exit(0);
    }
    while (shared[2] == 0) sleep_ms(1);
    if (stop) waitpid(left, NULL, WUNTRACED);
    _exit(0);
}

static void orphan(int stop) {
    for (int i = 2; i < 80; ++i) shared[i] = 0;
    pid_t const leader = fork();
    if (leader == 0) leave_a_stopped_group(stop);
    wait_for(leader);
    sleep_ms(200);
    say("stopped by %d: hang-up %ld, continued %ld, went on %ld\n", stop, shared[8 + SIGHUP], shared[8 + SIGCONT], shared[3]);
    kill((pid_t)shared[2], SIGKILL);
}

TEST(orphaned_group_that_is_stopped_hears_of_it) {
    orphan(SIGSTOP);
    orphan(SIGTSTP);
    orphan(0);
}

/// The one whose parent cared for the group ends; another one of the group is stopped.
TEST(member_that_ends_orphans_its_group) {
    for (int i = 2; i < 80; ++i) shared[i] = 0;
    pid_t const shell = fork();
    if (shell == 0) {
        setsid();
        pid_t const job = fork();
        if (job == 0) {
            setpgid(0, 0);
            pid_t const second = fork();
            if (second == 0) {
                signal(SIGHUP, note);
                signal(SIGCONT, note);
                shared[2] = getpid();
                raise(SIGSTOP);
                shared[3] = 1;
                _exit(0);
            }
            while (shared[2] == 0) sleep_ms(1);
            waitpid(second, NULL, WUNTRACED);
            _exit(0);                                  // `second` is init's now, which does not care
        }
        wait_for(job);
        sleep_ms(200);
        say("member: hang-up %ld, continued %ld, went on %ld\n", shared[8 + SIGHUP], shared[8 + SIGCONT], shared[3]);
        kill((pid_t)shared[2], SIGKILL);
        _exit(0);
    }
    CHECK(ended_with(wait_for(shell), 0));
}

static void ignore_it(int number) { (void)number; }

/// Prints what waitid() says; two seconds end it.
static void ask(char const* what, idtype_t kind, id_t id, int options) {
    siginfo_t info = {0};
    struct sigaction action = {.sa_handler = ignore_it};
    sigaction(SIGALRM, &action, NULL);
    alarm(2);
    errno = 0;
    int const result = waitid(kind, id, &info, options);
    int const error = errno;
    alarm(0);
    say("%s: %d, errno %d, code %d\n", what, result, error, info.si_code);
}

TEST(nothing_to_wait_for) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | WNOWAIT);
    ask("zombie, stopped, no hang", P_PID, child, WSTOPPED | WNOHANG);
    ask("zombie, stopped", P_PID, child, WSTOPPED);
    ask("zombie, continued, any", P_ALL, 0, WCONTINUED);
    ask("zombie, group", P_PGID, getpgrp(), WSTOPPED | WCONTINUED);
    ask("zombie, exited", P_ALL, 0, WEXITED | WNOWAIT);
    wait_for(child);
    for (int i = 0; i < 3; ++i) {
        child = fork();
        if (child == 0) {
            sleep_ms(50);
            _exit(0);
        }
        if (i == 0) ask("it ends: stopped", P_PID, child, WSTOPPED);
        if (i == 1) ask("it ends: continued", P_ALL, 0, WCONTINUED);
        if (i == 2) ask("it ends: group", P_PGID, getpgrp(), WSTOPPED);
        wait_for(child);
    }
}

TEST(reports_once_and_only_what_is_true) {
    pid_t const child = fork();
    if (child == 0) for (;;) pause();
    kill(child, SIGSTOP);
    ask("stopped, kept", P_PID, child, WSTOPPED | WNOWAIT);
    ask("stopped", P_PID, child, WSTOPPED);
    ask("stopped, again", P_PID, child, WSTOPPED | WNOHANG);
    kill(child, SIGCONT);
    ask("continued, kept", P_PID, child, WCONTINUED | WNOWAIT);
    ask("continued, for who asks for stops", P_PID, child, WSTOPPED | WNOHANG);
    ask("continued", P_PID, child, WCONTINUED);
    ask("continued, again", P_PID, child, WCONTINUED | WNOHANG);
    kill(child, SIGSTOP);
    ask("stopped, kept", P_PID, child, WSTOPPED | WNOWAIT);
    kill(child, SIGCONT);
    ask("stopped and continued: stops", P_PID, child, WSTOPPED | WNOHANG);
    ask("stopped and continued", P_PID, child, WCONTINUED);
    kill(child, SIGSTOP);
    ask("stopped", P_PID, child, WSTOPPED);
    kill(child, SIGTERM);                              // waits for the continuation
    sleep_ms(20);
    ask("stopped, SIGTERM", P_PID, child, WEXITED | WNOHANG);
    kill(child, SIGCONT);
    CHECK(killed_by(wait_for(child), SIGTERM));
}
