// SPDX-License-Identifier: MIT
// Children by the signal that tells of their end: which waits are about them, who may choose the signal, what an exec leaves of
// it; parents that end; what is said of those that have ended.
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "test.h"

#ifndef CLONE_PARENT
#define CLONE_PARENT 0x8000
#endif
#ifndef __WCLONE
#define __WCLONE 0x80000000
#define __WALL 0x40000000
#define __WNOTHREAD 0x20000000
#endif

static volatile long* shared;
__attribute__((constructor)) static void map_shared(void) {
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/// "exec": ends at once, in another program.
void when_executed(int argument_count, char** arguments) {
    if (argument_count < 2 || strcmp(arguments[1], "executed")) return;
    if (argument_count > 2) sleep_ms(atoi(arguments[2]));
    _exit(7);
}

static void execute(char const* time) { execl("/proc/self/exe", "wait_kinds", "executed", time, NULL); }

static pid_t clone_with(unsigned long flags) { return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0); }

static void ask(char const* what, pid_t id, int options) {
    int status = 0;
    errno = 0;
    pid_t const got = (pid_t)syscall(SYS_wait4, id, &status, options, NULL);
    say("%s: %s, errno %d\n", what, got > 0 ? "a child" : got == 0 ? "none yet" : "none", errno);
}

static void ask_all(char const* what, pid_t id) {
    say("%s\n", what);
    ask(" plain", id, WNOHANG);
    ask(" __WCLONE", id, WNOHANG | __WCLONE);
    ask(" __WALL", id, WNOHANG | __WALL);
}

static void quiet(int number) { shared[number] += 1; }

TEST(kinds_of_children) {
    signal(SIGUSR1, quiet);
    int const signals[] = {SIGCHLD, SIGUSR1, 0, 65, 255};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; ++i) {
        char what[40];
        pid_t const child = clone_with((unsigned long)signals[i]);
        if (child == 0) for (;;) pause();
        CHECK(child > 0);
        snprintf(what, sizeof what, "alive, %d", signals[i]);
        ask_all(what, child);
        kill(child, SIGKILL);
        snprintf(what, sizeof what, "ended, %d, by kind", signals[i]);
        siginfo_t info;
        CHECK(syscall(SYS_waitid, P_PID, child, &info, WEXITED | WNOWAIT | __WALL, NULL) == 0);
        say("%s\n", what);
        ask(" the other", -1, WNOHANG | (signals[i] == SIGCHLD ? __WCLONE : 0));
        ask(" its own", -1, WNOHANG | (signals[i] == SIGCHLD ? 0 : __WCLONE));
        ask(" all", -1, WNOHANG | __WALL);
    }
    SHOW(shared[SIGUSR1]);
}

static void* ask_as_thread(void* child) {
    pid_t const id = *(pid_t*)child;
    ask("another thread's, __WNOTHREAD", id, WNOHANG | __WNOTHREAD);
    ask("any of another thread's", -1, WNOHANG | __WNOTHREAD);
    ask("another thread's", id, WNOHANG);
    return NULL;
}

static void* make_child(void* out) {
    pid_t const child = fork();
    if (child == 0) for (;;) pause();
    *(pid_t*)out = child;
    return NULL;
}

TEST(children_of_a_thread) {
    pthread_t thread;
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    pthread_create(&thread, NULL, ask_as_thread, &child);
    pthread_join(thread, NULL);
    ask("its own, __WNOTHREAD", child, WNOHANG | __WNOTHREAD);
    kill(child, SIGKILL);
    wait_for(child);
    // Of a thread that has ended they are another's.
    pthread_create(&thread, NULL, make_child, &child);
    pthread_join(thread, NULL);
    sleep_ms(20);
    ask("left by a thread, __WNOTHREAD", child, WNOHANG | __WNOTHREAD);
    kill(child, SIGKILL);
    CHECK(killed_by(wait_for(child), SIGKILL));
}

/// A sibling cannot be told with a signal of one's own choice.
static void parent_of_one_with_a_sibling(void) {
    pid_t const child = fork();
    if (child == 0) {
        pid_t const sibling = clone_with(CLONE_PARENT | SIGKILL);
        if (sibling == 0) _exit(0);
        sleep_ms(100);
        _exit(sibling > 0 ? 0 : 1);
    }
    sleep_ms(150);
    _exit(7);
}

TEST(sibling_tells_by_the_parents_signal) {
    CHECK(ended_with(in_child(parent_of_one_with_a_sibling), 7));
    signal(SIGUSR1, quiet);
    signal(SIGUSR2, quiet);
    shared[SIGUSR1] = shared[SIGUSR2] = 0;
    pid_t const child = clone_with(SIGUSR1);
    if (child == 0) {
        if (clone_with(CLONE_PARENT | SIGUSR2) == 0) _exit(0);
        sleep_ms(50);
        _exit(0);
    }
    sleep_ms(100);
    int count = 0;
    while (waitpid(-1, NULL, __WCLONE | WNOHANG) > 0) ++count;
    say("ended %d, SIGUSR1 %s, SIGUSR2 %ld\n", count, shared[SIGUSR1] ? "yes" : "no", shared[SIGUSR2]);
    struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } arguments = {.flags = CLONE_PARENT, .exit_signal = SIGUSR1};
    CHECK_ERRNO(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
    arguments.flags = 0;
    arguments.exit_signal = 65;
    CHECK_ERRNO(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
    arguments.exit_signal = 64;
    pid_t const last = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (last == 0) for (;;) pause();
    CHECK(last > 0);
    signal(64, SIG_IGN);
    kill(last, SIGKILL);
    CHECK(waitpid(last, NULL, __WALL) == last);
}

static void parent_that_executes(void) {
    pid_t const child = clone_with(SIGKILL);
    if (child == 0) {
        sleep_ms(50);
        _exit(0);
    }
    execute("150");
    _exit(1);
}

TEST(exec_forgets_the_signal) {
    signal(SIGUSR1, quiet);
    signal(SIGCHLD, quiet);
    shared[SIGUSR1] = shared[SIGCHLD] = 0;
    pid_t const child = clone_with(SIGUSR1);
    if (child == 0) execute("0");
    int status = 0;
    CHECK(waitpid(child, &status, __WALL) == child && ended_with(status, 7));
    say("SIGUSR1 %ld, SIGCHLD %ld\n", shared[SIGUSR1], shared[SIGCHLD]);
    signal(SIGCHLD, SIG_DFL);
    CHECK(ended_with(in_child(parent_that_executes), 7));
}

static void* fork_and_end(void* how) {
    if (fork() == 0) {
        signal(SIGUSR1, quiet);
        if (how) prctl(PR_SET_PDEATHSIG, SIGUSR1);
        shared[1] = 1;
        sleep_ms(150);
        shared[2] = getppid() == shared[3];
        _exit(0);
    }
    while (!shared[1]) sched_yield();
    return NULL;
}

TEST(signal_at_the_end_of_the_parents_thread) {
    for (int asks = 0; asks < 2; ++asks) {
        shared[SIGUSR1] = shared[1] = shared[2] = 0;
        shared[3] = getpid();
        pthread_t thread;
        pthread_create(&thread, NULL, fork_and_end, asks ? &asks : NULL);
        pthread_join(thread, NULL);
        wait_for(-1);
        while (waitpid(-1, NULL, 0) > 0) { }
        say("asked %d: told %ld, same parent %ld\n", asks, shared[SIGUSR1], shared[2]);
    }
}

static void child_with_other_rights(int changes_at_once) {
    pid_t const middle = fork();
    if (middle == 0) {
        pid_t const child = fork();
        if (child == 0) {
            signal(SIGUSR1, quiet);
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            if (changes_at_once && (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))) _exit(1);
            int asked = -1;
            prctl(PR_GET_PDEATHSIG, &asked);
            shared[4] = asked;
            shared[1] = 1;
            sleep_ms(100);
            _exit(0);
        }
        while (!shared[1]) sched_yield();
        // Who may not signal the child does not do so by ending either.
        if (!changes_at_once && (setresgid(1001, 1001, 1001) || setresuid(1001, 1001, 1001))) _exit(1);
        _exit(0);
    }
    wait_for(middle);
    sleep_ms(150);
}

TEST(signal_at_the_parents_end_needs_rights) {
    for (int changes = 0; changes < 2; ++changes) {
        shared[SIGUSR1] = shared[1] = 0;
        child_with_other_rights(changes);
        say("changes %d: asked %ld, told %ld\n", changes, shared[4], shared[SIGUSR1]);
    }
}

TEST(ended_ones_still_answer) {
    pid_t const child = fork();
    if (child == 0) {
        setpriority(PRIO_PROCESS, 0, 7);
        struct sched_param none = {.sched_priority = 0};
        syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &none);
        _exit(3);
    }
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    errno = 0;
    SHOW(getpriority(PRIO_PROCESS, child));
    SHOW(errno);
    SHOW(syscall(SYS_sched_getscheduler, child));
    struct sched_param parameters = {.sched_priority = -1};
    SHOW(syscall(SYS_sched_getparam, child, &parameters));
    SHOW(parameters.sched_priority);
    SHOW(setpriority(PRIO_PROCESS, child, 9));
    SHOW(getpriority(PRIO_PROCESS, child));
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(syscall(SYS_tgkill, child, child, SIGTERM) == 0);
    CHECK(ended_with(wait_for(child), 3));
    CHECK_ERRNO(getpriority(PRIO_PROCESS, child), ESRCH);
}

static volatile siginfo_t told;
static void keep(int number, siginfo_t* info, void* context) {
    (void)number, (void)context;
    *(siginfo_t*)&told = *info;
}

TEST(time_in_the_childs_signal) {
    struct sigaction action = {.sa_sigaction = keep, .sa_flags = SA_SIGINFO};
    sigaction(SIGCHLD, &action, NULL);
    pid_t const child = fork();
    if (child == 0) {
        struct timespec used;
        do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        while (used.tv_nsec < 120000000);
        _exit(5);
    }
    struct rusage usage;
    int status;
    while (wait4(child, &status, 0, &usage) == -1 && errno == EINTR) { }
    long const ticks = (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 10000;
    long const said = told.si_utime + told.si_stime;
    CHECK(told.si_pid == child && told.si_code == CLD_EXITED && told.si_status == 5);
    SHOW(said >= 3 && said <= ticks + 4);
}

TEST(groups_of_many) {
    enum { CHILDREN = 40 };
    pid_t first = 0, children[CHILDREN];
    for (int i = 0; i < CHILDREN; ++i) {
        children[i] = fork();
        if (children[i] == 0) for (;;) pause();
        if (i % 4 == 3) {
            if (first == 0) first = children[i];
            CHECK(setpgid(children[i], first) == 0);
        }
    }
    ask("a group of some", -first, WNOHANG);
    ask("a group of none", -children[0], WNOHANG);
    kill(-first, SIGKILL);
    int ended = 0;
    while (waitpid(-first, NULL, 0) > 0) ++ended;
    SHOW(ended);
    ask("a group that is gone", -first, WNOHANG);
    ask("one's own group", 0, WNOHANG);
    for (int i = 0; i < CHILDREN; ++i)
        if (i % 4 != 3) kill(children[i], SIGKILL);
    ended = 0;
    while (waitpid(0, NULL, 0) > 0) ++ended;
    SHOW(ended);
}
