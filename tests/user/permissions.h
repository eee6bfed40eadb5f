// SPDX-License-Identifier: MIT
// Tests of who may do what: a test's bodies run as other users in children, and show what each call answered.
#pragma once
#include "test.h"

#include <grp.h>

static char const* error_name(int number) {
    switch (number) {
    case 0: return "ok";
    case EPERM: return "EPERM";
    case EACCES: return "EACCES";
    case EINVAL: return "EINVAL";
    case ENOENT: return "ENOENT";
    case ESRCH: return "ESRCH";
    case EEXIST: return "EEXIST";
    case EFAULT: return "EFAULT";
    case ENOTDIR: return "ENOTDIR";
    case EISDIR: return "EISDIR";
    case ENOTEMPTY: return "ENOTEMPTY";
    case EXDEV: return "EXDEV";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case ENOSYS: return "ENOSYS";
    case EBADF: return "EBADF";
    default: return "another errno";
    }
}

/// Shows a call and what it answered: ok, or its errno.
#define TELL(call)                                                                                   \
    do {                                                                                             \
        errno = 0;                                                                                   \
        long result_ = (long)(call);                                                                 \
        say("  %s: %s\n", #call, result_ < 0 && result_ > -4096 ? error_name(errno ? errno : 999) : "ok"); \
    } while (0)
/// The same for what gives a descriptor, which it closes.
#define TELL_OPEN(call)                                                                              \
    do {                                                                                             \
        errno = 0;                                                                                   \
        int fd_ = (call);                                                                            \
        say("  %s: %s\n", #call, fd_ < 0 ? error_name(errno) : "ok");                                \
        if (fd_ >= 0) close(fd_);                                                                    \
    } while (0)

enum { ALICE = 1001, BOB = 1002, TEAM = 2001, OTHERS = 2002 };

static void become_group(unsigned uid, unsigned gid, int count, gid_t const* groups) {
    REQUIRE(syscall(SYS_setgroups, count, groups) == 0);
    REQUIRE(syscall(SYS_setresgid, gid, gid, gid) == 0);
    REQUIRE(syscall(SYS_setresuid, uid, uid, uid) == 0);
}
static void become(unsigned uid, unsigned gid) __attribute__((unused));
static void become(unsigned uid, unsigned gid) { become_group(uid, gid, 0, NULL); }

#define AS(uid, gid, what)                                                                           \
    for (pid_t child_ = (say(" as %d:%d, %s\n", uid, gid, what), fork()), once_ = 1; once_;          \
         once_ = 0, child_ == 0 ? _exit(failures != 0) : (void)CHECK(ended_with(wait_for(child_), 0))) \
        if (child_ == 0 && (become(uid, gid), 1))

static void make_file(char const* path, unsigned uid, unsigned gid, unsigned mode) __attribute__((unused));
static void make_file(char const* path, unsigned uid, unsigned gid, unsigned mode) {
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, "text\n", 5) == 5);
    REQUIRE(fchown(fd, uid, gid) == 0);
    REQUIRE(fchmod(fd, mode) == 0);
    close(fd);
}
static void make_folder(char const* path, unsigned uid, unsigned gid, unsigned mode) __attribute__((unused));
static void make_folder(char const* path, unsigned uid, unsigned gid, unsigned mode) {
    REQUIRE(mkdir(path, 0700) == 0);
    REQUIRE(chown(path, uid, gid) == 0);
    REQUIRE(chmod(path, mode) == 0);
}
static void show_mode(char const* path) __attribute__((unused));
static void show_mode(char const* path) {
    struct stat s;
    if (lstat(path, &s) != 0) say("  %s: %s\n", path, error_name(errno));
    else say("  %s: %o %u:%u\n", path, s.st_mode, s.st_uid, s.st_gid);
}
