// SPDX-License-Identifier: MIT
// Every row of kernel/syscall/flags.def: each flag that is honoured is taken, each bit that nobody knows is refused with
// the errno that the row names, on Linux as on Aubrac. A row without a sample call here fails.
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../../kernel/syscall/flag_values.h"

struct row { char const* name; long number; int argument, error; unsigned honoured[24], refused[20]; char const* names; };
#define LIST(...) {__VA_ARGS__}
#define FLAGS(call, argument, error, honoured, refused) {#call, SYS_##call, argument, error, LIST honoured, LIST refused, #honoured},
#define COMMANDS(call, argument, error, honoured) {#call, SYS_##call, -argument, error, LIST honoured, {0}, #honoured},
#define FIELD(call, name, honoured)
static struct row const rows[] = {
#include "../../kernel/syscall/flags.def"
};
enum { NO_SAMPLE = -1000, NOT_TRIED = -1001 };

static char block[4096];
static struct iovec vector = {block, 1};
static int file, poller, watched;

static int own_timer(void) {
    static int id = -1;
    if (id < 0) syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id);
    return id;
}
static int own_timer_file(void) {
    static int fd = -1;
    if (fd < 0) fd = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
    return fd;
}
static int own_pid_file(void) {
    static int fd = -1;
    if (fd < 0) fd = syscall(SYS_pidfd_open, getpid(), 0);
    return fd;
}
static long made(long fd) {
    if (fd >= 0) close(fd);
    return fd;
}
static long made_pair(long result, int const* fds) {
    if (result == 0) close(fds[0]), close(fds[1]);
    return result;
}

/// A call that does nothing lasting, with `flags` where the row has them.
static long sample(struct row const* row, unsigned long flags) {
    long const nr = row->number;
    int fds[2];
    switch (nr) {
    case SYS_clock_nanosleep: return syscall(nr, CLOCK_MONOTONIC, flags, &(struct timespec){0, 1}, NULL);
    case SYS_arch_prctl: return NOT_TRIED;   // it would take the thread's own data away: tests/user/registers.c
    case SYS_epoll_ctl: return syscall(nr, poller, flags, watched, block);
    case SYS_fcntl: {
        int const with_seals = flags == F_ADD_SEALS || flags == F_GET_SEALS ? (int)syscall(SYS_memfd_create, "abi", 2u) : -1;
        if (with_seals < 0) return syscall(nr, file, flags, 0);
        long const result = syscall(nr, with_seals, flags, 0);
        close(with_seals);
        return result;
    }
    case SYS_flock: return syscall(nr, file, flags | LOCK_NB);
    case SYS_futex: {
        unsigned word = 0x3fffffff;              // nobody's number
        return syscall(nr, &word, flags, 0, NULL, NULL, 0);
    }
    case SYS_prctl: return syscall(nr, flags, 0, 0, 0, 0);
    case SYS_clone: return NOT_TRIED;   // its flags depend on each other: tests/user/threads.c and processes.c try them
    case SYS_mount: return NOT_TRIED;   // takes privileges: tests/boot/mounts.py
    case SYS_unshare: return NOT_TRIED;     // what it takes apart shows in another thread: tests/user/sharing.c
    case SYS_close_range: return syscall(nr, 1000, 1001, flags);
    case SYS_copy_file_range: return syscall(nr, file, NULL, file, &(long){100}, 0, flags);
    case SYS_dup3: return made(syscall(nr, 1, 900, flags));
    case SYS_epoll_create1: return made(syscall(nr, flags));
    case SYS_eventfd2: return made(syscall(nr, 0, flags));
    case SYS_signalfd4: return made(syscall(nr, -1, &(long){0}, 8, flags));
    case SYS_timer_settime: return syscall(nr, own_timer(), flags, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
    case SYS_timerfd_create: return made(syscall(nr, CLOCK_MONOTONIC, flags));
    case SYS_timerfd_settime: return syscall(nr, own_timer_file(), flags, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
    case SYS_pidfd_open: return made(syscall(nr, getpid(), flags));
    case SYS_pidfd_send_signal: return syscall(nr, own_pid_file(), 0, NULL, flags);
    case SYS_faccessat2: return syscall(nr, AT_FDCWD, ".", 0, flags);
    case SYS_fchownat: return syscall(nr, AT_FDCWD, ".", -1, -1, flags);
    case SYS_getrandom: return syscall(nr, block, 1, flags);
    case SYS_linkat: return syscall(nr, AT_FDCWD, "missing", AT_FDCWD, "other", flags);
    case SYS_unlinkat: return syscall(nr, AT_FDCWD, "missing", flags);
    case SYS_renameat2: return syscall(nr, AT_FDCWD, "missing", AT_FDCWD, "other", flags);
    case SYS_umount2: return syscall(nr, "missing", flags);
    case SYS_newfstatat: return syscall(nr, AT_FDCWD, ".", block, flags);
    case SYS_statx: return syscall(nr, AT_FDCWD, ".", flags, 0x7ff, block);
    case SYS_utimensat: return syscall(nr, AT_FDCWD, ".", NULL, flags);
    case SYS_pipe2: return made_pair(syscall(nr, fds, flags), fds);
    case SYS_socket: return syscall(nr, 46, SOCK_STREAM | flags, 0);   // a family of nobody: EAFNOSUPPORT, once the flags are right
    case SYS_socketpair: return made_pair(syscall(nr, AF_UNIX, SOCK_STREAM | flags, 0, fds), fds);
    case SYS_preadv2: case SYS_pwritev2: return syscall(nr, file, &vector, 1, 0, 0, flags);
    case SYS_wait4: return syscall(nr, -1, NULL, WNOHANG | flags, NULL);
    case SYS_waitid: return syscall(nr, 0, 0, NULL, WNOHANG | WEXITED | flags, NULL);
    case SYS_mlockall: {
        long const result = syscall(nr, MCL_CURRENT | flags);
        int const error = errno;
        munlockall();
        errno = error;
        return result;
    }
    case SYS_madvise: case SYS_mlock2: case SYS_mprotect: case SYS_msync: case SYS_mremap: {
        int const growth = nr == SYS_mprotect ? MAP_GROWSDOWN : 0;   // for PROT_GROWSDOWN
        char* area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | growth, -1, 0);
        long result;
        if (nr == SYS_mremap) result = syscall(nr, area, PAGE, PAGE, MREMAP_MAYMOVE | flags, area + PAGE);
        else result = syscall(nr, area, PAGE, flags);
        int error = errno;
        munmap(area, 2 * PAGE);
        errno = error;
        return result;
    }
    default: return NO_SAMPLE;
    }
}

static int answer(struct row const* row, unsigned long flags) {
    errno = 0;
    long const result = sample(row, flags);
    if (!CHECK(result != NO_SAMPLE)) say("no sample of %s\n", row->name);
    return result < 0 ? errno : 0;
}

/// What a command answers to arguments of 0 is the same on both, and a command that nobody knows is refused.
static void try_commands(struct row const* row) {
    if (sample(row, 0x7750) == NOT_TRIED) return;
    say("%s %s\n", row->name, row->names);
    for (int i = 0; i < 24 && (i == 0 || row->honoured[i]); ++i) say("  %u: errno %d\n", row->honoured[i], answer(row, row->honoured[i]));
    CHECK(answer(row, 0x7750) == row->error);
    CHECK(answer(row, 0x80000000u) == row->error);
}

TEST(flags) {
    file = open("file", O_CREAT | O_RDWR, 0600);
    REQUIRE(file >= 0 && write(file, block, 16) == 16);
    poller = epoll_create1(0);
    watched = eventfd(0, 0);
    for (unsigned r = 0; r < sizeof rows / sizeof *rows; ++r) {
        struct row const* row = &rows[r];
        if (row->argument < 0) {
            try_commands(row);
            continue;
        }
        if (sample(row, 0) == NOT_TRIED) continue;
        say("%s %s\n", row->name, row->names);
        unsigned known = 0;
        for (int i = 0; i < 16; ++i) known |= row->refused[i];
        for (int i = 0; i < 24; ++i) {
            unsigned const flag = row->honoured[i];
            known |= flag;
            if (!flag || flag == SOCK_TYPE_BITS) continue;
            int const error = answer(row, flag);
            say("  %#x: errno %d\n", flag, error);
            CHECK(error != EINVAL && error != EOPNOTSUPP && error != ENOSYS);
        }
        int accepted = 0;
        for (int bit = 0; bit < 32; ++bit)
            if (!(known >> bit & 1) && answer(row, 1ul << bit) != row->error) {
                say("  bit %d: errno %d\n", bit, answer(row, 1ul << bit));
                ++accepted;
            }
        CHECK(row->error == 0 || accepted == 0);
    }
}
