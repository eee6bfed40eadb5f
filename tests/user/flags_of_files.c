// SPDX-License-Identifier: MIT
// The flags of calls on names and open files, each by what it does (flag_effects.h).
#include "flag_effects.h"

#include <sys/file.h>
#include <sys/uio.h>
#include <termios.h>
#include <sys/ioctl.h>

static char block[64];

static void see_closed_on_exec(int fd) { saw("FD_CLOEXEC %d", fcntl(fd, F_GETFD)); }

// ---------------------------------------------------------------- openat

EFFECT(openat, O_WRONLY) {
    int fd = make_file("a", "text");
    fd = open("a", flag);
    saw("write %s", result(write(fd, "x", 1)));
    saw("read %s", result(read(fd, block, 1)));
}
EFFECT(openat, O_RDWR) {
    int fd = make_file("a", "text");
    fd = open("a", flag);
    saw("write %s", result(write(fd, "x", 1)));
    saw("read %s", result(read(fd, block, 1)));
}
EFFECT(openat, O_CREAT) { saw("%s", open("new", O_RDWR | flag, 0600) < 0 ? result(-1) : "made"); }
EFFECT(openat, O_EXCL) {
    make_file("a", "");
    saw("%s", open("a", O_RDWR | O_CREAT | flag, 0600) < 0 ? result(-1) : "opened");
}
EFFECT(openat, O_TRUNC) {
    struct stat now;
    make_file("a", "text");
    int fd = open("a", O_RDWR | flag);
    fstat(fd, &now);
    saw("size %ld", (long)now.st_size);
}
EFFECT(openat, O_APPEND) {
    make_file("a", "text");
    int fd = open("a", O_RDWR | flag);
    write(fd, "xy", 2);
    saw("position %ld", (long)lseek(fd, 0, SEEK_CUR));
}
EFFECT(openat, O_NONBLOCK) {
    mkfifo("a", 0600);
    do_not_wait();
    saw("%s", open("a", O_RDONLY | flag) < 0 ? result(-1) : "opened");
}
EFFECT(openat, O_DIRECTORY) {
    make_file("a", "");
    saw("%s", open("a", O_RDONLY | flag) < 0 ? result(-1) : "opened");
}
EFFECT(openat, O_NOFOLLOW) {
    make_file("a", "");
    symlink("a", "link");
    saw("%s", open("link", O_RDONLY | flag) < 0 ? result(-1) : "opened");
}
EFFECT(openat, O_CLOEXEC) { see_closed_on_exec(open(".", O_RDONLY | flag)); }
EFFECT(openat, O_PATH) {
    make_file("a", "text");
    saw("read %s", result(read(open("a", O_RDONLY | flag), block, 4)));
}
EFFECT(openat, O_TMPFILE) {
    struct stat now = {0};
    int fd = open(".", on ? O_RDWR | (int)flag : O_RDONLY, 0600);
    fstat(fd, &now);
    saw("%s, %ld links", S_ISREG(now.st_mode) ? "a file" : "the directory", now.st_nlink ? 1l : 0l);
}
SHARED_BODY(see_shown_flag) {
    make_file("a", "");
    saw("F_GETFL %lo", fcntl(open("a", O_RDWR | flag), F_GETFL) & 04010000l);
}
EFFECT_BY(see_shown_flag, openat, O_DSYNC)   // the rest is a disk's
EFFECT_BY(see_shown_flag, openat, O_SYNC)
/// A read behind a write touches the time, however times are kept.
static void see_access_time(int fd, int reader) {
    struct stat before, after;
    sleep_ms(12);
    write(fd, "more", 4);
    fstat(fd, &before);
    sleep_ms(12);
    read(reader, block, 4);
    fstat(fd, &after);
    saw("time %s", memcmp(&before.st_atim, &after.st_atim, sizeof before.st_atim) ? "moves" : "stays");
}
static int reopen(int fd, int flags) {
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return open(name, flags);
}
EFFECT(openat, O_NOATIME) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    see_access_time(fd, reopen(fd, O_RDONLY | flag));
}
EFFECT(openat, O_NOCTTY) {
    int unlocked = 0, number = -1;
    char name[32];
    if (fork() == 0) {
        setsid();
        int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        REQUIRE(master >= 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
        snprintf(name, sizeof name, "/dev/pts/%d", number);
        REQUIRE(open(name, O_RDWR | flag) >= 0);
        saw("/dev/tty %s", open("/dev/tty", O_RDWR) < 0 ? result(-1) : "is there");
        _exit(0);
    }
    wait(NULL);
}
NO_EFFECT(openat, O_LARGEFILE, "64-bit programs have it anyway")

// ---------------------------------------------------------------- names

EFFECT(faccessat2, AT_EACCESS) {
    make_file("a", "");
    chmod("a", 0600);
    REQUIRE(setresuid(1000, 0, 0) == 0);
    saw("%s", result(syscall(SYS_faccessat2, AT_FDCWD, "a", R_OK, flag)));
}
EFFECT(faccessat2, AT_SYMLINK_NOFOLLOW) {
    symlink("nowhere", "a");
    saw("%s", result(syscall(SYS_faccessat2, AT_FDCWD, "a", F_OK, flag)));
}
EFFECT(faccessat2, AT_EMPTY_PATH) { saw("%s", result(syscall(SYS_faccessat2, make_file("a", ""), "", F_OK, flag))); }
static void see_owner(char const* name) {
    struct stat now;
    lstat(name, &now);
    saw("%s of %u", name, now.st_uid);
}
EFFECT(fchownat, AT_SYMLINK_NOFOLLOW) {
    make_file("a", "");
    symlink("a", "b");
    saw("%s", result(syscall(SYS_fchownat, AT_FDCWD, "b", 5, 5, flag)));
    see_owner("a");
    see_owner("b");
}
EFFECT(fchownat, AT_EMPTY_PATH) {
    int fd = make_file("a", "");
    saw("%s", result(syscall(SYS_fchownat, fd, "", 5, 5, flag)));
    see_owner("a");
}
static void see_kind(char const* name) {
    struct stat now;
    saw("%s %s", name, lstat(name, &now) ? result(-1) : S_ISLNK(now.st_mode) ? "is a link" : S_ISREG(now.st_mode) ? "is a file" : "is another");
}
EFFECT(linkat, AT_SYMLINK_FOLLOW) {
    make_file("a", "");
    symlink("a", "b");
    saw("%s", result(linkat(AT_FDCWD, "b", AT_FDCWD, "c", flag)));
    see_kind("c");
}
EFFECT(linkat, AT_EMPTY_PATH) {
    int fd = make_file("a", "");
    saw("%s", result(linkat(fd, "", AT_FDCWD, "c", flag)));
    see_kind("c");
}
static void see_stat(int directory, char const* name, unsigned long flag) {
    struct stat now;
    saw("%s", syscall(SYS_newfstatat, directory, name, &now, flag) ? result(-1) : S_ISLNK(now.st_mode) ? "a link" : "a file");
}
EFFECT(newfstatat, AT_SYMLINK_NOFOLLOW) {
    make_file("a", "");
    symlink("a", "b");
    see_stat(AT_FDCWD, "b", flag);
}
EFFECT(newfstatat, AT_EMPTY_PATH) { see_stat(make_file("a", ""), "", flag); }
NO_EFFECT(newfstatat, AT_NO_AUTOMOUNT, "nothing is mounted by itself")
struct statx_start { uint32_t mask, blksize; uint64_t attributes; uint32_t nlink, uid, gid; uint16_t mode; };
static void see_statx(int directory, char const* name, unsigned long flag) {
    union { char bytes[256]; struct statx_start start; } now;
    saw("%s", syscall(SYS_statx, directory, name, flag, 0x7ff, &now) ? result(-1) : S_ISLNK(now.start.mode) ? "a link" : "a file");
}
EFFECT(statx, AT_SYMLINK_NOFOLLOW) {
    make_file("a", "");
    symlink("a", "b");
    see_statx(AT_FDCWD, "b", flag);
}
EFFECT(statx, AT_EMPTY_PATH) { see_statx(make_file("a", ""), "", flag); }
NO_EFFECT(statx, AT_NO_AUTOMOUNT, "nothing is mounted by itself")
EFFECT(statx, AT_STATX_FORCE_SYNC) { see_statx(make_file("a", ""), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | flag); }   // files are nowhere else
EFFECT(statx, AT_STATX_DONT_SYNC) { see_statx(make_file("a", ""), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | flag); }
EFFECT(renameat2, RENAME_NOREPLACE) {
    make_file("a", "a");
    make_file("b", "b");
    saw("%s", result(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", flag)));
    see_kind("a");
}
EFFECT(renameat2, RENAME_EXCHANGE) {
    make_file("a", "a");
    symlink("a", "b");
    saw("%s", result(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", flag)));
    see_kind("a");
    see_kind("b");
}
EFFECT(unlinkat, AT_REMOVEDIR) {
    mkdir("a", 0700);
    saw("%s", result(unlinkat(AT_FDCWD, "a", flag)));
    see_kind("a");
}
static void see_time(char const* name) {
    struct stat now;
    lstat(name, &now);
    saw("%s %s", name, now.st_mtime == 1000 ? "old" : "new");
}
static struct timespec const long_ago[2] = {{1000, 0}, {1000, 0}};
EFFECT(utimensat, AT_SYMLINK_NOFOLLOW) {
    make_file("a", "");
    symlink("a", "b");
    saw("%s", result(syscall(SYS_utimensat, AT_FDCWD, "b", long_ago, flag)));
    see_time("a");
    see_time("b");
}
EFFECT(utimensat, AT_EMPTY_PATH) {
    int fd = make_file("a", "");
    saw("%s", result(syscall(SYS_utimensat, fd, "", long_ago, flag)));
    see_time("a");
}

// ---------------------------------------------------------------- transfers

static struct iovec const two = {"xy", 2};
NO_EFFECT(preadv2, RWF_HIPRI, "it is about how a disk tells that it is done")
NO_EFFECT(pwritev2, RWF_HIPRI, "it is about how a disk tells that it is done")
NO_EFFECT(preadv2, RWF_DSYNC, "it is about what a disk has")
NO_EFFECT(pwritev2, RWF_DSYNC, "it is about what a disk has")
NO_EFFECT(preadv2, RWF_SYNC, "it is about what a disk has")
NO_EFFECT(pwritev2, RWF_SYNC, "it is about what a disk has")
NO_EFFECT(preadv2, RWF_APPEND, "a read is never at the end")
EFFECT(pwritev2, RWF_APPEND) {
    int fd = make_file("a", "text");
    saw("%s", result(syscall(SYS_pwritev2, fd, &two, 1, 0l, 0l, flag)));
    saw("size %ld", (long)lseek(fd, 0, SEEK_END));
}
SHARED_BODY(see_place) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    REQUIRE(ftruncate(fd, 4 * PAGE) == 0 && pwrite(fd, "x", 1, PAGE) == 1 && lseek(fd, 10, SEEK_SET) == 10);
    if (on) saw("%s", result(lseek(fd, 4, flag)));
    saw("stands at %ld", (long)lseek(fd, 0, SEEK_CUR));
}
EFFECT_BY(see_place, lseek, SEEK_SET)
EFFECT_BY(see_place, lseek, SEEK_CUR)
EFFECT_BY(see_place, lseek, SEEK_END)
EFFECT_BY(see_place, lseek, SEEK_DATA)
EFFECT(lseek, SEEK_HOLE) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    REQUIRE(ftruncate(fd, 4 * PAGE) == 0 && pwrite(fd, "x", 1, PAGE) == 1);
    if (on) saw("%s, %s", result(lseek(fd, 0, flag)), result(lseek(fd, PAGE, flag)));
    saw("stands at %ld", (long)lseek(fd, 0, SEEK_CUR));
}

// ---------------------------------------------------------------- locks

/// What another may have.
static void see_lock(void) {
    int other = open("a", O_RDWR);
    saw("shared %s", flock(other, LOCK_SH | LOCK_NB) ? result(-1) : "given");
    flock(other, LOCK_UN);
    saw("alone %s", flock(other, LOCK_EX | LOCK_NB) ? result(-1) : "given");
}
SHARED_BODY(see_flock) {
    int fd = make_file("a", "");
    if (on) REQUIRE(flock(fd, flag) == 0);
    see_lock();
}
EFFECT_BY(see_flock, flock, LOCK_SH)
EFFECT_BY(see_flock, flock, LOCK_EX)
EFFECT(flock, LOCK_UN) {
    int fd = make_file("a", "");
    flock(fd, LOCK_EX);
    if (on) REQUIRE(flock(fd, flag) == 0);
    see_lock();
}
EFFECT(flock, LOCK_NB) {
    int fd = make_file("a", "");
    flock(fd, LOCK_EX);
    do_not_wait();
    saw("%s", result(flock(open("a", O_RDWR), LOCK_EX | flag)));
}
static struct flock whole(int type) { return (struct flock){.l_type = type, .l_whence = SEEK_SET}; }
/// What another process, or another open file of this one, is told of the lock there.
static void see_record_lock(int get) {
    struct flock other = whole(F_WRLCK);
    saw("%s", fcntl(open("a", O_RDWR), get, &other) ? result(-1) : other.l_type == F_UNLCK ? "free" : other.l_pid == -1 ? "a file's" : "a process's");
}
SHARED_BODY(see_record_set) {
    int fd = make_file("a", "");
    struct flock wanted = whole(F_WRLCK);
    if (on) REQUIRE(fcntl(fd, flag, &wanted) == 0);
    if (fork() == 0) {
        see_record_lock(F_GETLK);
        _exit(0);
    }
    wait(NULL);
}
EFFECT_BY(see_record_set, fcntl, F_SETLK)
EFFECT_BY(see_record_set, fcntl, F_OFD_SETLK)
SHARED_BODY(see_record_wait) {
    int fd = make_file("a", ""), ready[2];
    struct flock wanted = whole(F_WRLCK);
    char byte;
    pipe(ready);
    if (fork() == 0) {
        REQUIRE(fcntl(open("a", O_RDWR), F_OFD_SETLK, &wanted) == 0);
        write(ready[1], "", 1);
        sleep_ms(60);
        write(ready[1], "", 1);
        _exit(0);
    }
    read(ready[0], &byte, 1);
    fcntl(ready[0], F_SETFL, O_NONBLOCK);
    if (on) saw("%s", result(fcntl(fd, flag, &wanted)));
    saw("other %s", read(ready[0], &byte, 1) == 1 ? "ends" : "runs");
}
EFFECT_BY(see_record_wait, fcntl, F_SETLKW)
EFFECT_BY(see_record_wait, fcntl, F_OFD_SETLKW)
SHARED_BODY(see_record_get) {
    int fd = make_file("a", "");
    struct flock wanted = whole(F_WRLCK);
    REQUIRE(fcntl(fd, F_OFD_SETLK, &wanted) == 0);
    if (on) see_record_lock(flag);
}
EFFECT_BY(see_record_get, fcntl, F_GETLK)
EFFECT_BY(see_record_get, fcntl, F_OFD_GETLK)

// ---------------------------------------------------------------- fcntl

SHARED_BODY(see_duplicate) {
    if (on) saw("%s", result(fcntl(1, flag, 300)));
    saw("FD_CLOEXEC %s", result(fcntl(300, F_GETFD)));
}
EFFECT_BY(see_duplicate, fcntl, F_DUPFD)
EFFECT_BY(see_duplicate, fcntl, F_DUPFD_CLOEXEC)
EFFECT(fcntl, F_GETFD) {
    int fd = open(".", O_RDONLY | O_CLOEXEC);
    if (on) saw("%s", result(fcntl(fd, flag)));
}
EFFECT(fcntl, F_SETFD) {
    int fd = dup(1);
    if (on) fcntl(fd, flag, FD_CLOEXEC);
    see_closed_on_exec(fd);
}
EFFECT(fcntl, F_GETFL) {
    int fd = open("a", O_RDWR | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
    if (on) saw("%o", fcntl(fd, flag));
}
EFFECT(fcntl, F_SETFL) {
    int fd = make_file("a", "text");
    lseek(fd, 0, SEEK_SET);
    if (on) fcntl(fd, flag, O_APPEND | O_CREAT | O_WRONLY);
    write(fd, "xy", 2);
    saw("position %ld, F_GETFL %o", (long)lseek(fd, 0, SEEK_CUR), fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
}
/// Which of the flags F_SETFL moves.
static void see_settable(int fd, unsigned long flag) {
    saw("%s", result(fcntl(fd, F_SETFL, flag)));
    saw("F_GETFL %o", fcntl(fd, F_GETFL) & 064000);
}
SHARED_BODY(see_set_flag) {
    int ends[2];
    pipe(ends);
    see_settable(ends[0], flag);
    if (flag == O_NOATIME) return;
    fcntl(ends[1], F_SETFL, flag);
    do_not_wait();
    write(ends[1], "abc", 3);
    write(ends[1], "def", 3);
    saw("read %s", result(read(ends[0], block, 10)));
    saw("read %s", result(read(ends[0], block, 10)));
}
EFFECT_BY(see_set_flag, fcntl, O_NONBLOCK)
EFFECT_BY(see_set_flag, fcntl, O_DIRECT)
EFFECT(fcntl, O_APPEND) {
    int fd = make_file("a", "text");
    lseek(fd, 0, SEEK_SET);
    fcntl(fd, F_SETFL, flag);
    write(fd, "xy", 2);
    saw("position %ld", (long)lseek(fd, 0, SEEK_CUR));
}
EFFECT(fcntl, O_NOATIME) {
    int fd = syscall(SYS_memfd_create, "a", 0), reader = reopen(fd, O_RDONLY);
    fcntl(reader, F_SETFL, flag);
    see_access_time(fd, reader);
}
EFFECT(fcntl, F_GETPIPE_SZ) {
    int ends[2];
    pipe(ends);
    if (on) saw("%s", result(fcntl(ends[0], flag)));
}
EFFECT(fcntl, F_SETPIPE_SZ) {
    int ends[2];
    static char much[65536];
    pipe2(ends, O_NONBLOCK);
    if (on) saw("%s", result(fcntl(ends[0], flag, 8192)));
    saw("%s", result(write(ends[1], much, sizeof much)));
}
EFFECT(fcntl, F_ADD_SEALS) {
    int fd = syscall(SYS_memfd_create, "a", 2);
    if (on) fcntl(fd, flag, 8 /* F_SEAL_WRITE */);
    saw("write %s", result(write(fd, "x", 1)));
}
EFFECT(fcntl, F_GET_SEALS) {
    int fd = syscall(SYS_memfd_create, "a", 2);
    fcntl(fd, F_ADD_SEALS, 2);
    if (on) saw("%s", result(fcntl(fd, flag)));
}
SHARED_BODY(see_seal) {
    int fd = syscall(SYS_memfd_create, "a", 2);
    REQUIRE(ftruncate(fd, PAGE) == 0);
    void* before = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (flag == F_SEAL_WRITE) munmap(before, PAGE);
    saw("seal %s", result(fcntl(fd, F_ADD_SEALS, flag)));
    saw("more %s", result(fcntl(fd, F_ADD_SEALS, 0)));
    saw("shrink %s", result(ftruncate(fd, 100)));
    saw("grow %s", result(ftruncate(fd, 2 * PAGE)));
    saw("write %s", result(pwrite(fd, "x", 1, 0)));
    void* after = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    saw("map %s", after == MAP_FAILED ? result(-1) : "given");
}
EFFECT_BY(see_seal, fcntl, F_SEAL_SEAL)
EFFECT_BY(see_seal, fcntl, F_SEAL_SHRINK)
EFFECT_BY(see_seal, fcntl, F_SEAL_GROW)
EFFECT_BY(see_seal, fcntl, F_SEAL_WRITE)
EFFECT_BY(see_seal, fcntl, F_SEAL_FUTURE_WRITE)
NO_EFFECT(fcntl, F_SEAL_EXEC, "6.1 has none")
EFFECT(memfd_create, MFD_CLOEXEC) { see_closed_on_exec(syscall(SYS_memfd_create, "a", flag)); }
EFFECT(memfd_create, MFD_ALLOW_SEALING) { saw("%s", result(fcntl(syscall(SYS_memfd_create, "a", flag), F_ADD_SEALS, 1))); }
NO_EFFECT(memfd_create, MFD_EXEC, "6.1 has none")
NO_EFFECT(memfd_create, MFD_NOEXEC_SEAL, "6.1 has none")
