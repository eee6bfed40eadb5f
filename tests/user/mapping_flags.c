// SPDX-License-Identifier: MIT
// What the flags of mmap(2) and mprotect(2) do: memory that grows down, below 2 GiB, filled at once; which are refused, and in
// which order mmap looks at what is wrong.
#include "test.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
static long result(void* at) { return at == MAP_FAILED ? -errno : at ? 1 : 0; }

/// Free address space of `pages` pages, and 300 free ones below.
static char* free_space(size_t pages) {
    char* at = mmap(NULL, (pages + 300) * PAGE, PROT_NONE, PRIVATE, -1, 0);
    REQUIRE(at != MAP_FAILED && munmap(at, (pages + 300) * PAGE) == 0);
    return at + 300 * PAGE;
}

static char* volatile touched;
static void touch(void) { *(char volatile*)touched = 1; }
/// 0: it can be written to; else the signal.
static int touch_in_child(char* at) {
    touched = at;
    int const status = in_child(touch);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static char* map_downwards(char* at, size_t pages) {
    REQUIRE(mmap(at, pages * PAGE, RW, PRIVATE | MAP_GROWSDOWN | MAP_FIXED, -1, 0) == at);
    return at;
}

TEST(memory_grows_down) {
    char* at = map_downwards(free_space(600) + 500 * PAGE, 4);
    at[0] = 1;
    at[-1] = 2;
    at[-100 * PAGE] = 3;
    CHECK(at[-1] == 2 && at[-50 * PAGE] == 0);
    CHECK(touch_in_child(at + 5 * PAGE) == SIGSEGV);
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0 && write(pipe_ends[1], "k", 1) == 1);
    CHECK(read(pipe_ends[0], at - 200 * PAGE, 1) == 1 && at[-200 * PAGE] == 'k');   // and for the kernel
    CHECK(munmap(at - 200 * PAGE, 204 * PAGE) == 0);
    CHECK(touch_in_child(at) == SIGSEGV);
}

TEST(it_keeps_away_from_what_lies_below) {
    char* base = free_space(600);
    char* at = map_downwards(base + 500 * PAGE, 1);
    REQUIRE(mmap(base + 100 * PAGE, PAGE, PROT_READ, PRIVATE | MAP_FIXED, -1, 0) != MAP_FAILED);
    CHECK(touch_in_child(base + (101 + 256) * PAGE) == 0);
    CHECK(touch_in_child(base + (101 + 255) * PAGE) == SIGSEGV);
    REQUIRE(mmap(base + 100 * PAGE, PAGE, PROT_NONE, PRIVATE | MAP_FIXED, -1, 0) != MAP_FAILED);
    CHECK(touch_in_child(base + (101 + 2) * PAGE) == 0);   // nothing is there to run into
    REQUIRE(mmap(base + 100 * PAGE, PAGE, RW, PRIVATE | MAP_GROWSDOWN | MAP_FIXED, -1, 0) != MAP_FAILED);
    CHECK(touch_in_child(base + 101 * PAGE) == 0);
    CHECK(touch_in_child(base + 99 * PAGE) == 0);
    CHECK(at[0] == 0);
    // And what is mapped anywhere keeps away from it.
    char* other = mmap(at - 10 * PAGE, PAGE, RW, PRIVATE, -1, 0);
    CHECK(other != MAP_FAILED && other != at - 10 * PAGE);
}

static char* limited;
static void within_the_limit(void) {
    struct rlimit limit = {64 * PAGE, 64 * PAGE};
    CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
    limited[-62 * PAGE] = 1;
    SHOW(touch_in_child(limited - 63 * PAGE));
    SHOW(touch_in_child(limited - 64 * PAGE));
    SHOW(touch_in_child(limited + PAGE));
}
TEST(it_grows_to_the_limit_of_stacks) {
    limited = map_downwards(free_space(200) + 150 * PAGE, 1);
    CHECK(ended_with(in_child(within_the_limit), 0));
}

TEST(rights_of_memory_that_grows) {
    char* at = map_downwards(free_space(100) + 90 * PAGE, 4);
    at[-8 * PAGE] = 1;
    CHECK(mprotect(at + 2 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN) == 0);
    CHECK(touch_in_child(at) == SIGSEGV && touch_in_child(at - 8 * PAGE) == SIGSEGV && touch_in_child(at + 3 * PAGE) == 0);
    CHECK_ERRNO(mprotect(at, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    CHECK_ERRNO(mprotect(at, PAGE, PROT_READ | PROT_GROWSUP), EINVAL);
    char* plain = mmap(NULL, 2 * PAGE, RW, PRIVATE, -1, 0);
    CHECK_ERRNO(mprotect(plain, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
    CHECK(mprotect(plain, PAGE, PROT_READ | 0x8 /* PROT_SEM */) == 0);
}

TEST(what_is_refused) {
    int memory = memfd_create("flags", 0), pipe_ends[2];
    REQUIRE(memory >= 0 && ftruncate(memory, 4 * PAGE) == 0 && pipe(pipe_ends) == 0);
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", memory);
    int writer = open(link, O_WRONLY), reader = open(link, O_RDONLY);
    REQUIRE(writer >= 0 && reader >= 0);
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x800000, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED | 0x8000000, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, 0, memory, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, 0, -1, 0)));
    SHOW(result(mmap(NULL, 0, RW, MAP_SHARED, writer, 0)));
    SHOW(result(mmap(NULL, 0, RW, MAP_SHARED, -1, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED, writer, 0)));
    SHOW(result(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_SHARED, reader, 0)));
    SHOW(result(mmap(NULL, PAGE, RW, MAP_PRIVATE, reader, 0)));
    SHOW(result(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipe_ends[0], 0)));
    SHOW(result(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipe_ends[1], 0)));
    SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, memory, 1) == -1 ? errno : 0);
    SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, memory, -(long)PAGE) == -1 ? errno : 0);
    SHOW(syscall(SYS_mmap, 0, 2 * PAGE, PROT_READ, MAP_PRIVATE, memory, -(long)PAGE) == -1 ? errno : 0);
    SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, memory, LONG_MAX - PAGE + 1) == -1 ? errno : 0);
    SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, memory, LONG_MAX - 2 * PAGE + 1) == -1 ? errno : 0);
    SHOW(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1) == -1 ? errno : 0);
}

TEST(low_memory) {
    for (int i = 0; i < 4; ++i) {
        char* at = mmap(i & 1 ? (void*)0x700000000000 : NULL, 3 * PAGE, RW, PRIVATE | MAP_32BIT, -1, 0);
        REQUIRE(at != MAP_FAILED);
        CHECK((unsigned long)at >= 1UL << 30 && (unsigned long)at + 3 * PAGE <= 1UL << 31);
        at[3 * PAGE - 1] = 1;
    }
    CHECK_ERRNO(mmap(NULL, 1UL << 30, PROT_NONE, PRIVATE | MAP_NORESERVE | MAP_32BIT, -1, 0), ENOMEM);
}

/// Pages that are there without a fault.
static long resident_kib(void) {
    FILE* status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "VmRSS:", 6)) kib = atol(line + 6);
    fclose(status);
    return kib;
}
static int is_filled(int flags, int rights) {
    long const before = resident_kib();
    char* at = mmap(NULL, 1024 * PAGE, rights, PRIVATE | flags, -1, 0);
    REQUIRE(at != MAP_FAILED);
    long const after = resident_kib();
    munmap(at, 1024 * PAGE);
    return after - before > 3000;
}
TEST(filled_at_once) {
    resident_kib();
    SHOW(is_filled(0, RW));
    SHOW(is_filled(MAP_POPULATE, RW));
    SHOW(is_filled(MAP_POPULATE | MAP_NONBLOCK, RW));
    SHOW(is_filled(MAP_POPULATE, PROT_NONE));
}
