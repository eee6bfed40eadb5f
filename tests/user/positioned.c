// SPDX-License-Identifier: MIT
// preadv(2), pwritev(2), preadv2(2), pwritev2(2), copy_file_range(2).
#include "test.h"

#include <sys/uio.h>

enum { HIPRI = 1, DSYNC = 2, APPEND = 16, UNKNOWN = 1 << 30 };

static int scratch(char const* text) {
    char name[] = "/tmp/positionedXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    (void)!write(fd, text, strlen(text));
    return fd;
}
static int holds(int fd, char const* text) {
    char buffer[200];
    ssize_t got = pread(fd, buffer, sizeof buffer, 0);
    return got == (ssize_t)strlen(text) && !memcmp(buffer, text, got);
}

TEST(vectors_at_positions) {
    int fd = scratch("0123456789");
    char a[3], b[4];
    struct iovec parts[] = {{a, 3}, {b, 4}};
    CHECK(preadv(fd, parts, 2, 2) == 7 && !memcmp(a, "234", 3) && !memcmp(b, "5678", 4));
    CHECK(preadv(fd, parts, 2, 8) == 2 && !memcmp(a, "89", 2));
    CHECK(preadv(fd, parts, 2, 100) == 0);
    memcpy(a, "abc", 3); memcpy(b, "defg", 4);
    CHECK(pwritev(fd, parts, 2, 1) == 7);
    CHECK(holds(fd, "0abcdefg89"));
    CHECK(lseek(fd, 0, SEEK_CUR) == 10);
    CHECK_ERRNO(syscall(SYS_preadv, fd, parts, 2, -5L, 0L), EINVAL);
    CHECK_ERRNO(syscall(SYS_pwritev, fd, parts, 2000, 0L, 0L), EINVAL);
    CHECK_ERRNO(syscall(SYS_preadv, fd, (void*)8, 2, 0L, 0L), EFAULT);
    CHECK_ERRNO(syscall(SYS_preadv, 77, parts, 2, 0L, 0L), EBADF);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    CHECK_ERRNO(syscall(SYS_preadv, ends[0], parts, 2, 0L, 0L), ESPIPE);
}

TEST(second_versions_take_flags) {
    int fd = scratch("0123456789");
    char a[4];
    struct iovec part = {a, 4};
    CHECK(lseek(fd, 3, SEEK_SET) == 3);
    CHECK(syscall(SYS_preadv2, fd, &part, 1, -1L, -1L, 0) == 4 && !memcmp(a, "3456", 4));
    CHECK(lseek(fd, 0, SEEK_CUR) == 7);
    CHECK(syscall(SYS_preadv2, fd, &part, 1, 1L, 0L, HIPRI) == 4 && !memcmp(a, "1234", 4));
    CHECK(syscall(SYS_pwritev2, fd, &part, 1, 0L, 0L, DSYNC) == 4);
    CHECK(holds(fd, "1234456789"));
    CHECK(syscall(SYS_pwritev2, fd, &part, 1, 0L, 0L, APPEND) == 4);
    CHECK(holds(fd, "12344567891234"));
    CHECK(lseek(fd, 0, SEEK_CUR) == 7);
    CHECK(syscall(SYS_pwritev2, fd, &part, 1, -1L, -1L, APPEND) == 4);
    CHECK(lseek(fd, 0, SEEK_CUR) == 18);
    CHECK_ERRNO(syscall(SYS_pwritev2, fd, &part, 1, 0L, 0L, UNKNOWN), EOPNOTSUPP);
    CHECK_ERRNO(syscall(SYS_preadv2, fd, &part, 1, 0L, 0L, UNKNOWN), EOPNOTSUPP);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    CHECK(syscall(SYS_pwritev2, ends[1], &part, 1, -1L, -1L, 0) == 4);
    CHECK(syscall(SYS_preadv2, ends[0], &part, 1, -1L, -1L, 0) == 4);
    CHECK_ERRNO(syscall(SYS_pwritev2, ends[1], &part, 1, 0L, 0L, 0), ESPIPE);
}

static long copy(int in, long* in_at, int out, long* out_at, size_t size, unsigned flags) {
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}

TEST(copies_between_files) {
    int in = scratch("0123456789"), out = scratch("abc");
    long at = 4, to = 1;
    CHECK(copy(in, &at, out, &to, 3, 0) == 3);
    CHECK(at == 7 && to == 4 && holds(out, "a456"));
    lseek(in, 8, SEEK_SET);
    lseek(out, 0, SEEK_SET);
    CHECK(copy(in, NULL, out, NULL, 100, 0) == 2);
    CHECK(lseek(in, 0, SEEK_CUR) == 10 && lseek(out, 0, SEEK_CUR) == 2 && holds(out, "8956"));
    CHECK(copy(in, NULL, out, NULL, 100, 0) == 0);
    at = 0; to = 5;
    CHECK(copy(in, &at, in, &to, 5, 0) == 5 && holds(in, "0123401234"));
    at = 0; to = 3;
    CHECK_ERRNO(copy(in, &at, in, &to, 5, 0), EINVAL);
    CHECK_ERRNO(copy(in, NULL, out, NULL, 5, 1), EINVAL);
    CHECK_ERRNO(copy(in, NULL, 77, NULL, 5, 0), EBADF);
    CHECK_ERRNO(copy(in, (void*)8, out, NULL, 5, 0), EFAULT);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    CHECK_ERRNO(copy(in, NULL, ends[1], NULL, 5, 0), EINVAL);
    int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO(copy(folder, NULL, out, NULL, 5, 0), EISDIR);
    fcntl(out, F_SETFL, O_APPEND);
    CHECK_ERRNO(copy(in, NULL, out, NULL, 5, 0), EBADF);
}

TEST(copies_much) {
    int in = scratch(""), out = scratch("");
    static char block[100000], again[100000];
    for (unsigned i = 0; i < sizeof block; ++i) block[i] = (char)(i * 31 >> 3);
    REQUIRE(write(in, block, sizeof block) == sizeof block);
    long at = 0, to = 0;
    size_t done = 0;
    long moved;
    while ((moved = copy(in, &at, out, &to, sizeof block, 0)) > 0) done += moved;
    CHECK(moved == 0 && done == sizeof block);
    CHECK(pread(out, again, sizeof again, 0) == sizeof again && !memcmp(block, again, sizeof block));
}
