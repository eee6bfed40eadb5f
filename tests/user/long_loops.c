// SPDX-License-Identifier: MIT
// Programs that make the kernel's loops long, for tests/boot/latency.py: `long_loops CASE` runs one and prints what
// /proc/latency says of it (debug builds), `long_loops list` prints the names. Never on a machine that one needs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129, FUTEX_REQUEUE_PRIVATE = 131 };

static void die(char const* what) {
    perror(what);
    exit(1);
}

static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, 0);
}

static void allow(int resource, rlim_t most) {
    struct rlimit limit = {most, most};
    if (setrlimit(resource, &limit)) die("setrlimit");
}

/// What the kernel measured so far; nothing more is said of this case. By who has it still to end, if what his end costs is
/// another case's.
static int has_reported;
static void report(void) {
    static char text[65536];
    int const fd = open("/proc/latency", O_RDONLY);
    ssize_t const length = read(fd, text, sizeof text - 1);
    if (length > 0) write(1, text, length);
    close(fd);
}

// ---------------------------------------------------------------- crowds

static int volatile stop_word;
static void* sleeper(void* unused) {
    (void)unused;
    while (!stop_word) syscall(SYS_futex, &stop_word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    return 0;
}

static int crowd_of_threads(int wanted, void* (*run)(void*)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 4 * PAGE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int made = 0;
    pthread_t thread;
    while (made < wanted && !pthread_create(&thread, &attributes, run, 0)) ++made;
    sleep_ms(200);
    return made;
}

/// Sleeping children, in a group of their own (whose number is the result) if `group`.
static pid_t crowd_of_children(int wanted, int group) {
    pid_t leader = 0;
    for (int i = 0; i < wanted; ++i) {
        pid_t const child = fork();
        if (child < 0) break;
        if (child == 0) {
            for (;;) pause();
        }
        if (!leader) leader = child;
        if (group) setpgid(child, leader);
    }
    return leader;
}

static void reap_all(void) {
    while (wait(0) > 0) {}
}

// ---------------------------------------------------------------- the cases

static void write_all(int fd, char const* sequence) {
    char bytes[PAGE];
    size_t const length = strlen(sequence);
    size_t filled = 0;
    for (; filled + length <= sizeof bytes; filled += length) memcpy(bytes + filled, sequence, length);
    write(fd, bytes, filled);
}

static void console(void) {
    static char const* const sequences[] = {"\33#8", "\33[2J", "\33[99L", "\33[99S", "\33[99@", "\33[80b", "\33c", "\33[?1049h\33[?1049l", "\n", "x"};
    int const fd = open("/dev/tty1", O_RDWR | O_NOCTTY);
    if (fd < 0) die("/dev/tty1");
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; ++i) write_all(fd, sequences[i]);
    sleep_ms(100);
    close(fd);
}

static void groups(void) {
    pid_t const group = crowd_of_children(400, 1);
    signal(SIGTERM, SIG_IGN);
    killpg(group, 0);
    killpg(group, SIGCONT);
    kill(-1, 0);
    kill(-1, SIGURG);
    setpriority(PRIO_PGRP, group, 1);
    getpriority(PRIO_PGRP, group);
    setpriority(PRIO_USER, 0, 0);
    getpriority(PRIO_USER, 0);
    waitpid(-getpgrp(), 0, WNOHANG);
    killpg(group, SIGKILL);
    reap_all();
}

/// A large group whose members fork all the time: the signal that kills them is given a few at a time, and no child slips
/// through behind it.
static void births(void) {
    for (int round = 0; round < 3; ++round) {
        pid_t const leader = fork();
        if (leader == 0) {
            setpgid(0, 0);
            for (int i = 0; i < 80 && fork() != 0; ++i) {}
            for (;;) {
                pid_t const child = fork();
                if (child == 0) sleep_ms(1), _exit(0);
                waitpid(child, 0, 0);
            }
        }
        sleep_ms(400);
        killpg(leader, SIGKILL);
        waitpid(leader, 0, 0);
        for (int i = 0; i < 200 && !killpg(leader, 0); ++i) sleep_ms(10);
        if (!killpg(leader, 0)) {
            puts("a child outlives its group");
            exit(1);
        }
    }
}

/// A parent ends before hundreds of children, of which some have ended too. Not kill(-1): whoever runs the cases goes on.
/// Stopped ones hear SIGHUP, which ends them.
static void orphans_that(int are_stopped) {
    int told[2];
    if (pipe(told)) die("pipe");
    pid_t const parent = fork();
    if (parent == 0) {
        pid_t const group = crowd_of_children(400, 1);
        for (int i = 0; i < 200; ++i)
            if (fork() == 0) _exit(0);
        sleep_ms(100);
        if (are_stopped) killpg(group, SIGSTOP);
        sleep_ms(100);
        write(told[1], &group, sizeof group);
        _exit(0);
    }
    pid_t group = 0;
    if (read(told[0], &group, sizeof group) != sizeof group || group <= 0) die("no group");
    waitpid(parent, 0, 0);
    if (!are_stopped) killpg(group, SIGKILL);
    for (int i = 0; i < 500 && !killpg(group, 0); ++i) sleep_ms(10);
    if (!killpg(group, 0)) {
        puts("orphans are left");
        exit(1);
    }
}

static void orphans(void) {
    orphans_that(0);
    orphans_that(1);
}

static void threads(void) {
    pid_t const child = fork();
    if (child == 0) {
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, SIGUSR1);
        sigprocmask(SIG_BLOCK, &one, 0);   // in all of them
        crowd_of_threads(2000, sleeper);
        struct rusage usage;
        struct tms tms;
        struct timespec now;
        for (int i = 0; i < 3; ++i) getrusage(RUSAGE_SELF, &usage), times(&tms), clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        signal(SIGPROF, SIG_IGN);
        struct itimerval soon = {{0, 20000}, {0, 20000}};
        setitimer(ITIMER_PROF, &soon, 0);
        for (uint64_t volatile spin = 0; spin < 20000000; ++spin) {}
        for (int i = 0; i < 100; ++i) syscall(SYS_tgkill, getpid(), getpid(), 0);
        setpriority(PRIO_PGRP, 0, 1);
        kill(getpid(), SIGURG);
        raise(SIGCONT);
        kill(getpid(), SIGUSR1);
        sigwaitinfo(&one, 0);
        report();
        kill(getpid(), SIGKILL);
    }
    waitpid(child, 0, 0);
    has_reported = 1;
}

/// Stopped, continued, killed; by exit, by exec.
static void ends_of(int crowd) {
    pid_t const child = fork();
    if (child == 0) {
        crowd_of_threads(crowd, sleeper);
        for (;;) pause();
    }
    sleep_ms(500);
    kill(child, SIGSTOP);
    waitpid(child, 0, WUNTRACED);
    kill(child, SIGCONT);
    sleep_ms(100);
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    pid_t const other = fork();
    if (other == 0) {
        crowd_of_threads(crowd, sleeper);
        _exit(0);
    }
    waitpid(other, 0, 0);
    pid_t const third = fork();
    if (third == 0) {
        crowd_of_threads(crowd, sleeper);
        execl("/bin/busybox", "true", (char*)0);
        _exit(1);
    }
    waitpid(third, 0, 0);
}

static void ends_of_threads(void) { ends_of(64); }
static void ends_of_crowds(void) { ends_of(2000); }

static int shared_pipe[2];
static void* pipe_reader(void* unused) {
    char byte;
    (void)unused;
    read(shared_pipe[0], &byte, 1);
    return 0;
}
static void* poller(void* unused) {
    (void)unused;
    struct timeval tv = {20, 0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(shared_pipe[0], &set);
    select(shared_pipe[0] + 1, &set, 0, 0, &tv);
    return 0;
}

static void waiters(void) {
    pid_t const child = fork();
    if (child == 0) {
        crowd_of_threads(2000, sleeper);
        stop_word = 1;
        syscall(SYS_futex, &stop_word, FUTEX_WAKE_PRIVATE, 1000000, 0, 0, 0);
        sleep_ms(500);
        stop_word = 0;
        crowd_of_threads(2000, sleeper);
        int other = 0;
        stop_word = 1;
        syscall(SYS_futex, &stop_word, FUTEX_REQUEUE_PRIVATE, 0, 1000000, &other, 0);
        syscall(SYS_futex, &other, FUTEX_WAKE_PRIVATE, 1000000, 0, 0, 0);
        sleep_ms(500);
        pipe(shared_pipe);
        crowd_of_threads(1000, pipe_reader);
        crowd_of_threads(1000, poller);
        write(shared_pipe[1], "x", 1);
        sleep_ms(500);
        close(shared_pipe[1]);
        sleep_ms(500);
        report();
        _exit(0);
    }
    waitpid(child, 0, 0);
    has_reported = 1;
}

/// As many as the hard limit lets a user have: more are root's alone, and a table is copied whole, as on Linux.
enum { DESCRIPTORS = 4000 };
static void descriptors(void) {
    allow(RLIMIT_NOFILE, 4096);
    int const first = eventfd(0, 0);
    int made = 0;
    while (made < DESCRIPTORS && dup(first) >= 0) ++made;
    pid_t const child = fork();
    if (child == 0) {
        int const list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
        static char entries[65536];
        while (syscall(SYS_getdents64, list, entries, sizeof entries) > 0) {}
        execl("/bin/busybox", "true", (char*)0);
        _exit(1);
    }
    waitpid(child, 0, 0);
    pid_t const other = fork();
    if (other == 0) _exit(0);
    waitpid(other, 0, 0);
    syscall(SYS_close_range, first + 1, first + DESCRIPTORS / 2, 0);
    for (int i = 0; i < DESCRIPTORS / 2; ++i) dup2(first, first + 1 + i);
}

static void mappings(void) {
    size_t const pages = 120000;
    char* const area = mmap(0, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) die("mmap");
    for (size_t i = 0; i < pages; i += 4)
        if (mprotect(area + i * PAGE, PAGE, PROT_READ)) break;
    int const fd = open("/proc/self/maps", O_RDONLY);
    static char text[65536];
    while (read(fd, text, sizeof text) > 0) {}
    close(fd);
    pid_t const child = fork();
    if (child == 0) _exit(0);
    waitpid(child, 0, 0);
    mprotect(area, pages * PAGE, PROT_READ);
    madvise(area, pages * PAGE, MADV_DONTNEED);
    munmap(area, pages * PAGE);
}

static void memory(void) {
    size_t const size = 160ul << 20;
    char* const area = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < size; i += PAGE) area[i] = 1;
    pid_t const child = fork();
    if (child == 0) {
        for (size_t i = 0; i < size; i += 64 * PAGE) area[i] = 2;
        _exit(0);
    }
    waitpid(child, 0, 0);
    mprotect(area, size, PROT_READ);
    mprotect(area, size, PROT_READ | PROT_WRITE);
    mremap(area, size, size / 2, 0);
    madvise(area, size / 2, MADV_DONTNEED);
    munmap(area, size);
    char* const sparse = mmap(0, 1ul << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (size_t i = 0; i < 1ul << 40; i += 1ul << 30) (void)*(char volatile*)(sparse + i);
    mprotect(sparse, 1ul << 40, PROT_NONE);
    madvise(sparse, 1ul << 40, MADV_DONTNEED);
    munmap(sparse, 1ul << 40);
}

static void big_files(void) {
    int const fd = open("/tmp/big", O_RDWR | O_CREAT | O_TRUNC, 0600);
    static char block[1 << 16];
    for (int i = 0; i < 1600; ++i) write(fd, block, sizeof block);
    char* const map = mmap(0, 1600ul << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < 1600ul << 16; i += PAGE) map[i] = 1;
    msync(map, 1600ul << 16, MS_SYNC);
    ftruncate(fd, 800ul << 16);
    munmap(map, 1600ul << 16);
    ftruncate(fd, 1ul << 40);
    pwrite(fd, "x", 1, (1ul << 40) - 1);
    ftruncate(fd, 0);
    unlink("/tmp/big");
    close(fd);
}

static void directories(void) {
    mkdir("/tmp/many", 0700);
    char name[64];
    for (int i = 0; i < 5000; ++i) {
        snprintf(name, sizeof name, "/tmp/many/%d", i);
        close(open(name, O_CREAT | O_RDWR, 0600));
    }
    int const fd = open("/tmp/many", O_RDONLY | O_DIRECTORY);
    static char entries[65536];
    while (syscall(SYS_getdents64, fd, entries, sizeof entries) > 0) {}
    close(fd);
    rename("/tmp/many", "/tmp/more");
    for (int i = 0; i < 5000; ++i) {
        snprintf(name, sizeof name, "/tmp/more/%d", i);
        unlink(name);
    }
    rmdir("/tmp/more");
    chdir("/tmp");
    for (int i = 0; i < 3000; ++i) mkdir("d", 0700), chdir("d");
    mkdir("a", 0700);
    rename("a", "b");
    char* const path = malloc(65536);
    getcwd(path, 65536);
    for (int i = 0; i < 3000; ++i) rmdir("a"), rmdir("b"), rmdir("d"), chdir("..");
    rmdir("d");
}

static void timers(void) {
    signal(SIGALRM, SIG_IGN);
    struct itimerspec when = {{0, 0}, {0, 0}};
    clock_gettime(CLOCK_MONOTONIC, &when.it_value);
    when.it_value.tv_sec += 2;
    pid_t const child = fork();
    if (child == 0) {
        for (int i = 0; i < 8000; ++i) {
            timer_t timer;
            struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
            if (i == 0) {
                sigset_t set;
                sigemptyset(&set);
                sigaddset(&set, SIGRTMIN);
                sigprocmask(SIG_BLOCK, &set, 0);
            }
            if (timer_create(CLOCK_MONOTONIC, &event, &timer)) break;
            timer_settime(timer, TIMER_ABSTIME, &when, 0);
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when.it_value, 0);
        sleep_ms(200);
        _exit(0);
    }
    waitpid(child, 0, 0);
    pid_t const sleeping = fork();
    if (sleeping == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        for (int i = 0; i < 400; ++i) {
            if (fork() != 0) continue;
            struct timespec until = {now.tv_sec + 2, 0};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
            _exit(0);
        }
        reap_all();
        _exit(0);
    }
    waitpid(sleeping, 0, 0);
}

/// With room for the last one: a limit that is reached would make the program wait for ever.
static void queued_signals(void) {
    enum { QUEUED = 3000 };
    allow(RLIMIT_SIGPENDING, QUEUED + 100);
    pid_t const child = fork();
    if (child == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        sigaddset(&set, SIGRTMIN + 1);
        sigprocmask(SIG_BLOCK, &set, 0);
        union sigval value = {0};
        for (int i = 0; i < QUEUED; ++i)
            if (sigqueue(getpid(), SIGRTMIN, value)) _exit(1);
        if (sigqueue(getpid(), SIGRTMIN + 1, value)) _exit(1);
        sigdelset(&set, SIGRTMIN);
        sigwaitinfo(&set, 0);   // the last of them
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) exit(1);
}

static void watches(void) {
    int const event = eventfd(0, 0);
    allow(RLIMIT_NOFILE, 65536);
    int instances[400];
    for (int i = 0; i < 400; ++i) instances[i] = epoll_create1(0);
    for (int i = 0; i < 400; ++i) {
        struct epoll_event wish = {EPOLLIN, {.fd = i}};
        epoll_ctl(instances[i], EPOLL_CTL_ADD, event, &wish);
    }
    int const one = epoll_create1(0);
    for (int i = 0; i < 8000; ++i) {
        int const copy = dup(event);
        struct epoll_event wish = {EPOLLIN, {.fd = copy}};
        if (copy < 0 || epoll_ctl(one, EPOLL_CTL_ADD, copy, &wish)) break;
    }
    uint64_t const by = 1;
    write(event, &by, sizeof by);
    static struct epoll_event events[8000];
    epoll_wait(one, events, 8000, 0);
    close(one);
}

static void locks(void) {
    int const fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 5000; ++i) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2 * i, .l_len = 1};
        if (fcntl(fd, F_SETLK, &lock)) break;
    }
    struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(fd, F_SETLK, &all);
    unlink("/tmp/locked");
    close(fd);
}

static void arguments(void) {
    allow(RLIMIT_STACK, RLIM_INFINITY);
    enum { count = 40000 };
    static char* words[count + 1];
    for (int i = 0; i < count; ++i) words[i] = "forty thousand of these are some two megabytes";
    pid_t const child = fork();
    if (child == 0) {
        execv("/bin/true", words);
        _exit(1);
    }
    waitpid(child, 0, 0);
}

static void random_bytes(void) {
    static char bytes[1 << 20];
    int const fd = open("/dev/urandom", O_RDWR);
    read(fd, bytes, sizeof bytes);
    write(fd, bytes, sizeof bytes);
    close(fd);
}

static struct { char const* name; void (*run)(void); } const cases[] = {
    {"console", console}, {"groups", groups}, {"births", births}, {"orphans", orphans}, {"threads", threads}, {"ends_of_threads", ends_of_threads}, {"ends_of_crowds", ends_of_crowds}, {"waiters", waiters}, {"descriptors", descriptors},
    {"mappings", mappings}, {"memory", memory}, {"big_files", big_files}, {"directories", directories}, {"timers", timers},
    {"queued_signals", queued_signals}, {"watches", watches}, {"locks", locks}, {"arguments", arguments}, {"random_bytes", random_bytes},
};

int main(int count, char** words) {
    if (count != 2) return 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        if (!strcmp(words[1], "list")) puts(cases[i].name);
        if (strcmp(words[1], cases[i].name)) continue;
        int const fd = open("/proc/latency", O_WRONLY);
        write(fd, "0", 1);
        close(fd);
        signal(SIGURG, SIG_IGN);
        cases[i].run();
        if (!has_reported) report();
        return 0;
    }
    return !strcmp(words[1], "list") ? 0 : 2;
}
