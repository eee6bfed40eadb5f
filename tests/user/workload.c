// SPDX-License-Identifier: MIT
// What the boot tests run inside the machine; each subcommand prints lines of NAME VALUE.
//   storm N       N times fork + exec + wait, then 500 processes alive at once
//   bomb          forks without limit, each member too
//   mapbomb       … and each maps and touches memory
//   share         256 MiB touched, fork, the child writes 100 pages
//   hogs NICE…    a CPU hog for each NICE (or `batch` or `idle`), for two seconds: how often each looped
//   respond HOGS  sleeps and works in turn beside so many hogs for three seconds: how late it woke, in microseconds
//   timeline      three hogs of nice 0, 5 and 10 and one that mostly sleeps, for a picture of who runs when
//   eat           touches memory until it ends
//   damage N      executes N damaged copies of itself
//   run_mapped F  maps the file to execute it, and makes a mapping of it executable: the two errors
//   break WHAT    on, off, or send: a break on the terminal it reads from, and how long that took, in milliseconds
//   watch_mounts  what poll and epoll say of /proc/mounts while something is mounted on /t and gone again
//   queue NAME    leaves a POSIX message queue with "hello" in it
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "task_state.h"

enum { PAGE = 4096 };

static void die(char const* what) {
    perror(what);
    exit(1);
}

static long counter(char const* file, char const* name) {
    static char text[16384];
    int fd = open(file, O_RDONLY);
    if (fd < 0) die(file);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    size_t length = strlen(name);
    for (char* line = strtok(text, "\n"); line; line = strtok(0, "\n"))
        if (!strncmp(line, name, length) && (line[length] == ':' || line[length] == ' ')) return atol(line + length + 1);
    return -1;
}
static long free_kib(void) { return counter("/proc/meminfo", "MemFree"); }

static void exec_once(char* self) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        execl(self, self, "nothing", (char*)0);
        _exit(127);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 7 << 8) die("wait");
}

static void live_at_once(int count) {
    pid_t children[500];
    int hold[2];
    char byte;
    if (pipe(hold)) die("pipe");
    for (int i = 0; i < count; ++i) {
        children[i] = fork();
        if (children[i] < 0) die("fork");
        if (children[i] == 0) {
            close(hold[1]);
            _exit(read(hold[0], &byte, 1) == 0 ? 3 : 4);
        }
    }
    close(hold[0]);
    close(hold[1]);
    for (int i = 0; i < count; ++i) {
        int status;
        if (waitpid(children[i], &status, 0) != children[i] || status != 3 << 8) die("wait");
    }
}

static int storm(char* self, int count) {
    for (int i = 0; i < 50; ++i) exec_once(self);
    live_at_once(500);
    long before = free_kib();
    for (int i = 0; i < count; ++i) exec_once(self);
    printf("executed %d\n", count);
    live_at_once(500);
    printf("live 500\n");
    printf("before %ld\nafter %ld\n", before, free_kib());
    return 0;
}

static _Noreturn void bomb(int touches) {
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        if (touches) {
            char* memory = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory != MAP_FAILED)
                for (int i = 0; i < 64; ++i) memory[i * PAGE] = 1;
        }
        fork();
    }
}

static long own_cpu_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}
static void name_self(char const* name) { prctl(PR_SET_NAME, name); }

static int timeline(void) {
    enum { HOGS = 3, WORK_US = 40000, NAPS = 12, NAP_US = 8000, NAP_WORK_US = 700 };
    for (int i = 0; i < HOGS; ++i) {
        if (fork() != 0) continue;
        char name[] = "hog-A";
        name[4] += i;
        name_self(name);
        setpriority(PRIO_PROCESS, 0, 5 * i);
        while (own_cpu_us() < WORK_US) {}
        _exit(0);
    }
    if (fork() == 0) {
        name_self("napper");
        for (int i = 0; i < NAPS; ++i) {
            usleep(NAP_US);
            for (long end = own_cpu_us() + NAP_WORK_US; own_cpu_us() < end;) {}
        }
        _exit(0);
    }
    while (wait(NULL) > 0) {}
    return 0;
}

static int share(void) {
    size_t size = 256u << 20;
    char* memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) die("mmap");
    for (size_t i = 0; i < size; i += PAGE) memory[i] = 1;
    int go[2], done[2];
    char byte = 0;
    if (pipe(go) || pipe(done)) die("pipe");
    long free_before = free_kib();
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        if (write(done[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
        long copies = counter("/proc/vmstat", "cow_copy");
        for (int i = 0; i < 100; ++i) memory[(size_t)i * 16 * PAGE] = 2;
        printf("copied %ld\n", counter("/proc/vmstat", "cow_copy") - copies);
        fflush(stdout);
        _exit(0);
    }
    if (read(done[0], &byte, 1) != 1) die("read");
    printf("fork_kib %ld\n", free_before - free_kib());
    fflush(stdout);
    if (write(go[1], &byte, 1) != 1) die("write");
    waitpid(child, 0, 0);
    int unchanged = 1;
    for (size_t i = 0; i < size; i += PAGE) unchanged &= memory[i] == 1;
    printf("unchanged %d\n", unchanged);
    long copies = counter("/proc/vmstat", "cow_copy"), reuses = counter("/proc/vmstat", "cow_reuse");
    for (int i = 0; i < 200; ++i) memory[(size_t)i * 4 * PAGE] = 3;
    printf("copied_alone %ld\nreused_alone %ld\n", counter("/proc/vmstat", "cow_copy") - copies,
           counter("/proc/vmstat", "cow_reuse") - reuses);
    return 0;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

/// The parent is the most urgent, makes the hogs in order, and sleeps while they run.
static int hogs(int count, char** nice_values) {
    volatile uint64_t* loops = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[16];
    setpriority(PRIO_PROCESS, 0, -20);
    double end = seconds() + 2.5, start = seconds() + 0.5;
    for (int i = 0; i < count; ++i) {
        children[i] = fork();
        if (children[i] == 0) {
            if (!strcmp(nice_values[i], "batch") || !strcmp(nice_values[i], "idle")) {
                setpriority(PRIO_PROCESS, 0, 0);
                int const none = 0;   // the library's sched_setscheduler() does nothing
                if (syscall(SYS_sched_setscheduler, 0, *nice_values[i] == 'b' ? 3 : 5, &none)) die("sched_setscheduler");
            } else {
                setpriority(PRIO_PROCESS, 0, atoi(nice_values[i]));
            }
            while (seconds() < start) {}
            while (seconds() < end) ++loops[i];
            _exit(0);
        }
    }
    for (int i = 0; i < count; ++i) waitpid(children[i], 0, 0);
    for (int i = 0; i < count; ++i) printf("hog%d %llu\n", i, (unsigned long long)loops[i]);
    return 0;
}

static uint32_t random_state = 12345;
static uint32_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static int by_size(void const* a, void const* b) {
    long const x = *(long const*)a, y = *(long const*)b;
    return (x > y) - (x < y);
}
static long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

/// Sleeps of 3 to 9 ms, so that no quantum beats in time with them, and 0.3 ms of work after each.
static int respond(int hog_count) {
    enum { MOST = 1000, WORK_NS = 300000, LEARN_NS = 300000000 };
    static long late[MOST];
    prctl(PR_SET_TIMERSLACK, 1);
    double end = seconds() + 3.3;
    for (int i = 0; i < hog_count; ++i)
        if (fork() == 0) {
            while (seconds() < end) {}
            _exit(0);
        }
    int count = 0;
    long const start = now_ns();
    while (count < MOST && seconds() < end) {
        long due = now_ns() + 3000000 + random_number() % 6000000;
        struct timespec until = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) {}
        long const woken = now_ns();
        if (due - start > LEARN_NS || woken - due > LEARN_NS) late[count++] = woken - due;
        while (now_ns() < woken + WORK_NS) {}
    }
    while (wait(NULL) > 0) {}
    qsort(late, count, sizeof *late, by_size);
    printf("wakes %d\np50 %ld\np99 %ld\nmax %ld\n", count, late[count / 2] / 1000, late[count * 99 / 100] / 1000, late[count - 1] / 1000);
    return 0;
}

static int eat(void) {
    for (long pages = 0;; pages += 256) {
        char* memory = mmap(0, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            printf("refused_after %ld\n", pages);
            return 0;
        }
        for (int i = 0; i < 256; ++i) memory[i * PAGE] = 1;
    }
}

static int damage(char* self, int count) {
    int fd = open(self, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status)) die(self);
    size_t size = status.st_size;
    unsigned char* image = malloc(size);
    if (read(fd, image, size) != (ssize_t)size) die("read");
    close(fd);
    int refused = 0, signalled = 0, ran = 0;
    for (int i = 0; i < count; ++i) {
        size_t length = i % 3 == 0 ? random_number() % size : size;
        fd = open("/tmp/damaged", O_WRONLY | O_CREAT | O_TRUNC, 0755);
        if (fd < 0 || write(fd, image, length) != (ssize_t)length) die("write");
        // Most damage goes to the headers: that is what the loader reads.
        for (uint32_t k = random_number() % 12 + 1; k > 0 && length > 0; --k) {
            unsigned char byte = random_number() % 4 ? random_number() : 0xff;
            size_t place = random_number() % (i % 4 == 3 ? length : length < 512 ? length : 512);
            if (pwrite(fd, &byte, 1, place) != 1) die("pwrite");
        }
        close(fd);
        pid_t child = fork();
        if (child == 0) {
            alarm(5);
            int null = open("/dev/null", O_RDWR);
            dup2(null, 1);
            dup2(null, 2);
            struct rlimit processes = {64, 64};
            setrlimit(RLIMIT_NPROC, &processes);
            execl("/tmp/damaged", "/tmp/damaged", "nothing", (char*)0);
            _exit(200);
        }
        int result;
        waitpid(child, &result, 0);
        if (WIFSIGNALED(result)) ++signalled;
        else if (WEXITSTATUS(result) == 200) ++refused;
        else ++ran;
    }
    unlink("/tmp/damaged");
    printf("tried %d\nrefused %d\nsignalled %d\nran %d\n", count, refused, signalled, ran);
    return 0;
}

static int queue(char const* name) {
    mqd_t opened = mq_open(name, O_CREAT | O_RDWR, 0640, NULL);
    if (opened < 0 || mq_send(opened, "hello", 5, 1)) die("mq_open");
    return 0;
}

static int run_mapped(char const* path) {
    int const file = open(path, O_RDONLY);
    if (file < 0) die("open");
    int const mapped = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED ? errno : 0;
    void* const memory = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) die("mmap");
    int const protected = mprotect(memory, PAGE, PROT_READ | PROT_EXEC) ? errno : 0;
    printf("mmap %d mprotect %d\n", mapped, protected);
    return 0;
}

static int line_break(char const* what) {
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int const failed = !strcmp(what, "send") ? ioctl(0, TCSBRK, 0) : ioctl(0, !strcmp(what, "on") ? TIOCSBRK : TIOCCBRK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (failed) die("ioctl");
    printf("milliseconds %ld\n", (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000);
    return 0;
}

/// Dies of a fault of its own: a read of nothing, a write of code, an instruction that there is not, one that is not a program's.
static int fault(char const* what) {
    if (!strcmp(what, "read")) return *(volatile int*)0;
    if (!strcmp(what, "write")) *(volatile char*)fault = 1;
    if (!strcmp(what, "opcode")) __asm__ volatile("ud2");
    if (!strcmp(what, "halt")) __asm__ volatile("hlt");
    return 1;
}

static void tell_polls(char const* when, struct pollfd* files, int timeout) {
    poll(files, 2, timeout);
    printf("%s = %#x %#x\n", when, files[0].revents, files[1].revents);
}

static int watch_mounts(void) {
    struct pollfd files[2] = {{open("/proc/mounts", O_RDONLY), POLLIN | POLLRDNORM | POLLPRI, 0},
                              {open("/proc/self/mountinfo", O_RDONLY), POLLIN | POLLRDNORM | POLLPRI, 0}};
    tell_polls("at_first", files, 0);
    if (mount("none", "/t", "tmpfs", 0, NULL)) die("mount");
    tell_polls("mounted", files, 0);
    tell_polls("told_once", files, 0);
    // One sleeps until the mount goes; the other is watched by epoll for what is not always true.
    int const epoll = epoll_create1(0), sleeper = open("/proc/mounts", O_RDONLY);
    struct epoll_event event = {.events = EPOLLPRI};
    epoll_ctl(epoll, EPOLL_CTL_ADD, files[0].fd, &event);
    pid_t const child = fork();
    if (child == 0) {
        struct pollfd file = {sleeper, POLLPRI, 0};
        poll(&file, 1, 5000);
        printf("sleeper = %#x\n", file.revents);
        return 0;
    }
    while (state_of(child) != 'S') sched_yield();   // it waits in poll()
    umount("/t");
    waitpid(child, NULL, 0);
    struct epoll_event told = {0};
    int const first = epoll_wait(epoll, &told, 1, 5000) == 1 ? (int)told.events : 0;
    printf("unmounted = %#x, then %d\n", first, epoll_wait(epoll, &told, 1, 0));
    return 0;
}

int main(int count, char** words) {
    char const* what = count > 1 ? words[1] : "";
    if (!strcmp(what, "fault") && count > 2) return fault(words[2]);
    if (!strcmp(what, "nothing")) return 7;
    if (!strcmp(what, "storm")) return storm(words[0], atoi(words[2]));
    if (!strcmp(what, "bomb")) bomb(0);
    if (!strcmp(what, "mapbomb")) bomb(1);
    if (!strcmp(what, "timeline")) return timeline();
    if (!strcmp(what, "share")) return share();
    if (!strcmp(what, "hogs")) return hogs(count - 2, words + 2);
    if (!strcmp(what, "respond")) return respond(atoi(words[2]));
    if (!strcmp(what, "eat")) return eat();
    if (!strcmp(what, "damage")) return damage(words[0], atoi(words[2]));
    if (!strcmp(what, "run_mapped") && count > 2) return run_mapped(words[2]);
    if (!strcmp(what, "break") && count > 2) return line_break(words[2]);
    if (!strcmp(what, "queue") && count > 2) return queue(words[2]);
    if (!strcmp(what, "watch_mounts")) return watch_mounts();
    fprintf(stderr, "usage: workload storm N|bomb|mapbomb|share|timeline|hogs NICE...|respond HOGS|eat|damage N|run_mapped FILE|break on|off|send|queue NAME|watch_mounts|fault read|write|opcode|halt\n");
    return 2;
}
