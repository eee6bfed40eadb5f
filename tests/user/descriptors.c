// SPDX-License-Identifier: MIT
// Descriptors: dup, fcntl, close-on-exec, offsets shared across dup and fork, limits.
#include "test.h"

static int make_file(char const* name, char const* text) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

TEST(the_lowest_free_number) {
    int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = open("/dev/null", O_RDONLY);
    CHECK(b == a + 1 && c == b + 1);
    close(a);
    CHECK(dup(c) == a);
    CHECK(fcntl(c, F_DUPFD, 20) == 20);
    CHECK(fcntl(c, F_DUPFD, 20) == 21);
    CHECK(fcntl(c, F_DUPFD_CLOEXEC, 10) == 10);
    CHECK(fcntl(10, F_GETFD) == FD_CLOEXEC && fcntl(20, F_GETFD) == 0);
}

TEST(dup2_and_dup3) {
    int fd = make_file("f", "hello");
    CHECK(dup2(fd, fd) == fd);
    CHECK(dup2(fd, 50) == 50);
    CHECK(dup2(fd, 50) == 50);
    CHECK(fcntl(50, F_GETFD) == 0);
    CHECK(dup3(fd, 51, O_CLOEXEC) == 51 && fcntl(51, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(syscall(SYS_dup3, fd, fd, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_dup3, fd, 52, 0x1234), EINVAL);   // musl falls back to dup2
    CHECK_ERRNO(dup2(99, 5), EBADF);
    CHECK_ERRNO(dup2(99, 99), EBADF);
    CHECK_ERRNO(dup2(fd, -1), EBADF);
    CHECK_ERRNO(dup2(fd, 1 << 30), EBADF);
    CHECK_ERRNO(dup(-1), EBADF);
    CHECK_ERRNO(fcntl(fd, F_DUPFD, -1), EINVAL);
    CHECK_ERRNO(close(99), EBADF);
    CHECK(close(fd) == 0);
    CHECK_ERRNO(close(fd), EBADF);
    char text[6] = "";
    lseek(50, 0, SEEK_SET);
    CHECK(read(51, text, 5) == 5 && !strcmp(text, "hello"));
}

TEST(offset_is_shared_by_dup) {
    int fd = make_file("f", "0123456789"), second = dup(fd), own = open("f", O_RDONLY);
    char byte;
    lseek(fd, 3, SEEK_SET);
    CHECK(read(second, &byte, 1) == 1 && byte == '3');
    CHECK(lseek(fd, 0, SEEK_CUR) == 4);
    CHECK(read(own, &byte, 1) == 1 && byte == '0');
    CHECK(fcntl(second, F_SETFL, O_APPEND) == 0);
    CHECK(fcntl(fd, F_GETFL) & O_APPEND);
    CHECK(!(fcntl(own, F_GETFL) & O_APPEND));
}

TEST(offset_is_shared_by_fork) {
    int fd = make_file("f", "");
    for (int i = 0; i < 10; ++i) {
        pid_t child = fork();
        if (child == 0) {
            char text[8];
            int length = sprintf(text, "%d,", i);
            _exit(write(fd, text, length) != length);
        }
        CHECK(ended_with(wait_for(child), 0));
    }
    char text[64] = "";
    lseek(fd, 0, SEEK_SET);
    SHOW(read(fd, text, sizeof text));
    say("%s\n", text);
}

TEST(concurrent_appends_lose_nothing) {
    enum { WRITERS = 4, RECORDS = 100 };
    int fd = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    REQUIRE(fd >= 0);
    for (int w = 0; w < WRITERS; ++w)
        if (fork() == 0) {
            int own = open("log", O_WRONLY | O_APPEND);
            for (int i = 0; i < RECORDS; ++i)
                if (write(own, "0123456789abcde\n", 16) != 16) _exit(1);
            _exit(0);
        }
    for (int w = 0; w < WRITERS; ++w) {
        int status;
        CHECK(wait(&status) > 0 && ended_with(status, 0));
    }
    struct stat about;
    CHECK(stat("log", &about) == 0);
    CHECK(about.st_size == WRITERS * RECORDS * 16);
    char line[17] = "";
    int own = open("log", O_RDONLY);
    for (int i = 0; i < WRITERS * RECORDS; ++i) REQUIRE(read(own, line, 16) == 16 && !strcmp(line, "0123456789abcde\n"));
}

TEST(close_on_exec) {
    int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fcntl(kept, F_GETFD) == 0 && fcntl(closed, F_GETFD) == FD_CLOEXEC);
    int later = open("/dev/null", O_RDONLY);
    CHECK(fcntl(later, F_SETFD, FD_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(fcntl(closed, F_GETFD) == FD_CLOEXEC);   // fork keeps them
        char numbers[3][8];
        sprintf(numbers[0], "%d", kept);
        sprintf(numbers[1], "%d", closed);
        sprintf(numbers[2], "%d", later);
        execl("/proc/self/exe", "descriptors", "--open", numbers[0], numbers[1], numbers[2], NULL);
        _exit(50);
    }
    CHECK(ended_with(wait_for(child), 1));   // a mask of those that are open in the new program
}

void when_executed(int count, char** words) {
    if (count < 3 || strcmp(words[1], "--open")) return;
    int mask = 0;
    for (int i = 2; i < count; ++i)
        if (fcntl(atoi(words[i]), F_GETFD) != -1) mask |= 1 << (i - 2);
    _exit(mask);
}

TEST(fcntl_errors) {
    CHECK_ERRNO(fcntl(99, F_GETFD), EBADF);
    CHECK_ERRNO(fcntl(99, F_GETFL), EBADF);
    CHECK_ERRNO(fcntl(0, 12345), EINVAL);
    CHECK_ERRNO(fcntl(0, F_DUPFD, 1 << 30), EINVAL);
}

TEST(many_open_files) {
    int first = open("/dev/null", O_RDONLY), fd = first, last = first;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd < 400) last = fd;
    CHECK(last >= 250);
    for (fd = first; fd <= last; ++fd) CHECK(close(fd) == 0);
    CHECK(open("/dev/null", O_RDONLY) == first);
}

TEST(descriptors_of_the_parent_stay) {
    int fd = make_file("f", "x");
    pid_t child = fork();
    if (child == 0) {
        close(fd);
        _exit(fcntl(fd, F_GETFD) != -1);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(fcntl(fd, F_GETFD) == 0);
}

TEST(readv_and_writev) {
    int fd = make_file("f", "");
    struct { void* base; size_t length; } parts[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
    CHECK(syscall(SYS_writev, fd, parts, 3) == 7);
    CHECK(syscall(SYS_writev, fd, parts, 0) == 0);
    CHECK_ERRNO(syscall(SYS_writev, fd, parts, -1), EINVAL);
    CHECK_ERRNO(syscall(SYS_writev, fd, parts, 1025), EINVAL);
    CHECK_ERRNO(syscall(SYS_writev, fd, (void*)16, 2), EFAULT);
    char text[16] = "";
    lseek(fd, 0, SEEK_SET);
    CHECK(read(fd, text, sizeof text) == 7 && !strcmp(text, "one two"));
}
