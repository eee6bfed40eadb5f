// SPDX-License-Identifier: MIT
// select(2), pselect6(2), and poll(2) with many entries.
#include "test.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

static int raw_select(int count, void* in, void* out, void* except, struct timeval* timeout) {
    return syscall(SYS_select, count, in, out, except, timeout);
}

TEST(select_finds_what_is_ready) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    fd_set in, out;
    FD_ZERO(&in); FD_ZERO(&out);
    FD_SET(ends[0], &in); FD_SET(ends[1], &out);
    CHECK(raw_select(ends[1] + 1, &in, &out, NULL, NULL) == 1);
    CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    CHECK(write(ends[1], "x", 1) == 1);
    FD_SET(ends[0], &in);
    CHECK(raw_select(ends[1] + 1, &in, &out, NULL, NULL) == 2);
    CHECK(FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    close(ends[1]);
    FD_ZERO(&in); FD_SET(ends[0], &in);
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(raw_select(ends[0] + 1, &in, NULL, NULL, NULL) == 1);   // end of file is readable
}

TEST(select_times_out_and_writes_the_rest) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    fd_set in;
    FD_ZERO(&in); FD_SET(ends[0], &in);
    struct timeval time = {0, 30000};
    CHECK(raw_select(ends[0] + 1, &in, NULL, NULL, &time) == 0);
    CHECK(!FD_ISSET(ends[0], &in));
    CHECK(time.tv_sec == 0 && time.tv_usec == 0);
    time.tv_sec = 100;
    if (fork() == 0) { sleep_ms(30); (void)!write(ends[1], "x", 1); _exit(0); }
    FD_SET(ends[0], &in);
    CHECK(raw_select(ends[0] + 1, &in, NULL, NULL, &time) == 1);
    CHECK(time.tv_sec >= 90 && time.tv_sec < 100);
    wait(NULL);
    time.tv_sec = 0; time.tv_usec = 1000000;      // carried over
    CHECK(raw_select(ends[0] + 1, &in, NULL, NULL, &time) == 1);
}

TEST(select_errors) {
    fd_set in;
    FD_ZERO(&in); FD_SET(200, &in);
    CHECK_ERRNO(raw_select(-1, NULL, NULL, NULL, NULL), EINVAL);
    struct timeval bad = {-1, 0};
    CHECK_ERRNO(raw_select(0, NULL, NULL, NULL, &bad), EINVAL);
    CHECK_ERRNO(raw_select(1, (void*)8, NULL, NULL, NULL), EFAULT);
    CHECK_ERRNO(raw_select(0, NULL, NULL, NULL, (void*)8), EFAULT);
    FD_ZERO(&in);
    int fd = dup(1);
    close(fd);
    FD_SET(fd, &in);
    struct timeval none = {0, 0};
    CHECK_ERRNO(raw_select(fd + 1, &in, NULL, NULL, &none), EBADF);
    CHECK(raw_select(0, NULL, NULL, NULL, &none) == 0);
}

static volatile int caught;
static void on_signal(int number) { (void)number; ++caught; }

TEST(pselect_waits_under_a_mask) {
    struct sigaction action = {.sa_handler = on_signal};
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
    kill(getpid(), SIGUSR1);
    CHECK(caught == 0);
    struct { void* mask; size_t size; } argument = {&none, 8};
    struct timespec time = {10, 0};
    CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, &argument), EINTR);
    CHECK(caught == 1);
    CHECK(time.tv_sec == 9 && time.tv_nsec > 0);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1) == 1);
    argument.size = 7;
    CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, &argument), EINVAL);
    CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, (void*)8), EFAULT);
}

TEST(ppoll_writes_the_rest) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    struct timespec time = {0, 20000000};
    struct pollfd entry = {ends[0], POLLIN, 0};
    CHECK(syscall(SYS_ppoll, &entry, 1, &time, NULL, 8) == 0);
    CHECK(time.tv_sec == 0 && time.tv_nsec == 0);
}

TEST(poll_of_many) {
    enum { MANY = 1000 };
    static struct pollfd entries[MANY];
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    for (int i = 0; i < MANY; ++i) entries[i] = (struct pollfd){i % 2 ? -1 : ends[0], POLLIN, 99};
    entries[999].fd = ends[1];
    entries[999].events = POLLOUT;
    entries[998].fd = 777;
    CHECK(poll(entries, MANY, -1) == 2);
    CHECK(entries[999].revents == POLLOUT && entries[998].revents == POLLNVAL && entries[0].revents == 0 && entries[1].revents == 0);
    if (fork() == 0) { sleep_ms(20); (void)!write(ends[1], "x", 1); _exit(0); }
    CHECK(poll(entries, 998, -1) == 499);
    CHECK(entries[996].revents == POLLIN);
    wait(NULL);
    CHECK_ERRNO(poll(entries, 5000000, 0), EINVAL);
}
