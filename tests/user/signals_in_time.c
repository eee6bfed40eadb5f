// SPDX-License-Identifier: MIT
// Signals and moves that must come in time; what the boot test `signals_between` runs in the machine. Each subcommand prints NAME VALUE.
//   starved TIMER   a realtime thread spins until the handler of a timer (prof, virtual, real) ends it; main only waits for it
//   interrupts      signals to a process on CPU 1 that never slept: rounds, and the interrupts that they took
//   forbidden       readings of the CPU by processes that are moved, and those on a CPU that was forbidden at that time
#include "checks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { ROUNDS = 60, MOVED = 7 };

// ---- a starved timer

static atomic_int running = 1;
static atomic_int handled_by;

static void end_it(int signal) {
    (void)signal;
    handled_by = (int)syscall(SYS_gettid);
    running = 0;
}

static void* spin(void* unused) {
    sleep_ms(50);   // until main waits, with no signal blocked
    while (running) { }
    return unused;
}

static void stay_on(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one), CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
}

static int starve(int timer) {
    static int const signals[] = {[ITIMER_REAL] = SIGALRM, [ITIMER_VIRTUAL] = SIGVTALRM, [ITIMER_PROF] = SIGPROF};
    stay_on(0);   // main and the thread have one CPU between them
    signal(signals[timer], end_it);
    struct itimerval once = {{0, 0}, {0, 200000}};
    struct sched_param priority = {.sched_priority = 10};
    pthread_attr_t realtime;
    pthread_attr_init(&realtime);
    pthread_attr_setschedpolicy(&realtime, SCHED_FIFO);
    pthread_attr_setschedparam(&realtime, &priority);
    pthread_attr_setinheritsched(&realtime, PTHREAD_EXPLICIT_SCHED);
    pthread_t thread;
    long begin = now_us();
    REQUIRE(setitimer(timer, &once, NULL) == 0);
    REQUIRE(pthread_create(&thread, &realtime, spin, NULL) == 0);
    pthread_join(thread, NULL);
    say("after_ms %ld\nby_thread %d\n", (now_us() - begin) / 1000, handled_by != getpid());
    return 0;
}

// ---- interrupts

struct flags { atomic_int up, seen, end; };
static struct flags* flags;

static void note(int signal) {
    (void)signal;
    atomic_fetch_add(&flags->seen, 1);
}

/// How many interrupts that tell a CPU to look anew CPU 1 has had.
static long told_to_look(void) {
    static char text[16384];
    int file = open("/proc/interrupts", O_RDONLY), length = 0, got;
    while ((got = read(file, text + length, sizeof text - 1 - length)) > 0) length += got;
    close(file);
    text[length] = 0;
    char const* row = strstr(text, "RES:");
    long counts[2] = {-1, -1};
    if (row) sscanf(row + 4, "%ld %ld", &counts[0], &counts[1]);
    return counts[1];
}

static int signal_other_cpu(void) {
    flags = shared_memory(sizeof *flags);
    signal(SIGUSR1, note);
    stay_on(1);
    pid_t child = fork();   // it is made with that CPU alone, and never sleeps
    if (child == 0) {
        flags->up = 1;
        while (!flags->end) { }
        _exit(0);
    }
    stay_on(0);
    while (!flags->up) sleep_ms(1);
    long before = told_to_look();
    for (int i = 0; i < ROUNDS; ++i) {
        kill(child, SIGUSR1);
        while (flags->seen == i) { }
        sleep_ms(2);
    }
    long interrupts = told_to_look() - before;
    flags->end = 1;
    wait_for(child);
    say("rounds %d\ninterrupts %ld\n", ROUNDS, interrupts);
    return failures != 0;
}

// ---- forbidden CPUs

/// The CPUs of one process, set by another: an odd turn says that they are being changed.
struct moved {
    _Alignas(64) atomic_uint turn;
    atomic_ulong allowed;
    atomic_ulong readings, forbidden;
    atomic_int end;
};

static void set_cpus(pid_t pid, unsigned long mask) { REQUIRE(syscall(SYS_sched_setaffinity, pid, sizeof mask, &mask) == 0); }

static unsigned this_cpu(void) {
    unsigned cpu = 0;
    syscall(SYS_getcpu, &cpu, NULL, NULL);
    return cpu;
}

/// `index` says what else it does: wait for a byte, yield and write one, move itself on, or only sleep.
/// All sleep often, so that CPUs are idle and each wake places a thread anew, which is when its CPUs may change under it.
static void read_cpus(struct moved* moved, int index, int const* bytes) {
    char byte = 0;
    for (unsigned round = 0; !moved->end; ++round) {
        unsigned turn = moved->turn;
        unsigned long allowed = moved->allowed;
        unsigned cpu = this_cpu();
        if (index != 3 && turn % 2 == 0 && turn == moved->turn) {
            ++moved->readings;
            if (!(allowed >> cpu & 1)) ++moved->forbidden;
        }
        if (index != 0 && round % 4 == 0) syscall(SYS_nanosleep, &(struct timespec){0, 20000}, NULL);
        if (index == 0 && round % 2 == 0) read(bytes[0], &byte, 1);
        if (index == 2) sched_yield(), write(bytes[1], &byte, 1);
        if (index != 3) continue;
        set_cpus(0, 1ul << round % 4);
        for (int i = 0; i < 20; ++i) {
            ++moved->readings;
            if (this_cpu() != round % 4) ++moved->forbidden;
        }
    }
}

static int move_processes(void) {
    struct moved* moved = shared_memory(MOVED * sizeof *moved);
    pid_t children[MOVED];
    int bytes[2];
    REQUIRE(pipe(bytes) == 0 && fcntl(bytes[1], F_SETFL, O_NONBLOCK) == 0);
    for (int i = 0; i < MOVED; ++i) {
        moved[i].allowed = 15;
        children[i] = fork();
        if (children[i] == 0) {
            read_cpus(&moved[i], i, bytes);
            _exit(0);
        }
    }
    unsigned moves = 0;
    for (long end = now_us() + 2000000; now_us() < end; ++moves)
        for (int i = 0; i < MOVED; ++i) {
            if (i == 3) continue;   // it moves itself
            unsigned long mask = moves * 5 % 14 + 1;   // each but none and all
            ++moved[i].turn;
            set_cpus(children[i], mask);
            moved[i].allowed = mask;
            ++moved[i].turn;
            if (moves % 4 == 0) syscall(SYS_nanosleep, &(struct timespec){0, 20000}, NULL);
        }
    unsigned long readings = 0, forbidden = 0;
    for (int i = 0; i < MOVED; ++i) {
        moved[i].end = 1;   // the first is woken by the third, which ends later
        CHECK(ended_with(wait_for(children[i]), 0));
        CHECK(moved[i].readings > 0);
        readings += moved[i].readings;
        forbidden += moved[i].forbidden;
    }
    say("moves %u\nreadings %lu\nforbidden %lu\n", moves, readings, forbidden);
    return failures != 0;
}

int main(int argument_count, char** arguments) {
    char const* what = argument_count > 1 ? arguments[1] : "";
    char const* timer = argument_count > 2 ? arguments[2] : "";
    if (!strcmp(what, "starved")) return starve(*timer == 'p' ? ITIMER_PROF : *timer == 'v' ? ITIMER_VIRTUAL : ITIMER_REAL);
    if (!strcmp(what, "interrupts")) return signal_other_cpu();
    if (!strcmp(what, "forbidden")) return move_processes();
    return 2;
}
