// SPDX-License-Identifier: MIT
// Threads as clone(2) makes them, without a C library's help: who ends with whom, exec from any of
// them, a process that outlives its first thread, stopping and continuing.
#include "test.h"

enum { STACK = 64 * 1024, THREADS = 3 };

static volatile int running, lock_word;

// Threads share the C library's state with the first one: they must not call it.
static long call(long number, long a, long b, long c) {
    long result;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static __attribute__((noreturn)) int spin(void* unused) {
    (void)unused;
    __sync_fetch_and_add(&running, 1);
    for (;;) call(SYS_getppid, 0, 0, 0);
}
static int sleep_long(void* unused) {
    (void)unused;
    struct timespec time = {100, 0};
    __sync_fetch_and_add(&running, 1);
    call(SYS_nanosleep, (long)&time, 0, 0);
    call(SYS_exit_group, 77, 0, 0);
    return 0;
}
static int end_at_once(void* unused) {
    (void)unused;
    __sync_fetch_and_add(&running, 1);
    call(SYS_exit, 0, 0, 0);
    return 0;
}
static int fault(void* unused) { (void)unused; *(volatile int*)8 = 1; return 0; }
static int end_all(void* unused) { (void)unused; call(SYS_exit_group, 42, 0, 0); return 0; }
static int execute(void* unused) {
    (void)unused;
    static char* words[] = {"/proc/self/exe", "--executed", NULL};
    static char* none[] = {NULL};
    call(SYS_execve, (long)words[0], (long)words, (long)none);
    call(SYS_exit_group, 99, 0, 0);
    return 0;
}

void when_executed(int count, char** words) {
    if (count == 2 && !strcmp(words[1], "--executed")) _exit(syscall(SYS_gettid) == getpid() ? 21 : 22);
}

static int start(int (*function)(void*)) {
    char* stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int const flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
    return clone(function, stack + STACK, flags, NULL, &lock_word, NULL, &lock_word);
}
static void start_some(int (*function)(void*)) {
    for (int i = 0; i < THREADS; ++i) start(function);
    while (running < THREADS) sched_yield();
}

#define STATUS(body) ({ pid_t child_ = fork(); if (child_ == 0) { body; _exit(0); } wait_for(child_); })

TEST(exit_group_ends_all) {
    CHECK(ended_with(STATUS(({ start_some(spin); _exit(5); })), 5));
    CHECK(ended_with(STATUS(({ start_some(sleep_long); start(end_all); for (;;) pause(); })), 42));
}

TEST(a_fault_or_a_kill_ends_all) {
    CHECK(killed_by(STATUS(({ start_some(spin); start(fault); for (;;) pause(); })), SIGSEGV));
    CHECK(killed_by(STATUS(({ start_some(sleep_long); kill(getpid(), SIGKILL); for (;;) pause(); })), SIGKILL));
}

TEST(exec_from_a_thread_takes_the_process_over) {
    CHECK(ended_with(STATUS(({ start_some(sleep_long); start(execute); for (;;) pause(); })), 21));
    CHECK(ended_with(STATUS(({ start_some(spin); start(execute); for (;;) pause(); })), 21));
}

TEST(an_ended_thread_clears_its_word) {
    for (int i = 0; i < 200; ++i) {
        lock_word = 1;
        REQUIRE(start(end_at_once) > 0);
        while (lock_word) sched_yield();
    }
    CHECK(running == 200);
}

TEST(a_process_outlives_its_first_thread) {
    pid_t child = fork();
    if (child == 0) {
        start_some(sleep_long);
        call(SYS_exit, 3, 0, 0);
    }
    sleep_ms(100);
    CHECK(waitpid(child, NULL, WNOHANG) == 0);
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(killed_by(wait_for(child), SIGTERM));
    CHECK_ERRNO(kill(child, 0), ESRCH);
}

TEST(stops_and_continues) {
    pid_t child = fork();
    if (child == 0) {
        start_some(sleep_long);
        kill(getpid(), SIGSTOP);
        sleep_ms(500);
        _exit(6);
    }
    int status;
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(child, &status, WNOHANG | WUNTRACED) == 0);
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    CHECK(ended_with(wait_for(child), 6));
}
