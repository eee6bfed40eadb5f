// SPDX-License-Identifier: MIT
// pidfd_open(2), pidfd_send_signal(2), waitid(P_PIDFD).
#include "test.h"

#include <poll.h>

static int pid_file(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static long send_by(int fd, int number, siginfo_t* info) { return syscall(SYS_pidfd_send_signal, fd, number, info, 0); }
static int ready(int fd, int timeout) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout) == 1 ? p.revents : 0;
}
#define BY_FILE ((idtype_t)3)   // P_PIDFD

TEST(a_child_by_its_file) {
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    int fd = pid_file(child, 0);
    REQUIRE(fd >= 0);
    siginfo_t info;
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && ready(fd, 0) == 0);
    CHECK(send_by(fd, 0, NULL) == 0);
    memset(&info, 0, sizeof info);
    CHECK(waitid(BY_FILE, fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
    CHECK(send_by(fd, SIGTERM, NULL) == 0);
    CHECK(ready(fd, -1) == POLLIN);
    CHECK(waitid(BY_FILE, fd, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == child && info.si_status == SIGTERM && info.si_code == CLD_KILLED);
    CHECK(send_by(fd, 0, NULL) == 0);            // a zombie still is one
    CHECK(waitid(BY_FILE, fd, &info, WEXITED) == 0 && info.si_pid == child);
    CHECK((ready(fd, 0) & POLLIN) != 0);
    CHECK_ERRNO(send_by(fd, SIGTERM, NULL), ESRCH);
    CHECK_ERRNO(waitid(BY_FILE, fd, &info, WEXITED), ECHILD);
}

TEST(errors_of_pid_files) {
    siginfo_t info;
    CHECK_ERRNO(pid_file(0, 0), EINVAL);
    CHECK_ERRNO(pid_file(-1, 0), EINVAL);
    CHECK_ERRNO(pid_file(getpid(), 1), EINVAL);
    CHECK_ERRNO(pid_file(0x3ffffff, 0), ESRCH);
    CHECK_ERRNO(send_by(1, 0, NULL), EBADF);
    CHECK_ERRNO(send_by(-1, 0, NULL), EBADF);
    CHECK_ERRNO(waitid(BY_FILE, 1, &info, WEXITED), EBADF);
    CHECK_ERRNO(waitid(BY_FILE, 99, &info, WEXITED), EBADF);
    CHECK_ERRNO(waitid(BY_FILE, -1, &info, WEXITED), EINVAL);
    int self = pid_file(getpid(), 0);
    CHECK_ERRNO(send_by(self, 65, NULL), EINVAL);
    CHECK_ERRNO(send_by(self, SIGUSR1, (void*)8), EFAULT);
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR2;
    info.si_code = SI_QUEUE;
    CHECK_ERRNO(send_by(self, SIGUSR1, &info), EINVAL);
    CHECK_ERRNO(waitid(BY_FILE, self, &info, WEXITED), ECHILD);
    char byte;
    CHECK_ERRNO(read(self, &byte, 1), EINVAL);
}

TEST(a_file_that_never_waits) {
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    int fd = pid_file(child, O_NONBLOCK);
    siginfo_t info;
    CHECK_ERRNO(waitid(BY_FILE, fd, &info, WEXITED), EAGAIN);
    kill(child, SIGKILL);
    while (ready(fd, -1) == 0) { }
    CHECK(waitid(BY_FILE, fd, &info, WEXITED) == 0 && info.si_status == SIGKILL);
}
