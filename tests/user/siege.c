// SPDX-License-Identifier: MIT
// libc: glibc
// What one user can do to a machine, all at once and again and again, for tools/siege: `siege SECONDS [NAME…]` as root.
// Each attack runs as uid 1000 in a group of its own for a few seconds, is killed, and begins anew. None looks at results:
// root's shell beside them shows whether the machine bears it. Never on a machine that one needs.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, USER = 1000, MOST_ROUND_MS = 4000 };

static int screen = -1;   // tty1, which root has opened for the user
static char const* self;

static uint64_t seed;
static unsigned dice(unsigned sides) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % sides;
}
static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, 0);
}
static void start(void* (*run)(void*), int count) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 4 * PAGE);
    pthread_t thread;
    for (int i = 0; i < count; ++i) pthread_create(&thread, &attributes, run, (void*)(long)i);
}
static void* nap(void* unused) {
    for (;;) pause();
    return unused;
}
static void* fresh(size_t size) { return mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); }

// ---------------------------------------------------------------- sockets that carry each other

static void send_descriptors(int through, int const* list, int count) {
    union { struct cmsghdr align; char bytes[CMSG_SPACE(100 * sizeof(int))]; } control = {0};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), list, count * sizeof(int));
    sendmsg(through, &message, MSG_DONTWAIT);
}
static int receive_descriptor(int from, int flags) {
    union { struct cmsghdr align; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (recvmsg(from, &message, flags | MSG_DONTWAIT) < 0) return -1;
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    int found = -1;
    if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&found, CMSG_DATA(head), sizeof found);
    return found;
}
static int volatile peeked = -1;
static void* peek(void* unused) {
    for (;;) close(receive_descriptor(peeked, MSG_PEEK));
    return unused;
}
static void* make_garbage(void* unused) {
    int pair[2];
    for (;;)
        if (!socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) close(pair[0]), close(pair[1]);
    return unused;
}
static void circles(void) {
    start(make_garbage, 1);
    start(peek, 2);
    for (;;) {
        int a[2], b[2], ballast[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, a) || socketpair(AF_UNIX, SOCK_DGRAM, 0, b) || socketpair(AF_UNIX, SOCK_STREAM, 0, ballast)) continue;
        int many[100];
        for (int i = 0; i < 100; ++i) many[i] = a[0];
        for (int i = 0; i < 5; ++i) send_descriptors(ballast[0], many, 100);
        send_descriptors(b[1], many, 100);
        send_descriptors(a[1], &b[0], 1);
        close(b[0]), close(b[1]), close(a[1]);
        peeked = receive_descriptor(a[0], MSG_PEEK);
        close(a[0]);
        sleep_ms(1);
        close(receive_descriptor(peeked, 0));
        close(peeked), close(ballast[0]), close(ballast[1]);
    }
}
static int bad_pair[2];
static void* bad_receiver(void* which) {
    char bytes[10];
    for (;;) recv(bad_pair[0], (long)which % 2 ? bytes : (char*)16, sizeof bytes, 0);
    return 0;
}
static void bad_buffers(void) {
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, bad_pair);
    start(bad_receiver, 4);
    for (;;) send(bad_pair[1], "hello", 5, MSG_DONTWAIT), sched_yield();
}

// ---------------------------------------------------------------- epoll

static int instance, event;
static void* epoll_worker(void* unused) {
    struct epoll_event* const got = fresh(PAGE);
    for (;;) {
        madvise(got, PAGE, MADV_DONTNEED);
        if (epoll_wait(instance, got, 1, 50) <= 0) continue;
        struct epoll_event again = {EPOLLIN | EPOLLONESHOT, {0}};
        epoll_ctl(instance, EPOLL_CTL_MOD, event, &again);
    }
    return unused;
}
static void* epoll_poller(void* unused) {
    struct pollfd wish = {instance, POLLIN, 0};
    for (;;) poll(&wish, 1, 0);
    return unused;
}
static void polls(void) {
    instance = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK);
    struct epoll_event wish = {EPOLLIN | EPOLLONESHOT, {0}};
    epoll_ctl(instance, EPOLL_CTL_ADD, event, &wish);
    start(epoll_worker, 3);
    start(epoll_poller, 1);
    for (int nested = instance; (nested = epoll_create1(0)) >= 0;) {
        struct epoll_event deep = {EPOLLIN, {0}};
        if (epoll_ctl(nested, EPOLL_CTL_ADD, instance, &deep)) break;
        if (dice(200) == 0) break;
    }
    uint64_t const one = 1;
    for (;;) write(event, &one, sizeof one);
}

// ---------------------------------------------------------------- names and files

static void many_names(void) {
    char name[32], other[32];
    for (unsigned i = 0; i < 3000; ++i) snprintf(name, sizeof name, "n%u", i), close(open(name, O_CREAT | O_WRONLY, 0600));
    for (;;) {
        DIR* const list = opendir(".");
        struct dirent* entry;
        for (int seen = 0; (entry = readdir(list)) && seen < 20000; ++seen) {
            if (entry->d_name[0] != 'n') continue;
            snprintf(other, sizeof other, "n%u", dice(6000));
            rename(entry->d_name, other);
        }
        closedir(list);
    }
}
static int shared_list;
static void* list_shared(void* unused) {
    char entries[256];
    for (;;)
        if (syscall(SYS_getdents64, shared_list, entries, sizeof entries) <= 0) lseek(shared_list, 0, SEEK_SET);
    return unused;
}
static void one_list(void) {
    char name[32];
    for (unsigned i = 0; i < 1000; ++i) snprintf(name, sizeof name, "l%u", i), close(open(name, O_CREAT | O_WRONLY, 0600));
    shared_list = open(".", O_RDONLY | O_DIRECTORY);
    start(list_shared, 2);
    for (;;) snprintf(name, sizeof name, "l%u", dice(1000)), unlink(name), close(open(name, O_CREAT | O_WRONLY, 0600));
}
static void fill(void) {
    static char block[1 << 16];
    memset(block, 7, sizeof block);
    for (;;) {
        int const fd = open(dice(2) ? "full" : "/dev/shm/siege", O_CREAT | O_WRONLY | O_TRUNC, 0600);
        while (write(fd, block, sizeof block) > 0) {}
        close(fd);
    }
}
static void cut(void) {
    int const fd = open("cut", O_CREAT | O_RDWR | O_TRUNC, 0600);
    for (;;) {
        ftruncate(fd, 8 * PAGE);
        char* const map = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fork() == 0) {
            for (;;) map[dice(8 * PAGE)]++;   // until SIGBUS
        }
        for (int i = 0; i < 20; ++i) ftruncate(fd, dice(9) * PAGE), pwrite(fd, "x", 1, dice(8 * PAGE));
        munmap(map, 8 * PAGE);
        while (waitpid(-1, 0, WNOHANG) > 0) {}
    }
}
static void modes(void) {
    close(open("mode", O_CREAT | O_RDWR, 0755));
    if (fork() == 0)
        for (;;) chmod("mode", 04755), chmod("mode", 02777);
    for (;;) {
        int const fd = open("mode", O_WRONLY);
        write(fd, "x", 1);
        ftruncate(fd, 0);
        chown("mode", USER, USER);
        close(fd);
    }
}
static void locks(void) {
    int const fd = open("locks", O_CREAT | O_RDWR, 0600);
    for (;;) {
        struct flock lock = {.l_type = dice(3) ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = dice(4000), .l_len = dice(3)};
        fcntl(fd, F_SETLK, &lock);
    }
}

// ---------------------------------------------------------------- memory

static void remap(void) {
    for (;;) {
        char* const a = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        a[0] = a[PAGE] = 1;
        mremap(a + PAGE, 0, PAGE, MREMAP_MAYMOVE);
        munmap(a, 3 * PAGE);
        if (dice(5000) == 0) _exit(0);   // copies stay
    }
}
static void any_mapping(void) {
    char* const area = mmap(0, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, SIG_DFL);
    for (unsigned turn = 0;; ++turn) {
        char* const at = area + dice(60) * PAGE;
        size_t const size = dice(5) * PAGE;
        int const rights = dice(8);
        switch (dice(8)) {
        case 0: mmap(at, size, rights, MAP_FIXED | MAP_ANONYMOUS | (dice(2) ? MAP_SHARED : MAP_PRIVATE), -1, 0); break;
        case 1: munmap(at, size); break;
        case 2: mprotect(at, size, rights); break;
        case 3: madvise(at, size, dice(26)); break;
        case 4: mremap(at, size, dice(5) * PAGE, MREMAP_MAYMOVE | (dice(2) ? MREMAP_FIXED : 0), area + dice(60) * PAGE); break;
        case 5: msync(at, size, dice(8)); break;
        case 6: if (dice(10) == 0 && fork() == 0) _exit(0); break;
        default: read(event, at, size ? 8 : 0);
        }
        if (turn % 64 == 0) while (waitpid(-1, 0, WNOHANG) > 0) {}
    }
}
static void populate(void) {
    for (;;) {
        mmap(0, 200ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
        write(open("/dev/urandom", O_WRONLY), mmap(0, 1ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), 1ul << 30);
    }
}
static void eat(void) {
    struct sched_param urgent = {.sched_priority = 50};
    sched_setscheduler(0, SCHED_FIFO, &urgent);   // EPERM
    for (;;) {
        char* const more = fresh(1 << 20);
        if (more != MAP_FAILED) memset(more, 1, 1 << 20);
    }
}
static void pipes(void) {
    static char block[1 << 16];
    int ends[2];
    while (!pipe2(ends, O_NONBLOCK)) {
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while (write(ends[1], block, sizeof block) > 0) {}
    }
    pause();
}

// ---------------------------------------------------------------- processes, threads, signals

static void fork_bomb(void) {
    for (;;)
        if (fork() < 0) sched_yield();
}
static void thread_bomb(void) {
    for (;;) {
        start(nap, 50);
        if (fork() == 0) continue;
        sleep_ms(50);
    }
}
static int share_and_end(void* unused) {
    (void)unused;
    _exit(0);
}
static char clone_stack[2 * PAGE];
static void* clone_sharing(void* unused) {
    for (;;) clone(share_and_end, clone_stack + sizeof clone_stack - 64, CLONE_FILES | SIGCHLD, 0);
    return unused;
}
static void* ask_usage(void* unused) {
    struct rusage usage;
    for (;;) getrusage(RUSAGE_SELF, &usage), getpriority(PRIO_USER, 0), setpriority(PRIO_PGRP, 0, 1);
    return unused;
}
static void exec_beside_clone(void) {
    for (;;) {
        pid_t const child = fork();
        if (child == 0) {
            start(nap, 20);
            start(ask_usage, 2);
            start(clone_sharing, 1);
            sleep_ms(dice(20));
            execl(self, self, "nothing", (char*)0);
            _exit(1);
        }
        if (child < 0 || waitpid(child, 0, 0) < 0) sched_yield();
    }
}
static void vforks(void) {
    for (;;) {
        pid_t const parent = fork();
        if (parent == 0) {
            if (vfork() == 0) sleep_ms(20), _exit(0);
            _exit(0);
        }
        sleep_ms(dice(20));
        if (parent > 0) kill(parent, SIGKILL), waitpid(parent, 0, 0);
    }
}
static void everyone(void) {
    for (;;) {
        static int const signals[] = {0, SIGURG, SIGCONT, SIGWINCH, SIGSTOP, SIGCONT};
        kill(-1, signals[dice(6)]);
        kill(-1, SIGCONT);
        union sigval value = {0};
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        sigprocmask(SIG_BLOCK, &set, 0);
        while (!sigqueue(getpid(), SIGRTMIN, value)) {}
        signal(SIGRTMIN, SIG_IGN);
        signal(SIGRTMIN, SIG_DFL);
        if (dice(20) == 0) kill(-1, SIGKILL);
    }
}
static void timers(void) {
    signal(SIGALRM, SIG_IGN);
    signal(SIGRTMIN, SIG_IGN);
    struct itimerspec soon = {{0, 1}, {0, 0}};
    clock_gettime(CLOCK_MONOTONIC, &soon.it_value);
    soon.it_value.tv_sec += 1;
    struct sigevent notice = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t timer;
    for (int i = 0; i < 4000 && !timer_create(CLOCK_MONOTONIC, &notice, &timer); ++i) timer_settime(timer, TIMER_ABSTIME, &soon, 0);
    struct itimerval often = {{0, 1}, {0, 1}};
    setitimer(ITIMER_PROF, &often, 0);
    setitimer(ITIMER_REAL, &often, 0);
    for (;;) {}
}

// ---------------------------------------------------------------- futexes

static uint32_t words[8];
static void* any_futex(void* unused) {
    struct timespec short_time = {0, 1000000};
    for (;;) {
        uint32_t* at = &words[dice(8)];
        if (dice(20) == 0) at = (uint32_t*)(uintptr_t)dice(1 << 20);
        syscall(SYS_futex, at, dice(16) | (dice(2) ? 128 : 0) | (dice(4) ? 0 : 256), dice(3), dice(2) ? &short_time : 0, &words[dice(8)], dice(5));
        if (dice(50) == 0) *(uint32_t volatile*)&words[dice(8)] = dice(2) ? 0 : (uint32_t)syscall(SYS_gettid);
    }
    return unused;
}
static void futexes(void) { start(any_futex, 6), nap(0); }

struct robust { struct robust* next; long offset; struct robust* pending; };
static void* bad_robust_list(void* which) {
    static struct robust heads[8];
    struct robust* const head = &heads[(long)which % 8];
    head->next = dice(3) == 0 ? head : dice(2) ? (struct robust*)8 : &heads[dice(8)];
    head->offset = dice(2) ? 16 : 1l << 62;
    head->pending = dice(2) ? head : (struct robust*)(1ul << 47);
    syscall(SYS_set_robust_list, head, sizeof *head);
    syscall(SYS_exit, 0);
    return 0;
}
static void robust(void) {
    for (;;) {
        pid_t const child = fork();
        if (child == 0) start(bad_robust_list, 20), sleep_ms(20), _exit(0);
        if (child < 0 || waitpid(child, 0, 0) < 0) sched_yield();
    }
}

// ---------------------------------------------------------------- terminals, /proc

static void sequences(void) {
    static char const* const all[] = {"\33#8", "\33[2J", "\33[99L", "\33c", "\33[?1049h\33[?1049l", "\33]P0123456"};
    char bytes[PAGE];
    for (;;) {
        char const* const one = all[dice(6)];
        size_t const length = strlen(one);
        size_t filled = 0;
        for (; filled + length <= sizeof bytes; filled += length) memcpy(bytes + filled, one, length);
        write(screen, bytes, filled);
    }
}
static void long_lines(void) {
    int const master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), off = 0;
    ioctl(master, _IOW('T', 0x31, int), &off);
    int number = 0;
    ioctl(master, _IOR('T', 0x30, unsigned), &number);
    char path[32], bytes[256];
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    open(path, O_RDWR | O_NOCTTY);
    for (;;) {
        for (int i = 0; i < 16; ++i) memset(bytes, dice(4) ? 'x' : '\t', sizeof bytes), write(master, bytes, sizeof bytes);
        for (int i = 0; i < 100; ++i) write(master, "\22", 1), read(master, bytes, sizeof bytes);
        write(master, "\25", 1);
    }
}
static void read_proc(void) {
    static char const* const names[] = {"maps", "status", "stat", "fd", "auxv", "environ", "mounts"};
    static char text[1 << 16];
    for (;;) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%u/%s", 1 + dice(2000), names[dice(7)]);
        int const fd = open(path, O_RDONLY);
        read(fd, text, sizeof text);
        syscall(SYS_getdents64, fd, text, sizeof text);
        close(fd);
    }
}

static struct attack { char const* name; void (*run)(void); } const attacks[] = {
    {"circles", circles}, {"bad_buffers", bad_buffers}, {"polls", polls}, {"many_names", many_names}, {"one_list", one_list}, {"fill", fill},
    {"cut", cut}, {"modes", modes}, {"locks", locks}, {"remap", remap}, {"any_mapping", any_mapping}, {"populate", populate}, {"eat", eat},
    {"pipes", pipes}, {"fork_bomb", fork_bomb}, {"thread_bomb", thread_bomb}, {"exec_beside_clone", exec_beside_clone}, {"vforks", vforks},
    {"everyone", everyone}, {"timers", timers}, {"futexes", futexes}, {"robust", robust}, {"sequences", sequences}, {"long_lines", long_lines},
    {"read_proc", read_proc},
};
enum { COUNT = sizeof attacks / sizeof *attacks };

// ---------------------------------------------------------------- root's part

static void become_user(void) {
    struct rlimit const processes = {600, 600};
    setrlimit(RLIMIT_NPROC, &processes);
    if (setgroups(0, 0) || setgid(USER) || setuid(USER)) _exit(3);
}

/// In the attack's directory: what it has left there goes.
static void clean(void) {
    DIR* const list = opendir(".");
    for (struct dirent* entry; list && (entry = readdir(list));) unlink(entry->d_name);
    if (list) closedir(list);
    unlink("/dev/shm/siege");
}

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/// One attack again and again until `end`; what it prints is how often.
static void besiege(struct attack const* attack, uint64_t end) {
    char place[64];
    snprintf(place, sizeof place, "/tmp/siege.%s", attack->name);
    mkdir(place, 0777), chown(place, USER, USER), chdir(place);
    unsigned rounds = 0;
    for (; now_ms() < end; ++rounds) {
        pid_t const attacker = fork();
        if (attacker < 0) {
            sleep_ms(100);
            continue;
        }
        if (attacker == 0) {
            setpgid(0, 0);
            seed = now_ms() * 31 + (uint64_t)getpid();
            become_user();
            attack->run();
            _exit(0);
        }
        setpgid(attacker, attacker);
        uint64_t const stop = now_ms() + 500 + dice(MOST_ROUND_MS);
        while (now_ms() < stop && now_ms() < end && waitpid(attacker, 0, WNOHANG) == 0) sleep_ms(50);
        kill(-attacker, SIGKILL), kill(attacker, SIGKILL);
        waitpid(attacker, 0, 0);
        clean();
    }
    chdir("/"), rmdir(place);
    printf("%s %u\n", attack->name, rounds);
    fflush(stdout);
    _exit(0);
}

/// Everything of the user's, from within: who was not in its attack's group either.
static void kill_user(void) {
    pid_t const killer = fork();
    if (killer == 0) {
        setgid(USER), setuid(USER);
        for (int i = 0; i < 100 && !kill(-1, SIGKILL); ++i) sleep_ms(20);
        _exit(0);
    }
    waitpid(killer, 0, 0);
}

static int is_wanted(char const* name, int count, char** words) {
    for (int i = 2; i < count; ++i)
        if (!strcmp(words[i], name)) return 1;
    return count <= 2;
}

int main(int count, char** words) {
    self = words[0];
    if (count < 2) return 2;
    if (!strcmp(words[1], "nothing")) return 0;
    screen = open("/dev/tty1", O_RDWR | O_NOCTTY);
    uint64_t const end = now_ms() + strtoull(words[1], 0, 10) * 1000;
    for (int i = 0; i < COUNT; ++i)
        if (is_wanted(attacks[i].name, count, words) && fork() == 0) besiege(&attacks[i], end);
    while (waitpid(-1, 0, 0) > 0) {}
    kill_user();
    unlink("/dev/shm/siege");
    puts("siege ended");
    return 0;
}
