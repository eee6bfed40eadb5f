// SPDX-License-Identifier: MIT
// eventfd(2): counting, semaphores, blocking, poll.
#include "test.h"

#include <poll.h>
#include <sys/eventfd.h>

static uint64_t get(int fd) {
    uint64_t value = 0;
    return read(fd, &value, sizeof value) == sizeof value ? value : 0;
}
static int put(int fd, uint64_t value) { return write(fd, &value, sizeof value); }

TEST(a_read_takes_all) {
    int fd = eventfd(3, EFD_NONBLOCK);
    REQUIRE(fd >= 0);
    CHECK(put(fd, 4) == 8);
    CHECK(get(fd) == 7);
    uint64_t value;
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    CHECK_ERRNO(read(fd, &value, 7), EINVAL);
    CHECK_ERRNO(write(fd, &value, 7), EINVAL);
    CHECK_ERRNO(write(fd, (void*)8, 8), EFAULT);
    CHECK_ERRNO(put(fd, UINT64_MAX), EINVAL);
    CHECK(put(fd, UINT64_MAX - 1) == 8);
    CHECK_ERRNO(put(fd, 1), EAGAIN);
    struct pollfd entry = {fd, POLLIN | POLLOUT, 0};
    CHECK(poll(&entry, 1, 0) == 1 && entry.revents == POLLIN);
    CHECK(get(fd) == UINT64_MAX - 1);
    CHECK(poll(&entry, 1, 0) == 1 && entry.revents == POLLOUT);
}

TEST(semaphore_takes_one) {
    int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    uint64_t value;
    CHECK(get(fd) == 1);
    CHECK(get(fd) == 1);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
}

TEST(flags) {
    CHECK_ERRNO(eventfd(0, 8), EINVAL);
    int fd = eventfd(0, EFD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDWR);
    fd = syscall(SYS_eventfd, 5);
    CHECK(fcntl(fd, F_GETFD) == 0);
    CHECK(get(fd) == 5);
    struct stat status;
    CHECK(fstat(fd, &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST(readers_and_writers_wait) {
    int fd = eventfd(0, 0), back = eventfd(0, EFD_SEMAPHORE);
    for (int i = 0; i < 4; ++i)
        if (fork() == 0) {
            for (int round = 0; round < 100; ++round) {
                if (get(back) != 1) _exit(1);
                if (put(fd, 1) != 8) _exit(1);
            }
            _exit(0);
        }
    put(back, 400);
    uint64_t sum = 0;
    while (sum < 400) sum += get(fd);
    CHECK(sum == 400);
    int status;
    for (int i = 0; i < 4; ++i) CHECK(wait(&status) > 0 && status == 0);
    put(fd, UINT64_MAX - 1);
    if (fork() == 0) { sleep_ms(20); _exit(get(fd) == UINT64_MAX - 1 ? 0 : 1); }
    CHECK(put(fd, 5) == 8);          // waits for room
    CHECK(get(fd) == 5);
    CHECK(wait(&status) > 0 && status == 0);
}

static void on_alarm(int number) { (void)number; }

TEST(a_signal_interrupts) {
    int fd = eventfd(0, 0);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGUSR1, &action, NULL);
    pid_t me = getpid();
    if (fork() == 0) { sleep_ms(30); kill(me, SIGUSR1); _exit(0); }
    uint64_t value;
    CHECK_ERRNO(read(fd, &value, 8), EINTR);
    wait(NULL);
}
