// SPDX-License-Identifier: MIT
// epoll(7): level and edge, one shot, nesting, closing, waiting.
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <poll.h>

static int control(int epoll, int operation, int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.u64 = 1000 + fd};
    return epoll_ctl(epoll, operation, fd, &event);
}
static int count(int epoll) {
    struct epoll_event events[8];
    return epoll_wait(epoll, events, 8, 0);
}
static void signal_event(int fd) { uint64_t one = 1; (void)!write(fd, &one, 8); }
static void take_event(int fd) { uint64_t value; (void)!read(fd, &value, 8); }

TEST(level_triggered) {
    int epoll = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, 0);
    CHECK(fcntl(epoll, F_GETFD) == FD_CLOEXEC);
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    CHECK(count(epoll) == 0);
    signal_event(fd);
    struct epoll_event event = {0};
    CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.events == EPOLLIN && event.data.u64 == 1000u + fd);
    CHECK(count(epoll) == 1);
    take_event(fd);
    CHECK(count(epoll) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 1 && event.events == EPOLLOUT);
    CHECK(control(epoll, EPOLL_CTL_DEL, fd, 0) == 0);
    CHECK(count(epoll) == 0);
}

TEST(edge_triggered) {
    int epoll = epoll_create1(0), ends[2];
    REQUIRE(pipe(ends) == 0);
    (void)!write(ends[1], "x", 1);
    CHECK(control(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET) == 0);
    CHECK(count(epoll) == 1);
    CHECK(count(epoll) == 0);
    (void)!write(ends[1], "x", 1);
    CHECK(count(epoll) == 1);
    CHECK(count(epoll) == 0);
    close(ends[1]);
    struct epoll_event event;
    CHECK(epoll_wait(epoll, &event, 1, 0) == 1);
    CHECK(event.events == (EPOLLIN | EPOLLHUP));
}

TEST(one_shot) {
    int epoll = epoll_create(1), fd = eventfd(1, 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT) == 0);
    CHECK(count(epoll) == 1);
    CHECK(count(epoll) == 0);
    signal_event(fd);
    CHECK(count(epoll) == 0);
    CHECK(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT) == 0);
    CHECK(count(epoll) == 1);
    CHECK(count(epoll) == 0);
}

TEST(errors) {
    int epoll = epoll_create1(0), fd = eventfd(0, 0), file = open("/tmp", O_RDONLY);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_ERRNO(epoll_create1(1), EINVAL);
    CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
    static char const* const some[] = {"/proc/mounts", "/proc/self/mountinfo", "/proc/uptime", "/proc/sys/kernel/pid_max", "/proc/self/status", "/proc/self/fd"};
    for (int i = 0; i < 6; ++i) {
        errno = 0;
        int added = control(epoll, EPOLL_CTL_ADD, open(some[i], O_RDONLY), EPOLLPRI);
        say("%s: %d, errno %d\n", some[i], added, errno);
    }
    CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN), EINVAL);
    CHECK_ERRNO(control(fd, EPOLL_CTL_ADD, epoll, EPOLLIN), EINVAL);
    CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, 77, EPOLLIN), EBADF);
    CHECK_ERRNO(control(77, EPOLL_CTL_ADD, fd, EPOLLIN), EBADF);
    CHECK_ERRNO(control(epoll, 9, fd, EPOLLIN), EINVAL);
    CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
    CHECK_ERRNO(control(epoll, EPOLL_CTL_DEL, fd, EPOLLIN), ENOENT);
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, (void*)8), EFAULT);
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
    CHECK_ERRNO(epoll_wait(epoll, &event, 0, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(fd, &event, 1, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(77, &event, 1, 0), EBADF);
    signal_event(fd);
    CHECK_ERRNO(epoll_wait(epoll, (void*)8, 1, 0), EFAULT);
    CHECK(count(epoll) == 1);
}

TEST(nested) {
    int outer = epoll_create1(0), inner = epoll_create1(0), fd = eventfd(0, 0);
    CHECK(control(inner, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    CHECK(control(outer, EPOLL_CTL_ADD, inner, EPOLLIN) == 0);
    CHECK_ERRNO(control(inner, EPOLL_CTL_ADD, outer, EPOLLIN), ELOOP);
    CHECK(count(outer) == 0);
    signal_event(fd);
    CHECK(count(outer) == 1);
    struct pollfd entry = {outer, POLLIN, 0};
    CHECK(poll(&entry, 1, 0) == 1 && entry.revents == POLLIN);
    take_event(fd);
    CHECK(poll(&entry, 1, 0) == 0);
    CHECK(count(outer) == 0);
    if (fork() == 0) { sleep_ms(30); signal_event(fd); _exit(0); }
    struct epoll_event event;
    CHECK(epoll_wait(outer, &event, 1, 5000) == 1 && event.data.u64 == 1000u + inner);
    wait(NULL);
    int chain[10];
    chain[0] = epoll_create1(0);
    int links = 0;
    for (int i = 1; i < 10; ++i) {
        chain[i] = epoll_create1(0);
        if (control(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN) != 0) { CHECK(errno == ELOOP); break; }
        ++links;
    }
    CHECK(links >= 3 && links < 9);
}

TEST(closing_ends_a_watch) {
    int epoll = epoll_create1(0), fd = eventfd(1, 0), copy = dup(fd);
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, copy, EPOLLIN) == 0);
    CHECK(count(epoll) == 2);
    close(fd);
    CHECK(count(epoll) == 2);           // the description is still open
    close(copy);
    CHECK(count(epoll) == 0);
    fd = eventfd(1, 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    close(epoll);
    signal_event(fd);
}

TEST(waits_and_times_out) {
    int epoll = epoll_create1(0), fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    struct epoll_event event;
    CHECK(control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 20) == 0);
    struct timespec time = {0, 20000000};
    CHECK(syscall(SYS_epoll_pwait2, epoll, &event, 1, &time, NULL, 8) == 0);
    for (int i = 0; i < 3; ++i)
        if (fork() == 0) {
            int taken = 0;
            uint64_t value;
            while (taken < 20) {
                if (epoll_wait(epoll, &event, 1, 10000) != 1) _exit(1);
                taken += read(fd, &value, 8) == 8;
            }
            _exit(0);
        }
    for (int i = 0; i < 60; ++i) { signal_event(fd); if (i % 7 == 0) sleep_ms(2); }
    int status;
    for (int i = 0; i < 3; ++i) CHECK(wait(&status) > 0 && status == 0);
}

static void on_signal(int number) { (void)number; }

TEST(a_signal_interrupts) {
    int epoll = epoll_create1(0);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    kill(getpid(), SIGUSR1);
    struct epoll_event event;
    CHECK_ERRNO(epoll_pwait(epoll, &event, 1, 5000, &none), EINTR);
    CHECK(epoll_pwait(epoll, &event, 1, 10, &none) == 0);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1) == 1);
}

/// Each level watches the one below under many numbers: a look at the outermost would follow every way.
TEST(too_many_ways_through_epolls_are_refused) {
    enum { LEVELS = 4, NUMBERS = 40 };
    int ends[2], refused = 0;
    REQUIRE(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    int below = ends[0];
    for (int level = 0; level < LEVELS; ++level) {
        int outer = epoll_create1(0);
        for (int i = 0; i < NUMBERS; ++i) {
            if (control(outer, EPOLL_CTL_ADD, dup(below), EPOLLIN) == 0) continue;
            CHECK(errno == EINVAL);
            ++refused;
        }
        below = outer;
    }
    CHECK(refused > 0);
    // Linux refuses sooner, so how many are found is not compared: only that it comes to an end.
    CHECK(count(below) >= 0);
}
