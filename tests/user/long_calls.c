// SPDX-License-Identifier: MIT
// Calls that would take minutes end at once when their process is killed, and let others run meanwhile.
#include "test.h"

#include <sys/uio.h>
#include <sys/wait.h>

enum { WAIT_MS = 100, PATIENCE_MS = 5000, PARTS = 1024, PART = 2 << 20 };
#define HUGE_SIZE (200UL << 30)

static void* reserve(size_t size, int flags) {
    void* at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (at == MAP_FAILED) _exit(1);
    return at;
}

static void write_to_random(void) {
    int file = open("/dev/urandom", O_WRONLY);
    void* bytes = reserve(0x7ffff000, 0);
    for (;;) write(file, bytes, 0x7ffff000);
}

/// Two gibibytes into one place of two mebibytes.
static void read_into_one_place(int file) {
    static struct iovec parts[PARTS];
    void* place = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PARTS; ++i) parts[i] = (struct iovec){place, PART};
    for (;;) preadv(file, parts, PARTS, 0);
}
static void read_random(void) { read_into_one_place(open("/dev/urandom", O_RDONLY)); }
static void read_zeros(void) { read_into_one_place(open("/dev/zero", O_RDONLY)); }
static void read_a_hole(void) {
    int file = memfd_create("hole", 0);
    if (ftruncate(file, 1L << 40) != 0) _exit(1);
    read_into_one_place(file);
}
static void fill_memory(void) {
    reserve(HUGE_SIZE, MAP_POPULATE);
    for (;;) pause();
}
static void change_huge_ranges(void) {
    char* at = reserve(HUGE_SIZE, 0);
    for (;;) {
        mprotect(at, HUGE_SIZE, PROT_READ | PROT_WRITE);
        for (size_t i = 0; i < HUGE_SIZE; i += 4UL << 30) at[i] = 1;
        mprotect(at, HUGE_SIZE, PROT_READ);
        madvise(at, HUGE_SIZE, MADV_DONTNEED);
        munmap(at + (1UL << 30), HUGE_SIZE / 2);
        if (mmap(at, HUGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != at) _exit(1);
    }
}

static long elapsed_ms(struct timespec const* since) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void dies_at_once(void (*body)(void)) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        body();
        _exit(2);
    }
    sleep_ms(WAIT_MS);
    int status;
    CHECK(waitpid(child, &status, WNOHANG) == 0);   // it is at it
    struct timespec killed;
    clock_gettime(CLOCK_MONOTONIC, &killed);
    CHECK(kill(child, SIGKILL) == 0);
    pid_t gone;
    while ((gone = waitpid(child, &status, WNOHANG)) == 0 && elapsed_ms(&killed) < PATIENCE_MS) sleep_ms(5);
    if (CHECK(gone == child)) CHECK(killed_by(status, SIGKILL));
}

TEST(writing_to_the_generator) { dies_at_once(write_to_random); }
TEST(reading_random_bytes) { dies_at_once(read_random); }
TEST(reading_zeros) { dies_at_once(read_zeros); }
TEST(reading_a_hole) { dies_at_once(read_a_hole); }
TEST(filling_memory) { dies_at_once(fill_memory); }
TEST(changing_huge_ranges) { dies_at_once(change_huge_ranges); }

static void on_alarm(int number) { (void)number; }
/// A signal with a handler ends it after a whole number of pages, and not before one.
TEST(a_handler_gets_its_turn) {
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    int file = open("/dev/urandom", O_RDWR);
    REQUIRE(file >= 0);
    void* bytes = reserve(1UL << 30, 0);
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec const soon = {{0, 0}, {0, 50000000}};
    timer_settime(timer, 0, &soon, NULL);
    ssize_t const written = write(file, bytes, 1UL << 30);
    CHECK(written > 0 && written < 1L << 30 && written % PAGE == 0);
    CHECK(elapsed_ms(&begin) < PATIENCE_MS);
}
