// SPDX-License-Identifier: MIT
// The flags of calls on signals and timers, each by what it does (flag_effects.h).
#include "flag_effects.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1 << 31)
#endif

// ---------------------------------------------------------------- signals

static int depth, deepest;
static void handle_deeply(int number) {
    if (++depth > deepest) deepest = depth;
    if (++handled < 3) raise(number);
    --depth;
}
static volatile siginfo_t told;
static void handle_info(int number, siginfo_t* info, void* context) {
    (void)number;
    told.si_code = info->si_code;
    handled += context != NULL;
}
EFFECT(rt_sigaction, SA_NOCLDSTOP) {
    install(SIGCHLD, flag);
    pid_t child = forked();
    if (child == 0) for (;;) raise(SIGSTOP);
    await_state(child, "T");
    UNTIL(handled);
    saw("%d signals", handled);
}
EFFECT(rt_sigaction, SA_NOCLDWAIT) {
    install(SIGCHLD, flag);
    if (fork() == 0) _exit(0);
    long got;
    while ((got = waitpid(-1, NULL, 0)) == -1 && errno == EINTR) { }
    saw("%s", got > 0 ? "a child" : result(-1));
}
EFFECT(rt_sigaction, SA_SIGINFO) {   // without it nothing is written where the second argument points
    struct sigaction action = {.sa_sigaction = handle_info, .sa_flags = flag | SA_ONSTACK};
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5});
    saw("code %d", told.si_code);
}
static char* where_handled;
static void handle_place(int number) {
    (void)number;
    where_handled = __builtin_frame_address(0);
}
EFFECT(rt_sigaction, SA_ONSTACK) {
    struct sigaction action = {.sa_handler = handle_place, .sa_flags = flag};
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    saw("%s", where_handled >= stack && where_handled < stack + sizeof stack ? "there" : "here");
}
EFFECT(rt_sigaction, SA_RESTART) {
    int ends[2];
    char byte;
    pipe(ends);
    install(SIGUSR1, flag);
    pid_t self = getpid();
    if (fork() == 0) {
        await_state(self, "S");
        kill(self, SIGUSR1);
        sleep_ms(40);
        write(ends[1], "x", 1);
        _exit(0);
    }
    saw("read %s", result(read(ends[0], &byte, 1)));
}
EFFECT(rt_sigaction, SA_NODEFER) {
    struct sigaction action = {.sa_handler = handle_deeply, .sa_flags = flag};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    saw("%d at a time", deepest);
}
EFFECT(rt_sigaction, SA_RESETHAND) {
    install(SIGUSR1, flag);
    raise(SIGUSR1);
    saw("%d", handled);
    raise(SIGUSR1);
    saw("%d", handled);
}
struct kernel_action { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; };
__attribute__((naked, noinline)) static void give_back(void) { __asm__("mov $15, %eax; syscall"); }
EFFECT(rt_sigaction, SA_RESTORER) {
    struct kernel_action action = {count_signal, flag, give_back, 0};
    REQUIRE(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8) == 0);
    raise(SIGUSR1);
    saw("%d", handled);
}
SHARED_BODY(see_blocked) {
    sigset_t now, wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigprocmask(SIG_SETMASK, &wanted, NULL);
    sigaddset(&wanted, SIGUSR2);
    if (flag == SIG_UNBLOCK) sigprocmask(SIG_SETMASK, &wanted, NULL), sigdelset(&wanted, SIGUSR1);
    if (flag == SIG_SETMASK) sigdelset(&wanted, SIGUSR1);
    if (on) REQUIRE(syscall(SYS_rt_sigprocmask, (int)flag, &wanted, NULL, 8) == 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    saw("USR1 %d, USR2 %d", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2));
}
EFFECT_BY(see_blocked, rt_sigprocmask, SIG_BLOCK)
EFFECT_BY(see_blocked, rt_sigprocmask, SIG_SETMASK)
EFFECT(rt_sigprocmask, SIG_UNBLOCK) {
    if (on) see_blocked(call_name, flag, on);
}
static void show_stack(int number) {
    stack_t now;
    (void)number;
    syscall(SYS_sigaltstack, NULL, &now);
    saw("flags %#x, size %zu", now.ss_flags, now.ss_size);
}
SHARED_BODY(see_stack) {
    struct sigaction action = {.sa_handler = show_stack, .sa_flags = SA_ONSTACK};
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaction(SIGUSR1, &action, NULL);
    syscall(SYS_sigaltstack, &other, NULL);
    other.ss_flags = (int)flag;
    if (on) saw("%s", result(syscall(SYS_sigaltstack, &other, NULL)));
    show_stack(0);
    raise(SIGUSR1);
    show_stack(0);
}
EFFECT_BY(see_stack, sigaltstack, SS_DISABLE)
EFFECT_BY(see_stack, sigaltstack, SS_AUTODISARM)
EFFECT_BY(see_stack, sigaltstack, SS_ONSTACK)

// ---------------------------------------------------------------- timers

EFFECT(clock_nanosleep, TIMER_ABSTIME) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    do_not_wait();
    errno = 0;
    long const answer = syscall(SYS_clock_nanosleep, CLOCK_REALTIME, flag, &now, NULL);
    saw("%s", result(answer));
}
struct event { union sigval value; int signal, notify, tid, padding[11]; };
EFFECT(timer_settime, TIMER_ABSTIME) {
    struct event event = {.signal = SIGUSR1};
    struct itimerspec when = {{0, 0}, {0, 0}};
    int id;
    install(SIGUSR1, 0);
    REQUIRE(syscall(SYS_timer_create, CLOCK_REALTIME, &event, &id) == 0);
    clock_gettime(CLOCK_REALTIME, &when.it_value);
    syscall(SYS_timer_settime, id, (int)flag, &when, NULL);
    UNTIL(handled);
    saw("%d signals", handled);
}
static int waits_for_it(void* unused) {
    while (!handled) sleep_ms(1);
    syscall(SYS_exit, unused != NULL);
    return 0;
}
static int volatile handler_id;
static void note_thread(int number) {
    (void)number;
    handler_id = (int)syscall(SYS_gettid);
    handled = 1;
}
static void see_event(int on, int notify) {
    struct event event = {.signal = SIGUSR1, .notify = on ? notify : 1 /* SIGEV_NONE */};
    struct itimerspec soon = {{0, 0}, {0, 2000000}};
    struct sigaction action = {.sa_handler = note_thread};
    int id;
    sigaction(SIGUSR1, &action, NULL);
    int const thread = clone(waits_for_it, stack + sizeof stack, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES, NULL);
    event.tid = thread;
    saw("%s", result(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id)));
    syscall(SYS_timer_settime, id, 0, &soon, NULL);
    UNTIL(handler_id);
    saw("%s", !handler_id ? "nobody" : notify != 4 ? "somebody" : handler_id == thread ? "the thread" : "another");
}
EFFECT(timer_create, SIGEV_SIGNAL) { see_event(on, flag); }
EFFECT(timer_create, SIGEV_THREAD_ID) { see_event(on, 4); }
EFFECT(timer_create, SIGEV_THREAD) { see_event(on, flag); }   // the library's affair: to the kernel a signal
EFFECT(timer_create, SIGEV_NONE) {
    struct event event = {.signal = SIGUSR1, .notify = on ? 1 : 0};
    struct itimerspec soon = {{0, 0}, {0, 2000000}};
    int id;
    install(SIGUSR1, 0);
    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    syscall(SYS_timer_settime, id, 0, &soon, NULL);
    UNTIL(handled);
    saw("%d signals", handled);
}
