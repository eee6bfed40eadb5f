// SPDX-License-Identifier: MIT
// timeout: 60
// timerfd_create(2) and signalfd(2).
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static struct itimerspec every(long value_ns, long interval_ns) {
    return (struct itimerspec){{interval_ns / 1000000000, interval_ns % 1000000000}, {value_ns / 1000000000, value_ns % 1000000000}};
}
static long ns_of(struct timespec t) { return t.tv_sec * 1000000000l + t.tv_nsec; }
static struct timespec now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t;
}
static int ready(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}
static sigset_t set_of(int a, int b) {
    sigset_t set;
    sigemptyset(&set);
    if (a) sigaddset(&set, a);
    if (b) sigaddset(&set, b);
    return set;
}
static void block(int a, int b) { sigset_t set = set_of(a, b); sigprocmask(SIG_BLOCK, &set, NULL); }

TEST(a_timer_file_expires) {
    static clockid_t const clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; ++i) {
        int fd = timerfd_create(clocks[i], 0);
        REQUIRE(fd >= 0);
        struct itimerspec it = every(10000000, 0), got;
        uint64_t ticks[2] = {77, 77};
        struct timespec start = now(clocks[i]);
        CHECK(timerfd_gettime(fd, &got) == 0 && ns_of(got.it_value) == 0 && ns_of(got.it_interval) == 0);
        CHECK(timerfd_settime(fd, 0, &it, &got) == 0 && ns_of(got.it_value) == 0);
        CHECK(timerfd_gettime(fd, &got) == 0 && ns_of(got.it_value) <= 10000000);
        CHECK(read(fd, ticks, sizeof ticks) == 8 && ticks[0] == 1 && ticks[1] == 77);
        CHECK(ns_of(now(clocks[i])) - ns_of(start) >= 10000000);
        CHECK(ready(fd) == 0 && timerfd_gettime(fd, &got) == 0 && ns_of(got.it_value) == 0);
        close(fd);
    }
}

TEST(periods_are_counted) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    struct itimerspec it = every(1000000, 1000000), got;
    uint64_t ticks = 0;
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
    struct timespec start = now(CLOCK_MONOTONIC);
    CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
    sleep_ms(40);
    CHECK(ready(fd) == POLLIN && read(fd, &ticks, 8) == 8);
    CHECK(ticks >= 35 && (long)ticks <= (ns_of(now(CLOCK_MONOTONIC)) - ns_of(start)) / 1000000);
    CHECK(timerfd_gettime(fd, &got) == 0 && ns_of(got.it_interval) == 1000000 && ns_of(got.it_value) <= 1000000);
    sleep_ms(10);
    CHECK(timerfd_gettime(fd, &got) == 0 && ready(fd) == POLLIN);   // asking takes nothing away
    it = every(0, 5);
    CHECK(timerfd_settime(fd, 0, &it, &got) == 0 && ns_of(got.it_interval) == 1000000);
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);    // setting forgets what was not read
    CHECK(timerfd_gettime(fd, &got) == 0 && ns_of(got.it_value) == 0 && ns_of(got.it_interval) == 5);
    it = every(1, 1);                            // the shortest interval costs no more than its reader
    CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
    sleep_ms(20);
    CHECK(read(fd, &ticks, 8) == 8 && ticks >= 10000000);
    for (int i = 0; i < 100; ++i) while (read(fd, &ticks, 8) != 8) { }
}

TEST(absolute_moments) {
    static clockid_t const clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
    for (int i = 0; i < 2; ++i) {
        int fd = timerfd_create(clocks[i], 0);
        struct itimerspec it = {{0, 0}, {0, 1}};
        uint64_t ticks = 0;
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0 && read(fd, &ticks, 8) == 8 && ticks == 1);
        it.it_value = now(clocks[i]);
        it.it_value.tv_sec += 500;
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &it, NULL) == 0);
        CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec >= 400 && it.it_value.tv_sec < 500 && ready(fd) == 0);
        it.it_value = now(clocks[i]);
        it.it_interval = (struct timespec){1000, 0};
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0 && read(fd, &ticks, 8) == 8 && ticks == 1);
        CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec >= 900);
        close(fd);
    }
}

TEST(errors_of_timer_files) {
    struct itimerspec it = every(1, 0);
    uint64_t ticks;
    CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC_RAW, 0), EINVAL);
    CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
    CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK_ERRNO(read(fd, &ticks, 7), EINVAL);
    CHECK_ERRNO(write(fd, &ticks, 8), EINVAL);
    CHECK_ERRNO(timerfd_settime(fd, 4, &it, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(1, 0, &it, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(-1, 0, &it, NULL), EBADF);
    CHECK_ERRNO(timerfd_gettime(1, &it), EINVAL);
    CHECK_ERRNO(timerfd_gettime(-1, &it), EBADF);
    CHECK_ERRNO(syscall(SYS_timerfd_settime, fd, 0, NULL, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_timerfd_gettime, fd, (void*)8), EFAULT);
    it.it_value.tv_nsec = 1000000000;
    CHECK_ERRNO(timerfd_settime(fd, 0, &it, NULL), EINVAL);
    it.it_value.tv_nsec = 1;
    CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
    CHECK_ERRNO(read(fd, (void*)8, 8), EFAULT);
    char name[64] = {0};
    CHECK(readlink("/proc/self/fd/3", name, sizeof name - 1) > 0);
    say("%s\n", name);
}

static volatile sig_atomic_t count;
static void on_signal(int number) { (void)number; count++; }
TEST(sleeping_readers) {
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pid_t child = fork();
    if (child == 0) {                            // the timer is shared
        uint64_t ticks = 0;
        _exit(read(fd, &ticks, 8) == 8 && ticks == 1 ? 0 : 1);
    }
    sleep_ms(10);
    struct itimerspec it = every(1000000, 0);
    CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
    CHECK(ended_with(wait_for(child), 0));
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    uint64_t ticks;
    CHECK_ERRNO(read(fd, &ticks, 8), EINTR);
}

TEST(timer_files_in_epoll) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd}, got;
    CHECK(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK(epoll_wait(poller, &got, 1, 0) == 0);
    struct itimerspec it = every(1000000, 0);
    for (int i = 0; i < 3; ++i) {
        CHECK(timerfd_settime(fd, 0, &it, NULL) == 0);
        CHECK(epoll_wait(poller, &got, 1, -1) == 1 && got.data.fd == fd && got.events == EPOLLIN);
    }
    close(fd);
}

// ---------------------------------------------------------------- signalfd

TEST(signals_are_read) {
    block(SIGUSR1, SIGRTMIN);
    sigset_t set = set_of(SIGUSR1, SIGRTMIN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    struct signalfd_siginfo info[4];
    CHECK(ready(fd) == 0);
    CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
    kill(getpid(), SIGUSR1);
    union sigval value = {.sival_ptr = (void*)0x1234567890abl};
    sigqueue(getpid(), SIGRTMIN, value);
    syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN);
    CHECK(ready(fd) == POLLIN);
    memset(info, 0xff, sizeof info);
    CHECK(read(fd, info, sizeof info) == 3 * 128);
    for (int i = 0; i < 3; ++i) {
        say("%s code %d errno %d own %d uid %d fd %d tid %u band %u overrun %u trapno %u status %d int %x ptr %llx utime %llu stime %llu addr %llx\n",
            info[i].ssi_signo == (unsigned)SIGUSR1 ? "USR1" : "RT", info[i].ssi_code, info[i].ssi_errno, info[i].ssi_pid == (unsigned)getpid(),
            info[i].ssi_uid == getuid(), info[i].ssi_fd, info[i].ssi_tid, info[i].ssi_band, info[i].ssi_overrun, info[i].ssi_trapno,
            info[i].ssi_status, info[i].ssi_int, (unsigned long long)info[i].ssi_ptr, (unsigned long long)info[i].ssi_utime,
            (unsigned long long)info[i].ssi_stime, (unsigned long long)info[i].ssi_addr);
    }
    CHECK(ready(fd) == 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGRTMIN);
    CHECK(read(fd, info, 128 + 100) == 128 && info[0].ssi_signo == SIGUSR1);   // only whole ones
    CHECK_ERRNO(read(fd, info, 127), EINVAL);
    CHECK_ERRNO(write(fd, info, 128), EINVAL);
    CHECK_ERRNO(read(fd, (void*)8, 128), EFAULT);
}

TEST(children_and_timers) {
    block(SIGCHLD, SIGALRM);
    sigset_t set = set_of(SIGCHLD, SIGALRM);
    int fd = signalfd(-1, &set, 0);
    pid_t child = fork();
    if (child == 0) _exit(7);
    struct signalfd_siginfo info;
    CHECK(read(fd, &info, sizeof info) == sizeof info);
    CHECK(info.ssi_signo == SIGCHLD && info.ssi_code == CLD_EXITED && info.ssi_status == 7 && info.ssi_pid == (unsigned)child && info.ssi_ptr == 0);
    wait_for(child);
    int id;
    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id) == 0);
    struct itimerspec it = every(1000000, 1000000);
    syscall(SYS_timer_settime, id, 0, &it, NULL);
    sleep_ms(20);
    for (int i = 0; i < 3; ++i) {
        CHECK(read(fd, &info, sizeof info) == sizeof info);
        CHECK(info.ssi_signo == SIGALRM && info.ssi_code == SI_TIMER && info.ssi_tid == (unsigned)id && info.ssi_int == id && info.ssi_pid == 0);
        CHECK(i || info.ssi_overrun >= 15);
    }
}

TEST(the_mask_changes) {
    block(SIGUSR1, SIGUSR2);
    sigset_t first = set_of(SIGUSR1, 0), second = set_of(SIGUSR2, SIGKILL);
    int fd = signalfd(-1, &first, SFD_NONBLOCK);
    struct signalfd_siginfo info;
    kill(getpid(), SIGUSR2);
    CHECK(ready(fd) == 0);
    CHECK(signalfd(fd, &second, 0) == fd && ready(fd) == POLLIN);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR2);
    CHECK_ERRNO(signalfd(1, &first, 0), EINVAL);
    CHECK_ERRNO(signalfd(99, &first, 0), EBADF);
    CHECK_ERRNO(signalfd(fd, &first, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_signalfd4, fd, &first, 4, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_signalfd4, -1, (void*)8, 8, 0), EFAULT);
    CHECK(syscall(SYS_signalfd, fd, &first, 8) == fd);
}

TEST(readers_wait_for_signals) {
    block(SIGUSR1, 0);
    sigset_t set = set_of(SIGUSR1, 0);
    int fd = signalfd(-1, &set, 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sleep_ms(20);
        kill(parent, SIGUSR1);
        sleep_ms(20);
        kill(parent, SIGUSR1);
        sleep_ms(20);
        kill(parent, SIGALRM);
        _exit(0);
    }
    struct signalfd_siginfo info;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1 && info.ssi_pid == (unsigned)child);
    int polled;
    do polled = poll(&p, 1, -1); while (polled == -1 && errno == EINTR);
    CHECK(polled == 1 && p.revents == POLLIN);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    CHECK(read(fd, &info, sizeof info) == sizeof info);
    if (!count) CHECK_ERRNO(read(fd, &info, sizeof info), EINTR);
    wait_for(child);
}

TEST(a_child_reads_its_own_signals) {
    block(SIGUSR1, 0);
    sigset_t set = set_of(SIGUSR1, 0);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    kill(getpid(), SIGUSR1);
    struct signalfd_siginfo info;
    pid_t child = fork();
    if (child == 0) {
        CHECK(ready(fd) == 0);
        CHECK_ERRNO(read(fd, &info, sizeof info), EAGAIN);
        kill(getpid(), SIGUSR1);
        CHECK(ready(fd) == POLLIN && read(fd, &info, sizeof info) == sizeof info && info.ssi_pid == (unsigned)getpid());
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(read(fd, &info, sizeof info) == sizeof info && info.ssi_pid == (unsigned)getpid());
}

static void* signals_process(void* argument) {
    (void)argument;
    sleep_ms(10);
    kill(getpid(), SIGUSR1);
    return NULL;
}
TEST(signal_files_in_epoll) {
    block(SIGUSR1, 0);
    sigset_t set = set_of(SIGUSR1, 0);
    int fd = signalfd(-1, &set, SFD_NONBLOCK), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 5}, got;
    CHECK(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(poller, &got, 1, 0) == 0);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, signals_process, NULL) == 0);
    CHECK(epoll_wait(poller, &got, 1, -1) == 1 && got.data.u64 == 5 && got.events == EPOLLIN);
    pthread_join(thread, NULL);
    struct signalfd_siginfo info;
    CHECK(read(fd, &info, sizeof info) == sizeof info && epoll_wait(poller, &got, 1, 0) == 0);
    pid_t child = fork();                        // the file outlives who watches it
    if (child == 0) {
        epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
        _exit(0);
    }
    wait_for(child);
    kill(getpid(), SIGUSR1);
    CHECK(epoll_wait(poller, &got, 1, -1) == 1);
}
