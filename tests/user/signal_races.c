// SPDX-License-Identifier: MIT
// Signals to a process whose threads come and go, to a group whose members fork, and the step in which one is taken.
// Each race is tried for a bounded time; what is printed are its hits.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "races.h"

static int comes(volatile long* flag, long us) {
    long const end = now_us() + us;
    while (!*flag && now_us() < end) sched_yield();
    return *flag != 0;
}

static void note(int number) { (void)number, ++shared[0]; }

static void* wait_here(void* unused) {
    shared[1] = 1;
    for (;;) pause();
    return unused;
}

/// Its first thread ends while a signal to the process comes; with `entries` in a robust list that takes a while.
static void end_first_thread(long entries) {
    static struct { void* next; long offset; void* pending; } head;        // struct robust_list_head
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_here, NULL);
    while (!shared[1]) sched_yield();
    if (entries) {
        char* words = mmap(NULL, (size_t)entries * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (long i = 0; i < entries; ++i)
            *(void**)(words + i * PAGE) = i + 1 < entries ? (void*)(words + (i + 1) * PAGE) : (void*)&head;
        head.next = (void*)words;
        head.offset = 8;
        syscall(SYS_set_robust_list, &head, sizeof head);
    }
    shared[2] = 1;
    syscall(SYS_exit, 0);
}

static long lost_by_ending(long entries) {
    long lost = 0, end = now_us() + 500000;
    for (long turn = 0; turn < 100 && now_us() < end; ++turn) {
        shared[0] = shared[1] = shared[2] = 0;
        pid_t const child = fork();
        if (child == 0) end_first_thread(entries);
        while (!shared[2]) { }
        spin(turn * 37 % 2000 * 2);
        kill(child, SIGUSR1);
        lost += !comes(&shared[0], 300000);
        kill(child, SIGKILL);
        wait_for(child);
    }
    return lost;
}

TEST(signal_to_a_thread_that_ends) {
    SHOW(lost_by_ending(0));
    SHOW(lost_by_ending(500));
}

/// The signal waits for a thread that does not block it; all block it, then one takes it away from the others.
static void* block_and_leave(void* unused) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    for (int i = 0; i < 20; ++i) {
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
    return unused;
}

static void take_turns(void) {
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t waits, leaves;
    shared[1] = 0;
    pthread_create(&waits, NULL, wait_here, NULL);
    while (!shared[1]) sched_yield();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    long lost = 0, end = now_us() + 300000;
    while (now_us() < end && !lost) {
        shared[0] = 0;
        pthread_create(&leaves, NULL, block_and_leave, NULL);
        kill(getpid(), SIGUSR1);
        pthread_join(leaves, NULL);
        lost += !comes(&shared[0], 300000);
    }
    SHOW(lost);
    _exit(0);
}

TEST(signal_that_a_thread_blocks_again) { CHECK(ended_with(in_child(take_turns), 0)); }

static void* fork_on(void* unused) {
    shared[3] = 1;
    for (;;)
        if (fork() == 0) for (;;) pause();
    return unused;
}

/// A group is killed while a thread of it that is not the first makes processes.
static long escaped(int number) {
    long escaped = 0, end = now_us() + 700000;
    for (long turn = 0; turn < 60 && now_us() < end; ++turn) {
        shared[3] = 0;
        pid_t const child = fork();
        if (child == 0) {
            setpgid(0, 0);
            struct rlimit few = {60, 60};
            setrlimit(RLIMIT_NPROC, &few);
            if (setresgid(4321, 4321, 4321) || setresuid(4321, 4321, 4321)) _exit(1);
            pthread_t thread;
            pthread_create(&thread, NULL, fork_on, NULL);
            for (;;) pause();
        }
        setpgid(child, child);
        while (!shared[3]) sched_yield();
        spin(turn * 97 % 3000);
        kill(-child, number);
        wait_for(child);
        long const gone = now_us() + 10000000;   // who has escaped stays for ever
        while (kill(-child, 0) == 0 && now_us() < gone) sleep_ms(1);
        escaped += kill(-child, 0) == 0;
        kill(-child, SIGKILL);
    }
    return escaped;
}

TEST(group_that_forks_is_killed_whole) {
    // Not of a signal after which Linux dumps core: the C library's fork() blocks it, so a child may come before the taker has run, as there.
    SHOW(escaped(SIGTERM));
    SHOW(escaped(SIGKILL));
}

/// A process that forks all the time under a timer gets on: signals do not undo a fork.
TEST(fork_under_a_timer) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    char* memory = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, 8 << 20);
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    int forks = 0;
    for (int i = 0; i < 20; ++i) {
        pid_t const child = fork();
        if (child == 0) _exit(0);
        forks += child > 0 && ended_with(wait_for(child), 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    SHOW(forks);
}

static volatile long runs[2];
static void once(int number) { (void)number, __sync_fetch_and_add(&runs[0], 1); }
static void also(int number) { (void)number, __sync_fetch_and_add(&runs[1], 1); }

static void* raise_often(void* turns) {
    for (long i = 0; i < *(long*)turns; ++i) syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
    return NULL;
}

static void install(void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR2, &action, NULL);
}

/// A handler that is there once, for two threads; and one that is set in its place just then.
TEST(one_shot_handlers_run_once) {
    long twice = 0, overwritten = 0, one = 1, end = now_us() + 300000;
    for (long turn = 0; now_us() < end; ++turn) {
        runs[0] = runs[1] = 0;
        sigset_t set;
        sigemptyset(&set);
        pid_t const child = fork();
        if (child == 0) {
            install(once, SA_RESETHAND);
            pthread_t thread;
            pthread_create(&thread, NULL, raise_often, &one);
            spin(turn % 50 * 20);
            install(also, 0);
            struct sigaction now;
            pthread_join(thread, NULL);
            sigaction(SIGUSR2, NULL, &now);
            _exit((runs[0] > 1) | (now.sa_handler != also && runs[1] + runs[0] != 1 ? 2 : 0) | (now.sa_handler != also ? 4 : 0));
        }
        int const status = wait_for(child);
        if (WIFEXITED(status)) twice += WEXITSTATUS(status) & 1, overwritten += (WEXITSTATUS(status) & 4) != 0;
    }
    SHOW(twice);
    SHOW(overwritten);
}

/// Signals that are thrown away are not counted any more.
TEST(discarded_signals_are_not_charged) {
    if (setresgid(4322, 4322, 4322) || setresuid(4322, 4322, 4322)) _exit(1);
    struct rlimit few = {32, 32};
    setrlimit(RLIMIT_SIGPENDING, &few);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, 40);
    sigprocmask(SIG_BLOCK, &set, NULL);
    union sigval value = {0};
    for (int turn = 0; turn < 3; ++turn) {
        int queued = 0;
        while (queued < 100 && sigqueue(getpid(), 40, value) == 0) ++queued;
        SHOW(queued);
        signal(40, SIG_IGN);
        signal(40, note);
    }
}

static pid_t handled_by;
static volatile int handled;
static void who(int number) { (void)number, handled_by = gettid(), handled = 1; }

static void* burn(void* unused) {
    while (!handled) { }
    return unused;
}

/// A timer of CPU time speaks to the thread that uses it; kill(2) to the first.
TEST(who_takes_it) {
    pthread_t thread;
    int const timers[] = {ITIMER_PROF, ITIMER_VIRTUAL};
    int const numbers[] = {SIGPROF, SIGVTALRM};
    for (int i = 0; i < 2; ++i) {
        struct sigaction action = {.sa_handler = who};
        sigaction(numbers[i], &action, NULL);
        struct itimerval soon = {{0, 0}, {0, 30000}};
        handled = 0;
        setitimer(timers[i], &soon, NULL);
        pthread_create(&thread, NULL, burn, NULL);
        pthread_join(thread, NULL);
        say("timer %d: by %s\n", i, handled_by == getpid() ? "the first" : "the one that runs");
    }
    struct sigaction action = {.sa_handler = who};
    sigaction(SIGUSR1, &action, NULL);
    handled = 0;
    pthread_create(&thread, NULL, burn, NULL);
    sleep_ms(5);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    say("kill: by %s\n", handled_by == getpid() ? "the first" : "another");
}

TEST(cpu_timers_by_the_c_librarys_numbers) {
    int const clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, -6, -2};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; ++i) {
        struct sigaction action = {.sa_handler = who};
        sigaction(SIGALRM, &action, NULL);
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
        int timer = -1;
        CHECK(syscall(SYS_timer_create, clocks[i], &event, &timer) == 0);
        struct itimerspec soon = {{0, 0}, {0, 20000000}};
        handled = 0;
        CHECK(syscall(SYS_timer_settime, timer, 0, &soon, NULL) == 0);
        burn(NULL);
        CHECK(syscall(SYS_timer_delete, timer) == 0);
    }
    say("all expired\n");
}

/// One that sends to a thread sends to nobody else when that has ended.
static void* get_a_timer(void* out) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    ((int*)&event)[4] = gettid();                      // sigev_notify_thread_id lies there
    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, out) == 0);
    return NULL;
}

TEST(timer_of_a_thread_that_ended) {
    struct sigaction action = {.sa_handler = who};
    sigaction(SIGUSR1, &action, NULL);
    int timer = -1;
    pthread_t thread;
    handled = 0;
    pthread_create(&thread, NULL, get_a_timer, &timer);
    pthread_join(thread, NULL);
    sleep_ms(10);
    struct itimerspec soon = {{0, 0}, {0, 1000000}};
    CHECK(syscall(SYS_timer_settime, timer, 0, &soon, NULL) == 0);
    sleep_ms(20);
    SHOW(handled);
    CHECK(syscall(SYS_timer_delete, timer) == 0);
}

static void terminate_a_sleeper(void) {
    pthread_t thread;
    for (int i = 0; i < 3; ++i) pthread_create(&thread, NULL, wait_here, NULL);
    shared[4] = 1;
    for (;;) pause();
}

TEST(fatal_signal_ends_all_at_once) {
    for (int i = 0; i < 20; ++i) {
        shared[4] = 0;
        pid_t const child = fork();
        if (child == 0) terminate_a_sleeper();
        while (!shared[4]) sched_yield();
        CHECK(kill(child, i % 2 ? SIGTERM : SIGUSR2) == 0);
        CHECK(killed_by(wait_for(child), i % 2 ? SIGTERM : SIGUSR2));
    }
    say("done\n");
}
