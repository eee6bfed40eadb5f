// SPDX-License-Identifier: MIT
// Single calls that have gigabytes to do, in little memory: SIGKILL ends each of them, wherever it is. A kernel that does
// not look at signals on the way goes on for many seconds.
#include "test.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

enum { SEGMENTS = 1024, SEGMENT = 1 << 20, PATIENCE_MS = 3000 };

/// A gigabyte that is one megabyte a thousand times over.
static struct iovec* segments(void) {
    static struct iovec list[SEGMENTS];
    char* const block = mmap(0, SEGMENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(block, 1, SEGMENT);
    for (int i = 0; i < SEGMENTS; ++i) list[i] = (struct iovec){block, SEGMENT};
    return list;
}

static int sparse_file(void) {
    int const fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && ftruncate(fd, 1l << 40) == 0);
    unlink("sparse");
    return fd;
}

/// Runs `call` for ever in a child, kills it in the middle of one, and sees that it ends soon.
static void kill_in(char const* what, void (*call)(void)) {
    pid_t const child = fork();
    if (child == 0) {
        for (;;) call();
    }
    sleep_ms(50);
    long const start = now_ms();
    kill(child, SIGKILL);
    int status = 0;
    pid_t got = 0;
    while (got == 0 && now_ms() - start < PATIENCE_MS) got = waitpid(child, &status, WNOHANG), sleep_ms(1);
    say("%s: %s\n", what, got == child && WIFSIGNALED(status) ? "killed" : "GOES ON");
    if (got != child) wait_for(child);
}

static void read_zeros(void) { readv(open("/dev/zero", O_RDONLY), segments(), SEGMENTS); }
static void read_random(void) { readv(open("/dev/urandom", O_RDONLY), segments(), SEGMENTS); }
static void write_random(void) { writev(open("/dev/urandom", O_WRONLY), segments(), SEGMENTS); }
static void read_hole(void) { readv(sparse_file(), segments(), SEGMENTS); }
static void send_hole(void) { sendfile(open("/dev/null", O_WRONLY), sparse_file(), 0, 0x7ffff000); }
static void get_random(void) {
    char* const block = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    syscall(SYS_getrandom, block, 16 << 20, 0);
}
static void protect_much(void) {
    char* const area = mmap(0, 1l << 44, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long i = 0; i < 1l << 44; i += 1l << 38) (void)*(char volatile*)(area + i);
    mprotect(area, 1l << 44, PROT_NONE);
    madvise(area, 1l << 44, MADV_DONTNEED);
    munmap(area, 1l << 44);
}

TEST(zeros) { kill_in("a gigabyte of /dev/zero", read_zeros); }
TEST(random_bytes) {
    kill_in("a gigabyte of /dev/urandom", read_random);
    kill_in("a gigabyte to /dev/urandom", write_random);
    kill_in("getrandom", get_random);
}
TEST(holes) {
    kill_in("a gigabyte of a hole", read_hole);
    kill_in("two gigabytes of a hole, sent", send_hole);
}
TEST(ranges) { kill_in("rights of 16 terabytes", protect_much); }
