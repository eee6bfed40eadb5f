// SPDX-License-Identifier: MIT
// EFAULT and its neighbours: every call that takes a pointer, with null, kernel,
// non-canonical, unmapped and read-only addresses, and buffers that end inside a hole.
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <termios.h>

static char* edge;        // the last byte of a page, a hole behind it
static char* read_only;
static int file, ends[2];

static void prepare(void) {
    char* at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at + PAGE, PAGE);
    edge = at + PAGE - 1;
    file = open("f", O_RDWR | O_CREAT, 0644);
    REQUIRE(file >= 0 && write(file, "some text in the file", 21) == 21 && lseek(file, 0, SEEK_SET) == 0);
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0 && write(ends[1], "0123456789", 10) == 10);
}

static unsigned long wild[] = {0, 1, 4095, 0x00007ffffffff000, 0x0000800000000000, 0x8000000000000000, 0xffff800000000000,
                               0xffffffff80000000, 0xffffffff80100000, 0xfffffffffffff000, ~0ul};
enum { WILD = sizeof wild / sizeof *wild };

#define FAULTS(call) do { for (int i = 0; i < WILD; ++i) { void* p = (void*)wild[i]; (void)p; CHECK_ERRNO(call, EFAULT); } } while (0)
#define FAULTS_UNLESS_NULL(call) do { for (int i = 1; i < WILD; ++i) { void* p = (void*)wild[i]; (void)p; CHECK_ERRNO(call, EFAULT); } } while (0)

TEST(reading_calls) {
    prepare();
    FAULTS(syscall(SYS_read, file, p, 10));
    FAULTS(syscall(SYS_pread64, file, p, 10, 0));
    FAULTS(syscall(SYS_read, ends[0], p, 10));
    CHECK_ERRNO(syscall(SYS_read, file, read_only, 10), EFAULT);
    char text[16] = "";
    CHECK(read(ends[0], text, 10) == 10 && !strcmp(text, "0123456789"));   // nothing was lost
    CHECK(lseek(file, 0, SEEK_CUR) == 0);
    SHOW(syscall(SYS_read, file, edge, 10));
    CHECK(syscall(SYS_read, file, (void*)0, 0) == 0);
}

TEST(writing_calls) {
    prepare();
    lseek(file, 0, SEEK_END);
    FAULTS(syscall(SYS_write, file, p, 10));
    FAULTS(syscall(SYS_write, ends[1], p, 10));
    FAULTS(syscall(SYS_pwrite64, file, p, 10, 0));
    struct stat about;
    CHECK(fstat(file, &about) == 0 && about.st_size == 21);
    *edge = '!';
    SHOW(syscall(SYS_write, file, edge, 1));
    CHECK(syscall(SYS_write, file, (void*)0, 0) == 0);
    int null = open("/dev/null", O_WRONLY);
    CHECK(syscall(SYS_write, null, (void*)8, 10) == 10);   // it never looks
}

TEST(path_calls) {
    prepare();
    struct stat about;
    char text[64];
    FAULTS(syscall(SYS_open, p, O_RDONLY));
    FAULTS(syscall(SYS_openat, AT_FDCWD, p, O_RDONLY));
    FAULTS(syscall(SYS_newfstatat, AT_FDCWD, p, &about, 0));
    FAULTS(syscall(SYS_newfstatat, AT_FDCWD, "f", p, 0));
    FAULTS(syscall(SYS_fstat, file, p));
    FAULTS(syscall(SYS_readlink, p, text, 10));
    FAULTS(syscall(SYS_readlink, "/proc/self/exe", p, 10));
    FAULTS(syscall(SYS_access, p, F_OK));
    FAULTS(syscall(SYS_chdir, p));
    FAULTS(syscall(SYS_mkdir, p, 0755));
    FAULTS(syscall(SYS_rmdir, p));
    FAULTS(syscall(SYS_unlink, p));
    FAULTS(syscall(SYS_link, p, "x"));
    FAULTS(syscall(SYS_link, "f", p));
    FAULTS(syscall(SYS_symlink, p, "x"));
    FAULTS(syscall(SYS_symlink, "f", p));
    FAULTS(syscall(SYS_rename, p, "x"));
    FAULTS(syscall(SYS_rename, "f", p));
    FAULTS(syscall(SYS_chmod, p, 0755));
    FAULTS(syscall(SYS_chown, p, -1, -1));
    FAULTS(syscall(SYS_mknodat, AT_FDCWD, p, S_IFIFO, 0));
    FAULTS_UNLESS_NULL(syscall(SYS_utimensat, AT_FDCWD, "f", p, 0));
    FAULTS(syscall(SYS_getcwd, p, 4096));
    FAULTS(syscall(SYS_getdents64, open(".", O_RDONLY), p, 1000));
    memset(edge - 2, 'x', 3);
    CHECK_ERRNO(syscall(SYS_open, edge - 2, O_RDONLY), EFAULT);   // no NUL before the hole
    *edge = 0;
    CHECK_ERRNO(syscall(SYS_open, edge - 2, O_RDONLY), ENOENT);
}

TEST(process_calls) {
    prepare();
    char* words[] = {"x", NULL};
    FAULTS(syscall(SYS_execve, p, words, NULL));
    FAULTS(syscall(SYS_pipe2, p, 0));
    CHECK(ends[1] + 1 == dup(0));   // no descriptor is left behind
    pid_t child = fork();
    if (child == 0) _exit(0);
    sleep_ms(1);
    for (int i = 1; i < WILD; ++i) {
        pid_t other = fork();
        if (other == 0) _exit(0);
        CHECK_ERRNO(syscall(SYS_wait4, other, wild[i], 0, NULL), EFAULT);
    }
    CHECK(wait_for(child) == 0);
}

TEST(signal_calls) {
    prepare();
    FAULTS_UNLESS_NULL(syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8));
    FAULTS_UNLESS_NULL(syscall(SYS_rt_sigaction, SIGUSR1, NULL, p, 8));
    FAULTS_UNLESS_NULL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8));
    FAULTS_UNLESS_NULL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, 8));
    FAULTS(syscall(SYS_rt_sigsuspend, p, 8));
    CHECK_ERRNO(syscall(SYS_rt_sigsuspend, 0, 4), EINVAL);
}

TEST(time_calls) {
    prepare();
    FAULTS(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, p, NULL));
    FAULTS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p));
    FAULTS_UNLESS_NULL(syscall(SYS_gettimeofday, p, NULL));
    FAULTS_UNLESS_NULL(syscall(SYS_time, p));
    FAULTS_UNLESS_NULL(syscall(SYS_times, p));
}

TEST(system_calls) {
    prepare();
    FAULTS(syscall(SYS_uname, p));
    FAULTS(syscall(SYS_sysinfo, p));
    FAULTS(syscall(SYS_getrandom, p, 10, 0));
    FAULTS_UNLESS_NULL(syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, p));
    FAULTS_UNLESS_NULL(syscall(SYS_prlimit64, 0, RLIMIT_STACK, p, NULL));
    FAULTS(syscall(SYS_prctl, 16 /* PR_GET_NAME */, p));
    FAULTS(syscall(SYS_prctl, 15 /* PR_SET_NAME */, p));
    FAULTS(syscall(SYS_poll, p, 1, 0));
    FAULTS(syscall(SYS_writev, file, p, 1));
    FAULTS(syscall(SYS_ioctl, ends[0], FIONREAD, p));
    FAULTS(syscall(SYS_sched_getaffinity, 0, 128, p));
    CHECK_ERRNO(syscall(SYS_ioctl, file, TCGETS, 8), ENOTTY);   // what it is comes before where it goes
}

TEST(lengths_that_overflow) {
    prepare();
    char text[16];
    CHECK_ERRNO(syscall(SYS_read, file, text, -1l), EFAULT);
    CHECK_ERRNO(syscall(SYS_write, file, text, 0x8000000000000000), EFAULT);
    CHECK_ERRNO(syscall(SYS_read, 99, text, -1l), EBADF);
    CHECK_ERRNO(syscall(SYS_poll, text, 1u << 30, 0), EINVAL);
    struct { char* base; size_t length; } parts[2] = {{text, -1ul}, {text, 1}};
    CHECK_ERRNO(syscall(SYS_writev, file, parts, 2), EINVAL);
    CHECK_ERRNO(syscall(SYS_mremap, (unsigned long)edge & ~4095ul, PAGE, -1ul, MREMAP_MAYMOVE), EINVAL);
}

TEST(numbers_that_are_no_call) {
    static long const numbers[] = {-1, 1000, 4000, 100000, 0x10000000, 0x7fffffff, -2, -4096};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) CHECK_ERRNO(syscall(numbers[i], 1, 2, 3, 4, 5, 6), ENOSYS);
}
