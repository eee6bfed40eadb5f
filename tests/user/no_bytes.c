// SPDX-License-Identifier: MIT
// Reads and writes of nothing, of every kind of file: by read(2), by no vector, by an empty vector, and at a position.
// (Of a text of /proc not at a position: Linux says ESPIPE of all such writes.)
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>

static long answer(long value) { return value == -1 ? -errno : value; }
static struct iovec empty[2];

static void try_none(char const* name, int fd) {
    if (!CHECK(fd >= 0)) return;
    say("%s: read %ld, readv %ld %ld, pread %ld, preadv %ld %ld; write %ld, writev %ld %ld\n", name,
        answer(syscall(SYS_read, fd, NULL, 0l)), answer(syscall(SYS_readv, fd, empty, 0l)), answer(syscall(SYS_readv, fd, empty, 2l)),
        answer(syscall(SYS_pread64, fd, NULL, 0l, 0l)), answer(syscall(SYS_preadv, fd, empty, 0l, 0l, 0l)), answer(syscall(SYS_preadv, fd, empty, 2l, 0l, 0l)),
        answer(syscall(SYS_write, fd, NULL, 0l)), answer(syscall(SYS_writev, fd, empty, 0l)), answer(syscall(SYS_writev, fd, empty, 2l)));
    if (strncmp(name, "/proc/self", 10))
        say("  pwrite %ld, pwritev %ld %ld\n", answer(syscall(SYS_pwrite64, fd, NULL, 0l, 0l)),
            answer(syscall(SYS_pwritev, fd, empty, 0l, 0l, 0l)), answer(syscall(SYS_pwritev, fd, empty, 2l, 0l, 0l)));
    say("  preadv2 %ld, pwritev2 %ld, appended %ld\n", answer(syscall(SYS_preadv2, fd, empty, 0l, -1l, -1l, 0)),
        answer(syscall(SYS_pwritev2, fd, empty, 0l, -1l, -1l, 0)), answer(syscall(SYS_pwritev2, fd, empty, 0l, -1l, -1l, 16)));
    close(fd);
}

TEST(nothing_of_each_kind) {
    int ends[2], unlocked = 0, number = -1;
    char name[32];
    sigset_t none;
    sigemptyset(&none);
    pipe2(ends, O_NONBLOCK);
    try_none("a pipe's reader", ends[0]);
    try_none("a pipe's writer, unread", ends[1]);
    pipe2(ends, O_NONBLOCK);
    try_none("a pipe's writer", ends[1]);
    try_none("a pipe's reader, unwritten", ends[0]);
    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type = type == SOCK_STREAM ? SOCK_DGRAM : type == SOCK_DGRAM ? SOCK_SEQPACKET : 99) {
        snprintf(name, sizeof name, "a socket of type %d", type);
        socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends);
        try_none(name, ends[0]);
    }
    try_none("eventfd", eventfd(0, EFD_NONBLOCK));
    try_none("eventfd with a count", eventfd(3, EFD_NONBLOCK));
    try_none("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    try_none("signalfd", signalfd(-1, &none, SFD_NONBLOCK));
    try_none("epoll", epoll_create1(0));
    // Newer kernels than 6.1 have another answer at a position: there are pidfds in a file system of their own.
    int const pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    say("pidfd: read %ld, readv %ld %ld; write %ld, writev %ld %ld\n", answer(syscall(SYS_read, pidfd, NULL, 0l)),
        answer(syscall(SYS_readv, pidfd, empty, 0l)), answer(syscall(SYS_readv, pidfd, empty, 2l)), answer(syscall(SYS_write, pidfd, NULL, 0l)),
        answer(syscall(SYS_writev, pidfd, empty, 0l)), answer(syscall(SYS_writev, pidfd, empty, 2l)));
    close(pidfd);
    try_none("memfd", syscall(SYS_memfd_create, "a", 0));
    try_none("a file", open("a", O_RDWR | O_CREAT, 0600));
    try_none("a file to read", open("a", O_RDONLY));
    try_none("a file to write", open("a", O_WRONLY));
    try_none("a name", open("a", O_PATH));
    try_none("a directory", open(".", O_RDONLY));
    try_none("/dev/null", open("/dev/null", O_RDWR));
    try_none("/dev/zero", open("/dev/zero", O_RDWR));
    try_none("/dev/full", open("/dev/full", O_RDWR));
    try_none("/dev/urandom", open("/dev/urandom", O_RDWR));
    try_none("/proc/self/status", open("/proc/self/status", O_RDONLY));
    try_none("/proc/self/comm", open("/proc/self/comm", O_RDWR));
    try_none("/proc", open("/proc", O_RDONLY));
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(master >= 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    int slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    try_none("a terminal", slave);
    try_none("a terminal's master", master);
    struct { long flags, most, size, count, unused[4]; } few = {.most = 1, .size = 8};
    long queue = syscall(SYS_mq_open, "aubrac_no_bytes", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &few);
    syscall(SYS_mq_unlink, "aubrac_no_bytes");
    try_none("a message queue", queue);
}
