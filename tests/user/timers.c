// SPDX-License-Identifier: MIT
// timeout: 120
// alarm(2), setitimer(2), POSIX timers, RLIMIT_CPU. Nothing here depends on how fast the machine is: a test waits for what
// must come, however late, and looks at times only from below.
#include "test.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#define alarm(seconds) syscall(SYS_alarm, seconds)   // the C library rounds in its own way
struct event { union sigval value; int signo, notify; int tid; int padding[11]; };
typedef int kernel_timer;
static long k_create(clockid_t clock, struct event* event, kernel_timer* id) { return syscall(SYS_timer_create, clock, event, id); }
static long k_set(kernel_timer id, int flags, struct itimerspec const* in, struct itimerspec* out) { return syscall(SYS_timer_settime, id, flags, in, out); }
static long k_get(kernel_timer id, struct itimerspec* out) { return syscall(SYS_timer_gettime, id, out); }
static long k_overrun(kernel_timer id) { return syscall(SYS_timer_getoverrun, id); }
static long k_delete(kernel_timer id) { return syscall(SYS_timer_delete, id); }
static struct itimerspec every(long value_ns, long interval_ns) {
    return (struct itimerspec){{interval_ns / 1000000000, interval_ns % 1000000000}, {value_ns / 1000000000, value_ns % 1000000000}};
}
static int is_zero(struct timespec t) { return t.tv_sec == 0 && t.tv_nsec == 0; }
static long ns_of(struct timespec t) { return t.tv_sec * 1000000000l + t.tv_nsec; }
static struct timespec now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t;
}

static volatile sig_atomic_t count;
static volatile siginfo_t last;
static void on_signal(int number) { (void)number; count++; }
static void on_info(int number, siginfo_t* info, void* context) { (void)number; (void)context; last = *info; count++; }
static void install(int number) { struct sigaction a = {.sa_handler = on_signal}; REQUIRE(sigaction(number, &a, NULL) == 0); }
static void install_info(int number) { struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO}; REQUIRE(sigaction(number, &a, NULL) == 0); }
static void block(int number) { sigset_t s; sigemptyset(&s); sigaddset(&s, number); sigprocmask(SIG_BLOCK, &s, NULL); }
static void unblock(int number) { sigset_t s; sigemptyset(&s); sigaddset(&s, number); sigprocmask(SIG_UNBLOCK, &s, NULL); }
static int is_pending(int number) { sigset_t s; sigpending(&s); return sigismember(&s, number); }
static int take(int number, siginfo_t* info) { sigset_t s; sigemptyset(&s); sigaddset(&s, number); return sigwaitinfo(&s, info); }
static int take_now(int number, siginfo_t* info) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, number);
    return sigtimedwait(&s, info, &(struct timespec){0, 0});
}
/// Until `number` signals were handled.
static void wait_until(int number) { while (count < number) sleep_ms(2); }
static void burn_until(int number) { while (count < number) for (volatile int i = 0; i < 10000; ++i) { } }

TEST(alarm_rings_once) {
    install(SIGALRM);
    CHECK(alarm(1) == 0);
    sigset_t none;
    sigemptyset(&none);
    while (!count) pause();
    CHECK(count == 1 && alarm(0) == 0);
}

TEST(alarm_tells_what_was_left) {
    CHECK(alarm(1000) == 0);
    CHECK(alarm(5000) == 1000);
    CHECK(alarm(0) == 5000);
    CHECK(alarm(0) == 0);
    struct itimerval it = {{0, 0}, {7000, 300000}};
    CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
    unsigned left = alarm(0);
    CHECK(left >= 6999 && left <= 7001);
    SHOW(left);
    CHECK(alarm(~0u) == 0);
    CHECK(getitimer(ITIMER_REAL, &it) == 0 && it.it_value.tv_sec >= 0x7ffffff0 && it.it_interval.tv_sec == 0);
    alarm(0);
}

TEST_THAT_ENDS_BY(alarm_kills, SIGALRM) {
    alarm(1);
    for (;;) pause();
}

TEST(real_interval_timer) {
    install_info(SIGALRM);
    struct itimerval it = {{0, 5000}, {0, 3000}}, old;
    CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
    wait_until(3);
    CHECK(last.si_code == SI_KERNEL && last.si_signo == SIGALRM && last.si_pid == 0);
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 5000 && old.it_interval.tv_sec == 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 5000);
    memset(&it, 0, sizeof it);
    CHECK(setitimer(ITIMER_REAL, &it, &old) == 0 && old.it_interval.tv_usec == 5000);
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 0 && old.it_value.tv_usec == 0 && old.it_value.tv_sec == 0);
    int before = count;
    sleep_ms(30);
    CHECK(count <= before + 1);
    it.it_interval.tv_usec = 5;                  // without a value it is off
    CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0 && getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 0);
}

TEST(interval_timer_errors) {
    struct itimerval it = {{0, 0}, {0, 1000000}};
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
    it.it_value.tv_usec = -1;
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
    it.it_value = (struct timeval){-1, 0};
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
    it.it_value = (struct timeval){0, 0};
    it.it_interval.tv_usec = 1000000;
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
    it.it_interval.tv_usec = 0;
    CHECK_ERRNO(syscall(SYS_setitimer, 3, &it, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_setitimer, -1, &it, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_getitimer, 3, &it), EINVAL);
    CHECK_ERRNO(syscall(SYS_getitimer, ITIMER_REAL, (void*)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, (void*)8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_setitimer, ITIMER_REAL, &it, (void*)8), EFAULT);
}

TEST(cpu_interval_timers) {
    static int const kinds[] = {ITIMER_VIRTUAL, ITIMER_PROF}, signals[] = {SIGVTALRM, SIGPROF};
    for (int i = 0; i < 2; ++i) {
        count = 0;
        install_info(signals[i]);
        struct itimerval it = {{0, 10000}, {0, 20000}}, old;
        struct timespec before = now(CLOCK_PROCESS_CPUTIME_ID);
        CHECK(setitimer(kinds[i], &it, NULL) == 0);
        CHECK(getitimer(kinds[i], &old) == 0 && old.it_interval.tv_usec == 10000 && old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0);
        burn_until(3);
        CHECK(ns_of(now(CLOCK_PROCESS_CPUTIME_ID)) - ns_of(before) >= 10000000);
        CHECK(last.si_code == SI_KERNEL);
        it = (struct itimerval){{0, 0}, {0, 0}};
        CHECK(setitimer(kinds[i], &it, &old) == 0 && old.it_interval.tv_usec == 10000);
        CHECK(getitimer(kinds[i], &old) == 0 && old.it_interval.tv_usec == 0 && old.it_value.tv_usec == 0);
    }
    // They stand still while nobody computes.
    count = 0;
    struct itimerval it = {{0, 0}, {0, 900000}};
    CHECK(setitimer(ITIMER_PROF, &it, NULL) == 0);
    sleep_ms(1000);
    CHECK(count == 0);
}

static void shows_no_timer(void) {
    struct itimerval it;
    CHECK(getitimer(ITIMER_REAL, &it) == 0 && it.it_value.tv_sec == 0 && it.it_interval.tv_sec == 0);
    CHECK(getitimer(ITIMER_PROF, &it) == 0 && it.it_value.tv_sec == 0 && it.it_interval.tv_sec == 0);
    CHECK(alarm(0) == 0);
}
TEST(fork_inherits_no_timer) {
    struct itimerval it = {{500, 0}, {500, 0}};
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_PROF, &it, NULL);
    CHECK(ended_with(in_child(shows_no_timer), 0));
    CHECK(alarm(0) == 500);
}

void when_executed(int argument_count, char** arguments) {
    if (argument_count < 3 || strcmp(arguments[1], "--after-exec")) return;
    struct itimerspec it;
    CHECK_ERRNO(k_get(atoi(arguments[2]), &it), EINVAL);
    unsigned left = alarm(0);
    CHECK(left == 700 || left == 699);
    _exit(failures != 0);
}
TEST(exec_keeps_the_alarm_and_deletes_posix_timers) {
    kernel_timer id;
    REQUIRE(k_create(CLOCK_MONOTONIC, NULL, &id) == 0);
    struct itimerspec it = every(500000000000, 0);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    alarm(700);
    char number[16], self[256] = {0};
    snprintf(number, sizeof number, "%d", id);
    readlink("/proc/self/exe", self, sizeof self - 1);
    execl(self, self, "--after-exec", number, NULL);
    CHECK(0);
}

// ---------------------------------------------------------------- POSIX timers

TEST(numbers_start_at_zero) {
    kernel_timer ids[4];
    for (int i = 0; i < 4; ++i) {
        REQUIRE(k_create(i == 3 ? CLOCK_BOOTTIME : i, NULL, &ids[i]) == 0);
        SHOW(ids[i]);
    }
    CHECK(k_delete(ids[1]) == 0);
    CHECK_ERRNO(k_delete(ids[1]), EINVAL);
    CHECK(k_create(CLOCK_MONOTONIC, NULL, &ids[1]) == 0);
    SHOW(ids[1]);
    void body(void) { CHECK_ERRNO(k_delete(0), EINVAL); kernel_timer id; CHECK(k_create(CLOCK_MONOTONIC, NULL, &id) == 0 && id == 0); }
    CHECK(ended_with(in_child(body), 0));
}

TEST(errors_of_posix_timers) {
    kernel_timer id;
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
    struct itimerspec it = every(0, 0);
    CHECK_ERRNO(k_create(99, NULL, &id), EINVAL);
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC_COARSE, NULL, &id), EOPNOTSUPP);
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, (void*)8, &id), EFAULT);
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, NULL, (void*)8), EFAULT);
    event.signo = 65;
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.signo = 0;
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    event = (struct event){.signo = SIGUSR1, .notify = 3};
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    event = (struct event){.signo = SIGUSR1, .notify = 4, .tid = 1};
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.tid = 0;
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    event.notify = 5;
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, &event, &id), EINVAL);
    CHECK_ERRNO(k_set(77, 0, &it, NULL), EINVAL);
    CHECK_ERRNO(k_get(77, &it), EINVAL);
    CHECK_ERRNO(k_overrun(77), EINVAL);
    CHECK_ERRNO(k_delete(-1), EINVAL);
    REQUIRE(k_create(CLOCK_MONOTONIC, NULL, &id) == 0);
    CHECK_ERRNO(k_set(id, 0, NULL, NULL), EINVAL);
    CHECK_ERRNO(k_set(id, 0, (void*)8, NULL), EFAULT);
    CHECK_ERRNO(k_set(id, 0, &it, (void*)8), EFAULT);
    CHECK_ERRNO(k_get(id, (void*)8), EFAULT);
    it.it_value.tv_nsec = 1000000000;
    CHECK_ERRNO(k_set(id, 0, &it, NULL), EINVAL);
    it.it_value.tv_nsec = -1;
    CHECK_ERRNO(k_set(id, 0, &it, NULL), EINVAL);
    it = every(0, 0);
    it.it_interval.tv_sec = -1;
    CHECK_ERRNO(k_set(id, 0, &it, NULL), EINVAL);
    it = every(1000000000000, 0);
    CHECK(k_set(id, 0x1000, &it, NULL) == 0);    // other flags are ignored
}

TEST(a_timer_says_who_it_is) {
    static clockid_t const clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; ++i) {
        block(SIGRTMIN + 1);
        kernel_timer id;
        struct event event = {.value.sival_ptr = (void*)0x123456789abcul, .signo = SIGRTMIN + 1, .notify = SIGEV_SIGNAL};
        REQUIRE(k_create(clocks[i], &event, &id) == 0);
        struct itimerspec it = every(1000000, 0), got;
        CHECK(k_get(id, &got) == 0 && is_zero(got.it_value) && is_zero(got.it_interval));
        CHECK(k_set(id, 0, &it, NULL) == 0);
        siginfo_t info;
        memset(&info, 0xff, sizeof info);
        CHECK(take(SIGRTMIN + 1, &info) == SIGRTMIN + 1);
        CHECK(info.si_code == SI_TIMER && info.si_timerid == id && info.si_overrun == 0 && info.si_errno == 0);
        CHECK(info.si_value.sival_ptr == (void*)0x123456789abcul);
        CHECK(k_overrun(id) == 0 && k_get(id, &got) == 0 && is_zero(got.it_value) && is_zero(got.it_interval));
        CHECK(k_delete(id) == 0);
    }
    kernel_timer id;
    install_info(SIGALRM);                       // without an event: SIGALRM, and the number as the value
    REQUIRE(k_create(CLOCK_MONOTONIC, NULL, &id) == 0);
    struct itimerspec it = every(1000000, 0);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    wait_until(1);
    CHECK(last.si_value.sival_int == id && last.si_timerid == id && last.si_code == SI_TIMER);
}

TEST(absolute_times) {
    static clockid_t const clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    block(SIGUSR1);
    for (int i = 0; i < 2; ++i) {
        kernel_timer id;
        struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
        siginfo_t info;
        REQUIRE(k_create(clocks[i], &event, &id) == 0);
        struct itimerspec it = {{0, 0}, {0, 1}}, got;   // long ago
        CHECK(k_set(id, TIMER_ABSTIME, &it, NULL) == 0 && take(SIGUSR1, &info) == SIGUSR1);
        it.it_value = now(clocks[i]);
        it.it_value.tv_sec += 1000;
        CHECK(k_set(id, TIMER_ABSTIME, &it, NULL) == 0 && k_get(id, &got) == 0);
        CHECK(ns_of(got.it_value) > 900000000000 && ns_of(got.it_value) <= 1000000000000);
        it.it_value = now(clocks[i]);
        it.it_value.tv_nsec += 20000000;
        if (it.it_value.tv_nsec >= 1000000000) { it.it_value.tv_nsec -= 1000000000; it.it_value.tv_sec++; }
        CHECK(k_set(id, TIMER_ABSTIME, &it, &got) == 0 && got.it_value.tv_sec > 900);
        CHECK(take(SIGUSR1, &info) == SIGUSR1 && ns_of(now(clocks[i])) >= ns_of(it.it_value));
        CHECK(k_delete(id) == 0);
    }
}

TEST(missed_expiries_are_overruns) {
    block(SIGUSR1);
    kernel_timer id;
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(1000000, 1000000), got;
    struct timespec start = now(CLOCK_MONOTONIC);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    sleep_ms(50);
    siginfo_t info;
    CHECK(is_pending(SIGUSR1) && k_overrun(id) == 0);
    CHECK(k_get(id, &got) == 0 && ns_of(got.it_interval) == 1000000 && ns_of(got.it_value) > 0 && ns_of(got.it_value) <= 1000000);
    CHECK(take(SIGUSR1, &info) == SIGUSR1);
    long passed = (ns_of(now(CLOCK_MONOTONIC)) - ns_of(start)) / 1000000;
    CHECK(info.si_overrun >= 45 && info.si_overrun <= passed && info.si_timerid == id);
    CHECK(k_overrun(id) == info.si_overrun);
    CHECK(take(SIGUSR1, &info) == SIGUSR1);      // started again when it was taken
    CHECK(k_delete(id) == 0);
    CHECK(!is_pending(SIGUSR1) || take_now(SIGUSR1, &info) == -1 || 1);
}

TEST(a_nanosecond_timer_does_no_harm) {
    static kernel_timer id;
    static volatile long most;
    void stop_after_many(int number, siginfo_t* info, void* context) {
        (void)number; (void)context;
        if (info->si_overrun > most) most = info->si_overrun;
        if (++count < 100) return;
        struct itimerspec off = every(0, 0);
        k_set(id, 0, &off, NULL);
    }
    struct sigaction action = {.sa_sigaction = stop_after_many, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(1, 1);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    wait_until(100);
    CHECK(most > 0);
    // One that nobody takes costs one interrupt.
    block(SIGUSR1);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    sleep_ms(20);
    siginfo_t info;
    CHECK(take(SIGUSR1, &info) == SIGUSR1 && info.si_overrun >= 10000000);
    signal(SIGUSR1, SIG_IGN);                    // nor does one that is ignored
    unblock(SIGUSR1);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    sleep_ms(20);
    CHECK(k_delete(id) == 0);
    // A real one, too.
    count = 0;
    void stop_after_fifty(int number) {
        struct itimerval off = {{0, 0}, {0, 0}};
        (void)number;
        if (++count == 50) setitimer(ITIMER_REAL, &off, NULL);
    }
    struct sigaction plain = {.sa_handler = stop_after_fifty};
    sigaction(SIGALRM, &plain, NULL);
    struct itimerval real = {{0, 1}, {0, 1}};
    setitimer(ITIMER_REAL, &real, NULL);
    wait_until(50);
}

TEST(no_longer_ignored) {
    kernel_timer id;
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
    signal(SIGUSR1, SIG_IGN);
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(5000000, 5000000);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    sleep_ms(20);
    install_info(SIGUSR1);
    wait_until(2);
    CHECK(last.si_code == SI_TIMER);
    k_delete(id);
}

TEST(without_notice) {
    kernel_timer id;
    struct event event = {.signo = 999, .notify = SIGEV_NONE};
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(1000000, 0), got;
    CHECK(k_set(id, 0, &it, NULL) == 0);
    do CHECK(k_get(id, &got) == 0); while (!is_zero(got.it_value));
    it = every(10000000, 10000000);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    sleep_ms(25);
    CHECK(k_get(id, &got) == 0 && ns_of(got.it_value) > 0 && ns_of(got.it_value) <= 10000000 && ns_of(got.it_interval) == 10000000);
}

TEST(setting_again_forgets) {
    block(SIGUSR1);
    kernel_timer id;
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
    siginfo_t info;
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(1000000, 0), off = every(0, 5);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    while (!is_pending(SIGUSR1)) sleep_ms(1);
    CHECK(k_set(id, 0, &off, NULL) == 0);        // its signal will not be delivered any more
    CHECK(take_now(SIGUSR1, &info) == -1 && errno == EAGAIN);
    CHECK(k_get(id, &it) == 0 && is_zero(it.it_interval));
    it = every(1000000, 0);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    while (!is_pending(SIGUSR1)) sleep_ms(1);
    CHECK(k_delete(id) == 0);
    CHECK(take_now(SIGUSR1, &info) == -1 && errno == EAGAIN);
}

TEST(two_timers_with_one_signal) {
    block(SIGUSR1);
    kernel_timer ids[2];
    siginfo_t info;
    int seen = 0;
    for (int i = 0; i < 2; ++i) {
        struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL, .value.sival_int = i};
        REQUIRE(k_create(CLOCK_MONOTONIC, &event, &ids[i]) == 0);
        struct itimerspec it = every(1000000, 0);
        CHECK(k_set(ids[i], 0, &it, NULL) == 0);
    }
    for (int i = 0; i < 2; ++i) if (take(SIGUSR1, &info) == SIGUSR1) seen |= 1 << info.si_value.sival_int;
    SHOW(seen);
    CHECK(take_now(SIGUSR1, &info) == -1);
}

static pid_t volatile thread_id, handler_thread;
static int volatile may_end;
static void note_thread(int number) { (void)number; handler_thread = syscall(SYS_gettid); count++; }
static void* waits(void* argument) {
    (void)argument;
    thread_id = syscall(SYS_gettid);
    while (!may_end) sleep_ms(1);
    return NULL;
}
TEST(for_one_thread) {
    struct sigaction action = {.sa_handler = note_thread};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, waits, NULL) == 0);
    while (!thread_id) sleep_ms(1);
    struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL | 4, .tid = thread_id};
    kernel_timer id;
    REQUIRE(k_create(CLOCK_MONOTONIC, &event, &id) == 0);
    struct itimerspec it = every(5000000, 5000000);
    CHECK(k_set(id, 0, &it, NULL) == 0);
    wait_until(3);
    CHECK(handler_thread == thread_id);
    may_end = 1;
    pthread_join(thread, NULL);
    sleep_ms(10);
    CHECK(k_get(id, &it) == 0 && k_delete(id) == 0);   // the thread is gone, the timer is not
}

TEST(timers_of_cpu_time) {
    static clockid_t const clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (int i = 0; i < 2; ++i) {
        count = 0;
        install_info(SIGUSR1);
        kernel_timer id;
        struct event event = {.signo = SIGUSR1, .notify = SIGEV_SIGNAL};
        REQUIRE(k_create(clocks[i], &event, &id) == 0);
        struct itimerspec it = every(20000000, 10000000), got;
        struct timespec before = now(clocks[i]);
        CHECK(k_set(id, 0, &it, NULL) == 0);
        CHECK(k_get(id, &got) == 0 && ns_of(got.it_value) > 0 && ns_of(got.it_value) <= 20000000 && ns_of(got.it_interval) == 10000000);
        burn_until(2);
        CHECK(ns_of(now(clocks[i])) - ns_of(before) >= 30000000);
        CHECK(last.si_code == SI_TIMER && last.si_timerid == id);
        it = every(900000000, 0);
        CHECK(k_set(id, 0, &it, &got) == 0 && ns_of(got.it_interval) == 10000000);
        count = 0;
        sleep_ms(1000);
        CHECK(count == 0);
        it.it_value = now(clocks[i]);
        it.it_value.tv_nsec += 1000000;
        if (it.it_value.tv_nsec >= 1000000000) { it.it_value.tv_nsec -= 1000000000; it.it_value.tv_sec++; }
        CHECK(k_set(id, TIMER_ABSTIME, &it, NULL) == 0);
        burn_until(1);
        CHECK(k_get(id, &got) == 0 && is_zero(got.it_value) && k_delete(id) == 0);
    }
}

TEST(pending_signals_are_limited) {
    struct rlimit limit = {0, 0};
    kernel_timer id;
    // Of a user that nobody else is.
    REQUIRE(setgid(61234) == 0 && setuid(61234) == 0);
    block(SIGRTMIN);
    limit.rlim_cur = limit.rlim_max = 3;
    REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
    for (int i = 0; i < 2; ++i) CHECK(k_create(CLOCK_MONOTONIC, NULL, &id) == 0);
    union sigval value = {.sival_int = 5};
    CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
    CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
    CHECK_ERRNO(k_create(CLOCK_MONOTONIC, NULL, &id), EAGAIN);
    CHECK(kill(getpid(), SIGRTMIN) == 0);        // its information is lost, it is not
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN), EAGAIN);
    CHECK(sigqueue(getpid(), SIGCHLD, value) == 0);
    CHECK(k_delete(id) == 0 && sigqueue(getpid(), SIGRTMIN, value) == 0);
    siginfo_t info;
    int taken = 0;
    while (take_now(SIGRTMIN, &info) == SIGRTMIN) ++taken;
    SHOW(taken);
    CHECK(k_create(CLOCK_MONOTONIC, NULL, &id) == 0);
}

static void burns_for_ever(void) {
    struct rlimit limit = {1, 2};
    install_info(SIGXCPU);
    setrlimit(RLIMIT_CPU, &limit);
    burn_until(1);
    CHECK(last.si_code == SI_KERNEL);
    if (failures) _exit(1);
    for (;;) { }
}
static void burns_until_default(void) {
    struct rlimit limit = {1, RLIM_INFINITY};
    setrlimit(RLIMIT_CPU, &limit);
    for (;;) { }
}
TEST(limit_of_cpu_time) {
    int status = in_child(burns_for_ever);
    CHECK(killed_by(status, SIGKILL) && !WCOREDUMP(status));
    status = in_child(burns_until_default);
    CHECK(killed_by(status, SIGXCPU) && !WCOREDUMP(status));
}

/// Many timers at once, set, deleted and expiring on several CPUs.
static void* fumbles(void* argument) {
    unsigned seed = (unsigned)(long)argument;
    for (int turn = 0; turn < 100; ++turn) {
        kernel_timer id;
        struct event event = {.signo = SIGUSR2, .notify = SIGEV_SIGNAL};
        if (k_create(CLOCK_MONOTONIC, &event, &id)) { CHECK(0); break; }
        seed = seed * 1103515245 + 12345;
        struct itimerspec it = every(1 + seed % 50000, seed % 3 ? 20000000 : 0);
        CHECK(k_set(id, 0, &it, NULL) == 0);
        if (seed & 0x100) sched_yield();
        CHECK(k_set(id, 0, &it, NULL) == 0);
        CHECK(k_delete(id) == 0);
    }
    return NULL;
}
TEST(threads_and_timers) {
    install(SIGUSR2);
    pthread_t threads[4];
    for (long i = 0; i < 4; ++i) REQUIRE(pthread_create(&threads[i], NULL, fumbles, (void*)i) == 0);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    // Left behind at exit, armed.
    for (int i = 0; i < 100; ++i) {
        kernel_timer id;
        struct event event = {.signo = SIGUSR2, .notify = SIGEV_SIGNAL};
        struct itimerspec it = every(1000 + i * 1000, 50000000);
        CHECK(k_create(CLOCK_MONOTONIC, &event, &id) == 0 && k_set(id, 0, &it, NULL) == 0);
    }
}
