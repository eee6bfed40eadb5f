// SPDX-License-Identifier: MIT
// What takes setuid and setgid bits away: every way to change a file's bytes, by who writes and not by who opened;
// chown; and what leaves them: reading, times, nothing written.
#include "permissions.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static int fd, in;
static unsigned const modes[] = {06777, 02767, 04755, 02644, 06711};

static void show(char const* what, int failed) {
    struct stat s;
    REQUIRE(fstat(fd, &s) == 0);
    say("  %s: %s, %o\n", what, failed ? error_name(errno) : "ok", s.st_mode & 07777);
}

/// Tries a call with these bits set anew by root's `privileged` child, as the uid that runs the test otherwise.
#define AFTER(mode, call)                                                    \
    do {                                                                     \
        REQUIRE(fchmod(fd, mode) == 0);                                      \
        pid_t child_ = fork();                                               \
        if (child_ == 0) {                                                   \
            become(ALICE, ALICE);                                            \
            errno = 0;                                                       \
            show(#call, (long)(call) < 0);                                   \
            _exit(failures != 0);                                            \
        }                                                                    \
        CHECK(ended_with(wait_for(child_), 0));                              \
    } while (0)

static long write_mapped(void) {
    char* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return -1;
    page[0] = 'm';
    return munmap(page, PAGE);
}

static long append(void) {
    REQUIRE(fcntl(fd, F_SETFL, O_APPEND) == 0);
    long done = write(fd, "x", 1);
    REQUIRE(fcntl(fd, F_SETFL, 0) == 0);
    return done;
}

static long copy_range(size_t count) {
    long long from = 0, to = 0;
    return syscall(SYS_copy_file_range, in, &from, fd, &to, count, 0);
}

static void open_files(unsigned uid) {
    in = open("in", O_CREAT | O_RDWR, 0666);
    REQUIRE(in >= 0 && write(in, "0123456789", 10) == 10);
    fd = open("bits", O_CREAT | O_RDWR, 0600);
    REQUIRE(fd >= 0 && fchown(fd, uid, uid) == 0 && ftruncate(fd, 100) == 0);
}

TEST(a_stranger_with_roots_descriptor) {
    open_files(0);
    struct iovec part = {"xy", 2};
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; ++i) {
        unsigned mode = modes[i];
        say(" %o\n", mode);
        AFTER(mode, write(fd, "x", 1));
        AFTER(mode, write(fd, "x", 0));
        AFTER(mode, write(fd, (void*)16, 1));
        AFTER(mode, writev(fd, &part, 1));
        AFTER(mode, pwrite(fd, "x", 1, 5));
        AFTER(mode, pwritev(fd, &part, 1, 5));
        AFTER(mode, syscall(SYS_pwritev2, fd, &part, 1, 0, 0, 0x10));
        AFTER(mode, append());
        AFTER(mode, ftruncate(fd, 50));
        AFTER(mode, ftruncate(fd, 50));
        AFTER(mode, ftruncate(fd, 100));
        AFTER(mode, truncate("bits", 100));
        AFTER(mode, open("bits", O_WRONLY | O_TRUNC));
        AFTER(mode, open("bits", O_RDONLY | O_TRUNC));
        REQUIRE(ftruncate(fd, 100) == 0);
        AFTER(mode, sendfile(fd, in, &(off_t){0}, 5));
        AFTER(mode, copy_range(5));
        AFTER(mode, write_mapped());
        AFTER(mode, read(fd, &(char){0}, 1));
        AFTER(mode, fsync(fd));
        AFTER(mode, fchown(fd, -1, -1));
        AFTER(mode, futimens(fd, NULL));
        AFTER(mode, fchmod(fd, 0));
    }
}

TEST(the_owner) {
    open_files(ALICE);
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; ++i) {
        unsigned mode = modes[i];
        say(" %o\n", mode);
        AFTER(mode, write(fd, "x", 1));
        AFTER(mode, ftruncate(fd, 3));
        AFTER(mode, fchown(fd, -1, -1));
        AFTER(mode, fchown(fd, ALICE, -1));
        AFTER(mode, fchown(fd, -1, ALICE));
        AFTER(mode, fchown(fd, BOB, -1));
        AFTER(mode, fchown(fd, -1, BOB));
        AFTER(mode, fchmod(fd, 06755));
        AFTER(mode, futimens(fd, NULL));
    }
    REQUIRE(fchown(fd, ALICE, OTHERS) == 0);
    say(" of a group that the owner is not in\n");
    AFTER(02755, fchmod(fd, 02755));
    AFTER(02644, write(fd, "x", 1));
    AFTER(02644, fchown(fd, -1, -1));
}

TEST(root) {
    open_files(ALICE);
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; ++i) {
        say(" %o\n", modes[i]);
        REQUIRE(fchmod(fd, modes[i]) == 0);
        show("write", write(fd, "x", 1) != 1);
        show("ftruncate", ftruncate(fd, 3) != 0);
        show("fchown -1 -1", fchown(fd, -1, -1) != 0);
        REQUIRE(fchmod(fd, modes[i]) == 0);
        show("fchown BOB", fchown(fd, BOB, -1) != 0);
        REQUIRE(fchmod(fd, modes[i]) == 0);
        show("fchown -1 BOB", fchown(fd, -1, BOB) != 0);
        REQUIRE(fchown(fd, ALICE, ALICE) == 0);
    }
}

TEST(a_directory_keeps_them) {
    make_folder("folder", ALICE, ALICE, 06777);
    REQUIRE(chown("folder", BOB, -1) == 0);
    show_mode("folder");
    AS(BOB, BOB, "in no group of it") {
        TELL(chmod("folder", 02755));
        show_mode("folder");
    }
}

/// The right to a larger pipe is the caller's, too, and not that of who made it.
TEST(pipes_larger_than_the_limit) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    AS(ALICE, ALICE, "with root's pipe") TELL(fcntl(ends[1], F_SETPIPE_SZ, 4 << 20));
    SHOW(fcntl(ends[1], F_GETPIPE_SZ));
}
