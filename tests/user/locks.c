// SPDX-License-Identifier: MIT
// flock(2) and the locks of fcntl(2): owners, ranges, waiting, deadlocks.
#include "test.h"

#include <sys/file.h>

static char name[] = "/tmp/locksXXXXXX";

static int scratch(void) {
    strcpy(name, "/tmp/locksXXXXXX");
    return mkstemp(name);
}
static int lock(int fd, int command, int type, long start, long length) {
    struct flock wish = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &wish);
}
/// In a child: what stands in the way of a write lock on the range, as type * 1000000 + start * 1000 + length.
static long obstacle(int fd, long start, long length) {
    int ends[2];
    (void)!pipe(ends);
    if (fork() == 0) {
        struct flock wish = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
        long answer = -1;
        if (fcntl(fd, F_GETLK, &wish) == 0)
            answer = wish.l_type == F_UNLCK ? 0 : (wish.l_type == F_WRLCK ? 2000000 : 1000000) + wish.l_start * 1000 + wish.l_len +
                     (wish.l_pid == getppid() || wish.l_pid == -1 ? 0 : 5000000);
        (void)!write(ends[1], &answer, sizeof answer);
        _exit(0);
    }
    long answer = -2;
    (void)!read(ends[0], &answer, sizeof answer);
    wait(NULL);
    close(ends[0]);
    close(ends[1]);
    return answer;
}
static int child_gets(int command, int fd, int type, long start, long length) {
    pid_t child = fork();
    if (child == 0) _exit(lock(fd, command, type, start, length) == 0 ? 0 : errno);
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

TEST(ranges_split_and_join) {
    int fd = scratch();
    CHECK(lock(fd, F_SETLK, F_WRLCK, 10, 30) == 0);
    SHOW(obstacle(fd, 0, 0));
    CHECK(lock(fd, F_SETLK, F_UNLCK, 20, 5) == 0);
    SHOW(obstacle(fd, 0, 0));
    SHOW(obstacle(fd, 20, 5));
    SHOW(obstacle(fd, 21, 100));
    CHECK(lock(fd, F_SETLK, F_RDLCK, 30, 5) == 0);
    SHOW(obstacle(fd, 30, 1));
    SHOW(obstacle(fd, 35, 1));
    CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
    SHOW(obstacle(fd, 5, 1));
    CHECK(child_gets(F_SETLK, fd, F_RDLCK, 5, 1) == EAGAIN);
    int again = open(name, O_RDWR);
    close(again);                       // any close drops them all
    SHOW(obstacle(fd, 0, 0));
    unlink(name);
}

TEST(shared_and_exclusive) {
    int fd = scratch();
    unlink(name);
    CHECK(lock(fd, F_SETLK, F_RDLCK, 0, 10) == 0);
    CHECK(child_gets(F_SETLK, fd, F_RDLCK, 0, 10) == 0);
    CHECK(child_gets(F_SETLK, fd, F_WRLCK, 5, 10) == EAGAIN);
    CHECK(child_gets(F_SETLK, fd, F_WRLCK, 10, 10) == 0);
    CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);         // the children are gone, and so are their locks
}

TEST(errors) {
    int fd = scratch(), reader = open(name, O_RDONLY), path = open(name, O_PATH);
    unlink(name);
    CHECK_ERRNO(lock(reader, F_SETLK, F_WRLCK, 0, 1), EBADF);
    CHECK_ERRNO(lock(77, F_SETLK, F_WRLCK, 0, 1), EBADF);
    CHECK_ERRNO(lock(path, F_SETLK, F_RDLCK, 0, 1), EBADF);
    CHECK_ERRNO(lock(fd, F_SETLK, 9, 0, 1), EINVAL);
    CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, -1, 1), EINVAL);
    CHECK_ERRNO(lock(fd, F_GETLK, F_UNLCK, 0, 1), EINVAL);
    CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 5, LONG_MAX), EOVERFLOW);
    CHECK_ERRNO(fcntl(fd, F_SETLK, (void*)8), EFAULT);
    CHECK(lock(fd, F_SETLK, F_WRLCK, 10, -5) == 0);
    SHOW(obstacle(fd, 0, 0));
    CHECK_ERRNO(flock(fd, 0), EINVAL);
    CHECK_ERRNO(flock(77, LOCK_SH), EBADF);
    CHECK_ERRNO(flock(path, LOCK_SH), EBADF);
}

TEST(waits_until_it_is_free) {
    int fd = scratch();
    unlink(name);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        lock(fd, F_SETLKW, F_WRLCK, 0, 10);
        (void)!write(ends[1], "x", 1);
        sleep_ms(50);
        _exit(7);
    }
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK_ERRNO(lock(fd, F_SETLK, F_WRLCK, 9, 10), EAGAIN);
    CHECK(lock(fd, F_SETLKW, F_WRLCK, 9, 10) == 0);
    CHECK(ended_with(wait_for(child), 7));
}

TEST(a_circle_is_a_deadlock) {
    int fd = scratch();
    unlink(name);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
    pid_t child = fork();
    if (child == 0) {
        lock(fd, F_SETLK, F_WRLCK, 1, 1);
        (void)!write(ends[1], "x", 1);
        _exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : errno);
    }
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
    sleep_ms(50);
    CHECK_ERRNO(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0);
    CHECK(ended_with(wait_for(child), 0));
}

static void on_signal(int number) { (void)number; }

TEST(a_signal_ends_the_wait) {
    int fd = scratch(), other = open(name, O_RDWR);
    unlink(name);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    REQUIRE(flock(fd, LOCK_EX) == 0);
    pid_t me = getpid();
    if (fork() == 0) { sleep_ms(30); kill(me, SIGUSR1); _exit(0); }
    CHECK_ERRNO(flock(other, LOCK_EX), EINTR);
    wait(NULL);
}

TEST(flock_belongs_to_the_description) {
    int fd = scratch(), copy = dup(fd), other = open(name, O_RDONLY);
    unlink(name);
    CHECK(flock(fd, LOCK_SH) == 0);
    CHECK(flock(other, LOCK_SH) == 0);
    CHECK_ERRNO(flock(copy, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK(flock(other, LOCK_UN) == 0);
    CHECK(flock(copy, LOCK_EX | LOCK_NB) == 0);
    CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);          // another world
    close(fd);
    CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    close(copy);
    CHECK(flock(other, LOCK_SH | LOCK_NB) == 0);
}

TEST(description_locks) {
    int fd = scratch(), other = open(name, O_RDWR);
    unlink(name);
    CHECK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK_ERRNO(lock(other, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
    CHECK_ERRNO(lock(other, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
    struct flock wish = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(fcntl(other, F_OFD_GETLK, &wish) == 0 && wish.l_type == F_WRLCK && wish.l_pid == -1 && wish.l_len == 10);
    wish.l_pid = 5;
    CHECK_ERRNO(fcntl(other, F_OFD_SETLK, &wish), EINVAL);
    CHECK(child_gets(F_OFD_SETLK, fd, F_WRLCK, 0, 10) == 0);   // inherited: the same description
    pid_t child = fork();
    if (child == 0) { close(other); sleep_ms(30); _exit(0); }
    close(fd);
    CHECK(lock(other, F_OFD_SETLKW, F_WRLCK, 0, 10) == 0);
    wait(NULL);
}
