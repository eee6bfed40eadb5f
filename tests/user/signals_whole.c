// SPDX-License-Identifier: MIT
// Around signals: sigaltstack with SS_AUTODISARM, sigtimedwait, sigqueue to processes and threads, sleeps till a moment,
// restart_syscall, how core dumps that there are not show in a status.
#include "test.h"

#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile sig_atomic_t count;
static void on_signal(int number) { (void)number; count++; }
static void install(int number, int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    REQUIRE(sigaction(number, &action, NULL) == 0);
}
static sigset_t set_of(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}
static void block(int number) { sigset_t set = set_of(number); sigprocmask(SIG_BLOCK, &set, NULL); }

static char area[65536] __attribute__((aligned(16))), other[65536] __attribute__((aligned(16)));
static long set_stack(stack_t const* in, stack_t* out) { return syscall(SYS_sigaltstack, in, out); }
static int is_in(void const* p, char const* stack) { return (char const*)p >= stack && (char const*)p < stack + 65536; }

static void on_auto(int number, siginfo_t* info, void* context) {
    (void)number; (void)info;
    ucontext_t const* user = context;
    int here;
    stack_t now, next = {other, 0, sizeof other};
    CHECK(is_in(&here, area));
    CHECK(set_stack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE && now.ss_size == 0);
    CHECK(user->uc_stack.ss_sp == area && (unsigned)user->uc_stack.ss_flags == SS_AUTODISARM);
    CHECK(set_stack(&next, NULL) == 0);          // allowed: the stack is disarmed
    count++;
}
TEST(a_disarmed_stack_comes_back) {
    struct sigaction action = {.sa_sigaction = on_auto, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {area, (int)SS_AUTODISARM, sizeof area}, now;
    sigaction(SIGUSR1, &action, NULL);
    CHECK(set_stack(&stack, &now) == 0 && now.ss_flags == SS_DISABLE);
    for (int i = 0; i < 3; ++i) kill(getpid(), SIGUSR1);
    CHECK(count == 3);
    CHECK(set_stack(NULL, &now) == 0 && now.ss_sp == area && (unsigned)now.ss_flags == SS_AUTODISARM && now.ss_size == sizeof area);
}

static void on_plain(int number) {
    (void)number;
    int here;
    stack_t now, next = {other, 0, sizeof other};
    CHECK(is_in(&here, area));
    CHECK(set_stack(NULL, &now) == 0 && now.ss_flags == SS_ONSTACK && now.ss_sp == area);
    CHECK_ERRNO(set_stack(&next, NULL), EPERM);
    count++;
}
TEST(alternate_stacks) {
    struct sigaction action = {.sa_handler = on_plain, .sa_flags = SA_ONSTACK};
    stack_t stack = {area, 0, sizeof area}, now;
    sigaction(SIGUSR1, &action, NULL);
    CHECK(set_stack(&stack, NULL) == 0 && kill(getpid(), SIGUSR1) == 0 && count == 1);
    stack.ss_flags = 4;
    CHECK_ERRNO(set_stack(&stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE | SS_ONSTACK;
    CHECK_ERRNO(set_stack(&stack, NULL), EINVAL);
    stack = (stack_t){area, 0, 100};
    CHECK_ERRNO(set_stack(&stack, NULL), ENOMEM);
    CHECK_ERRNO(set_stack((void*)8, NULL), EFAULT);
    CHECK_ERRNO(set_stack(NULL, (void*)8), EFAULT);
    stack.ss_flags = SS_DISABLE;
    CHECK(set_stack(&stack, &now) == 0 && now.ss_sp == area && now.ss_flags == 0);
    CHECK(set_stack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE && now.ss_size == 0);
}

TEST(waiting_for_signals) {
    sigset_t usr1 = set_of(SIGUSR1), rt = set_of(SIGRTMIN);
    siginfo_t info;
    struct timespec none = {0, 0}, little = {0, 5000000}, bad = {0, 1000000000};
    block(SIGUSR1);
    block(SIGRTMIN);
    CHECK_ERRNO(sigtimedwait(&usr1, &info, &none), EAGAIN);
    CHECK_ERRNO(sigtimedwait(&usr1, &info, &little), EAGAIN);
    CHECK_ERRNO(sigtimedwait(&usr1, &info, &bad), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &usr1, NULL, NULL, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, (void*)8, NULL, NULL, 8), EFAULT);
    for (int i = 0; i < 3; ++i) CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
    for (int i = 0; i < 3; ++i)
        CHECK(sigtimedwait(&rt, &info, &none) == SIGRTMIN && info.si_value.sival_int == i && info.si_code == SI_QUEUE && info.si_pid == getpid());
    CHECK_ERRNO(sigtimedwait(&rt, &info, &none), EAGAIN);
    sigset_t child_ends = set_of(SIGCHLD);   // its default is to be ignored, but it is waited for
    block(SIGCHLD);
    pid_t const child = fork();
    if (child == 0) usleep(30000), _exit(5);
    CHECK(sigtimedwait(&child_ends, &info, &(struct timespec){20, 0}) == SIGCHLD && info.si_pid == child && info.si_status == 5);
    CHECK(waitpid(child, NULL, 0) == child);
    install(SIGALRM, SA_RESTART);
    alarm(1);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &usr1, &info, NULL, 8), EINTR);   // whatever SA_RESTART says
    CHECK(count == 1);
}

static volatile int thread_id, may_end, got_value;
static void* waits(void* argument) {
    sigset_t rt = set_of(SIGRTMIN + 1);
    siginfo_t info;
    (void)argument;
    thread_id = syscall(SYS_gettid);
    if (sigwaitinfo(&rt, &info) == SIGRTMIN + 1) got_value = info.si_value.sival_int;
    return NULL;
}
TEST(queued_to_one_thread) {
    block(SIGRTMIN + 1);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, waits, NULL) == 0);
    while (!thread_id) sleep_ms(1);
    siginfo_t info = {.si_code = SI_QUEUE};
    info.si_value.sival_int = 42;
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread_id, SIGRTMIN + 1, &info) == 0);
    pthread_join(thread, NULL);
    CHECK(got_value == 42);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 65, &info), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0x3ffffff, SIGUSR1, &info), ESRCH);
    CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, (void*)8), EFAULT);
    info.si_code = SI_USER;                      // nobody may pretend to be the kernel towards others
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), SIGCONT, &info), EPERM);
    info.si_code = SI_TKILL;
    CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), SIGCONT, &info), EPERM);
}

TEST(sleeping_till_a_moment) {
    static clockid_t const clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; ++i) {
        struct timespec at, now, past = {1, 0}, rest = {77, 77};
        clock_gettime(clocks[i], &at);
        at.tv_nsec += 10000000;
        if (at.tv_nsec >= 1000000000) { at.tv_nsec -= 1000000000; at.tv_sec++; }
        CHECK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &at, &rest) == 0 && rest.tv_sec == 77);
        clock_gettime(clocks[i], &now);
        CHECK(now.tv_sec > at.tv_sec || (now.tv_sec == at.tv_sec && now.tv_nsec >= at.tv_nsec));
        CHECK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &past, NULL) == 0);
        install(SIGALRM, SA_RESTART);
        alarm(1);
        at.tv_sec += 1000;
        CHECK(clock_nanosleep(clocks[i], TIMER_ABSTIME, &at, &rest) == EINTR && rest.tv_sec == 77);
    }
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000000000}, NULL) == EINVAL);
    CHECK_ERRNO(syscall(SYS_restart_syscall), EINTR);
}

static void sleeps(void) { if (nanosleep(&(struct timespec){0, 300000000}, NULL)) _exit(1); }
TEST(a_stop_does_not_end_a_sleep) {
    pid_t child = fork();
    if (child == 0) { sleeps(); _exit(0); }
    int status;
    sleep_ms(20);
    kill(child, SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    CHECK(ended_with(wait_for(child), 0));
}

static int deadly;
static void dies(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    kill(getpid(), deadly);
    for (;;) pause();
}
TEST(no_core_no_mark) {
    static int const numbers[] = {SIGQUIT, SIGILL, SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ, SIGTERM};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        deadly = numbers[i];
        int status = in_child(dies);
        say("%d: %#x\n", deadly, status);
    }
    pid_t child = fork();
    if (child == 0) { deadly = SIGSEGV; dies(); }
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WEXITED) == 0 && info.si_code == CLD_KILLED && info.si_status == SIGSEGV);
}
