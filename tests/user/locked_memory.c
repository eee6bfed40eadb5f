// SPDX-License-Identifier: MIT
// mlock(2) and its like: what is locked is there, is counted (VmLck) against RLIMIT_MEMLOCK, is not counted twice, goes with what is
// unmapped, and is nobody's after fork and exec. VmPeak, the most there ever was of VmSize.
#include "test.h"

#include <sys/resource.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
enum { SOMEBODY = 12345, RW = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

/// A line of /proc/self/status, in pages.
static long shown(char const* label) {
    static char text[8192];
    int const file = open("/proc/self/status", O_RDONLY);
    ssize_t const length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    char const* const line = strstr(text, label);
    return line ? atol(line + strlen(label)) / (PAGE / 1024) : -1;
}
static long locked(void) { return shown("\nVmLck:"); }

static char* map(int pages, int rights, int flags) {
    char* const at = mmap(NULL, (size_t)pages * PAGE, rights, ANONYMOUS | flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
/// Room between mappings, so that neighbours do not become one with others.
static char* between(int pages) {
    char* const at = map(pages + 2, PROT_NONE, 0);
    mmap(at + PAGE, (size_t)pages * PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0);
    return at + PAGE;
}

TEST(what_is_locked_is_counted) {
    CHECK(locked() == 0);
    char* const at = between(16);
    CHECK(mlock(at + PAGE, 4 * PAGE) == 0 && locked() == 4);
    CHECK(mlock(at + 3 * PAGE + 5, 4 * PAGE) == 0 && locked() == 7);   // pages 3 to 7
    CHECK(munlock(at + 2 * PAGE, PAGE) == 0 && locked() == 6);
    CHECK(munmap(at + 3 * PAGE, 2 * PAGE) == 0 && locked() == 4);
    CHECK_ERRNO(mlock(at, 16 * PAGE), ENOMEM);                         // a hole, before which it is done
    CHECK(locked() == 6);
    CHECK_ERRNO(munlock(at + 3 * PAGE, PAGE), ENOMEM);
    CHECK(mlock(at, 0) == 0 && mlock(at + 9 * PAGE + 1, 0) == 0 && locked() == 7);
    CHECK_ERRNO(mlock((void*)-PAGE, 2 * PAGE), EINVAL);
    CHECK(munmap(at, 16 * PAGE) == 0 && locked() == 0);
    char* const kept = map(3, RW, MAP_LOCKED);
    CHECK(kept && locked() == 3);
    CHECK(mprotect(kept + PAGE, PAGE, PROT_READ) == 0 && locked() == 3);
    CHECK(mmap(kept, PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0) == kept && locked() == 2);
    CHECK(munmap(kept, 3 * PAGE) == 0 && locked() == 0);
}

TEST(what_is_locked_is_not_given_back) {
    char* const at = between(4);
    memset(at, 'a', 4 * PAGE);
    CHECK(mlock(at + PAGE, PAGE) == 0);
    CHECK_ERRNO(madvise(at, 4 * PAGE, MADV_DONTNEED), EINVAL);
    CHECK(at[0] == 0 && at[PAGE] == 'a' && at[2 * PAGE] == 'a');       // as far as it came
    CHECK_ERRNO(madvise(at + PAGE, PAGE, MADV_FREE), EINVAL);
    CHECK_ERRNO(madvise(at + PAGE, PAGE, MADV_COLD), EINVAL);
    CHECK_ERRNO(msync(at, 4 * PAGE, MS_INVALIDATE), EBUSY);
    CHECK(msync(at, 4 * PAGE, MS_SYNC) == 0);
    CHECK(madvise(at + PAGE, PAGE, MADV_NORMAL) == 0 && madvise(at, 4 * PAGE, MADV_DONTNEED_LOCKED) == 0 && at[PAGE] == 0);
    CHECK(munlock(at, 4 * PAGE) == 0 && madvise(at, 4 * PAGE, MADV_DONTNEED) == 0);
}

TEST(what_cannot_be_filled) {
    char* const at = between(4);
    CHECK(mprotect(at + PAGE, PAGE, PROT_NONE) == 0);
    CHECK_ERRNO(mlock(at, 3 * PAGE), ENOMEM);
    CHECK(locked() == 3 && munlock(at, 4 * PAGE) == 0);
    int const file = memfd_create("short", 0);
    CHECK(ftruncate(file, PAGE) == 0 && mmap(at, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == at);
    CHECK_ERRNO(mlock(at, 2 * PAGE), ENOMEM);
    CHECK(locked() == 2);
    CHECK(mmap(at, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_LOCKED, file, 0) == at && locked() == 2);
    CHECK(munmap(at, 4 * PAGE) == 0 && locked() == 0);
    close(file);
}

TEST(moved_and_longer) {
    char* const at = between(8);
    CHECK(munmap(at + 2 * PAGE, 6 * PAGE) == 0 && mlock(at, 2 * PAGE) == 0);
    CHECK(mremap(at, 2 * PAGE, 4 * PAGE, 0) == at && locked() == 4);
    CHECK(mremap(at, 4 * PAGE, 3 * PAGE, 0) == at && locked() == 3);
    char* const away = mremap(at, 3 * PAGE, 20 * PAGE, MREMAP_MAYMOVE);
    CHECK(away != MAP_FAILED && locked() == 20);
    CHECK(mremap(away, 20 * PAGE, 5 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at && locked() == 5);
    struct rlimit const limit = {6 * PAGE + 100, 1 << 20};
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    CHECK_ERRNO(mremap(at, 5 * PAGE, 7 * PAGE, 0) == MAP_FAILED ? -1 : 0, EAGAIN);
    CHECK(mremap(at, 5 * PAGE, 6 * PAGE, 0) == at);
    CHECK_ERRNO(mremap(at, 6 * PAGE, 7 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0, EAGAIN);
}

static int map_locked(int pages) {
    errno = 0;
    return map(pages, PROT_READ, MAP_LOCKED) ? 0 : errno;
}
/// Not by the library, which makes EPERM ENOMEM.
static int map_locked_itself(void) {
    return syscall(SYS_mmap, NULL, PAGE, PROT_READ, ANONYMOUS | MAP_LOCKED, -1, 0) == -1 ? errno : 0;
}

TEST(the_limit_holds_of_the_sum) {
    REQUIRE(locked() == 0);
    struct rlimit limit = {8 * PAGE, 8 * PAGE};
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    CHECK(map_locked(9) == 0 && locked() == 9);                 // root may
    CHECK(munlockall() == 0 && locked() == 0);
    REQUIRE(setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    char* const at = between(16);
    CHECK(map_locked(3) == 0 && map_locked(3) == 0);
    CHECK(map_locked(3) == EAGAIN && map_locked(2) == 0 && map_locked(1) == EAGAIN);
    CHECK_ERRNO(mlock(at, PAGE), ENOMEM);
    CHECK(munlockall() == 0 && locked() == 0);
    CHECK(mlock(at, 8 * PAGE) == 0 && mlock(at + 2 * PAGE, 6 * PAGE) == 0);
    CHECK_ERRNO(mlock(at + 4 * PAGE, 5 * PAGE), ENOMEM);
    CHECK(munmap(at + 2 * PAGE, 3 * PAGE) == 0 && map_locked(3) == 0 && map_locked(1) == EAGAIN);
    // What is replaced still counts when it is asked.
    CHECK(mmap(at, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN && locked() == 8);
    limit.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    CHECK_ERRNO(mlock(at, PAGE), EPERM);
    CHECK_ERRNO(mlock2(at, PAGE, 0), EPERM);
    CHECK_ERRNO(mlockall(MCL_CURRENT), EPERM);
    CHECK(map_locked_itself() == EPERM && munlock(at, PAGE) == 0 && munlockall() == 0 && locked() == 0);
    limit.rlim_cur = PAGE - 1;
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    CHECK(map_locked_itself() == EAGAIN);
    CHECK_ERRNO(mlock(at, PAGE), ENOMEM);
    CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
    CHECK(mlockall(MCL_FUTURE) == 0 && map(1, RW, 0) == NULL && errno == EAGAIN);
}

TEST(everything_and_what_will_come) {
    CHECK_ERRNO(mlockall(0), EINVAL);
    CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
    CHECK_ERRNO(mlockall(8 | MCL_CURRENT), EINVAL);
    CHECK(mlockall(MCL_CURRENT) == 0);
    CHECK(locked() > 0 && locked() <= shown("\nVmSize:"));
    long const before = locked();
    char* const free = between(2);
    CHECK(locked() == before);
    CHECK(mlockall(MCL_FUTURE) == 0 && locked() == before);
    char* const held = map(3, RW, 0);
    CHECK(locked() == before + 3);
    CHECK(sbrk(0) != (void*)-1 && syscall(SYS_brk, (char*)sbrk(0) + 2 * PAGE) > 0);
    CHECK(locked() == before + 5);
    pid_t const child = fork();
    if (child == 0) {
        CHECK(locked() == 0 && map(3, RW, 0) && locked() == 0);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(munlockall() == 0 && locked() == 0 && map(3, RW, 0) && locked() == 0);
    (void)free, (void)held;
}

TEST(locked_as_it_is_used) {
    char* const at = between(4);
    CHECK_ERRNO(mlock2(at, PAGE, 2), EINVAL);
    CHECK(mlock2(at, 4 * PAGE, MLOCK_ONFAULT) == 0 && locked() == 4);
    at[PAGE] = 1;
    CHECK_ERRNO(madvise(at, 4 * PAGE, MADV_DONTNEED), EINVAL);
    CHECK(mlock2(at, 4 * PAGE, 0) == 0 && locked() == 4 && at[PAGE] == 1);
    CHECK(mlockall(MCL_FUTURE | MCL_ONFAULT) == 0 && map(2, RW, 0) && locked() == 6);
    CHECK(mlockall(MCL_CURRENT | MCL_ONFAULT) == 0 && locked() > 6 && map(2, RW, 0) && munlockall() == 0 && locked() == 0);
}

/// How many faults it takes to write to each of 40 pages.
static int faults_of(char* at) {
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 40; ++i) ((char volatile*)at)[i * PAGE] = 1;
    getrusage(RUSAGE_SELF, &after);
    return (int)(after.ru_minflt - before.ru_minflt);
}

TEST(locking_fills) {
    CHECK(faults_of(between(40)) >= 40);
    char* at = between(40);
    CHECK(mlock2(at, 40 * PAGE, MLOCK_ONFAULT) == 0 && faults_of(at) >= 40);
    at = between(40);
    CHECK(mlock(at, 40 * PAGE) == 0 && faults_of(at) < 5);
    CHECK(faults_of(map(40, RW, MAP_LOCKED)) < 5);
    CHECK(mlockall(MCL_FUTURE) == 0 && faults_of(map(40, RW, 0)) < 5);
    at = map(20, RW, 0);
    at = mremap(at, 20 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
    CHECK(at != MAP_FAILED && faults_of(at) < 5);
    CHECK(munlockall() == 0);
    at = between(40);
    CHECK(mlockall(MCL_CURRENT) == 0 && faults_of(at) < 5);
}

TEST(the_most_there_ever_was) {
    enum { MORE = 4000 };
    long const before = shown("\nVmSize:"), peak = shown("\nVmPeak:");
    CHECK(peak >= before);
    char* const at = map(MORE, PROT_NONE, 0);
    CHECK(shown("\nVmSize:") == before + MORE && shown("\nVmPeak:") == before + MORE);
    CHECK(munmap(at + PAGE, (MORE - 1) * (size_t)PAGE) == 0);
    CHECK(shown("\nVmSize:") == before + 1 && shown("\nVmPeak:") == before + MORE);
    CHECK(map(100, RW, 0) && shown("\nVmPeak:") == before + MORE);
    pid_t child = fork();
    if (child == 0) {
        CHECK(shown("\nVmPeak:") == shown("\nVmSize:"));
        char* const own = map(50, RW, 0);
        long const most = shown("\nVmSize:");
        CHECK(munmap(own, 50 * PAGE) == 0 && shown("\nVmPeak:") == most && shown("\nVmSize:") == most - 50);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
    child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "locked_memory", "after-exec", (char*)NULL);
        _exit(9);
    }
    CHECK(ended_with(wait_for(child), 5));
}

void when_executed(int count, char** words) {
    if (count < 2 || strcmp(words[1], "after-exec")) return;
    _exit(shown("\nVmPeak:") < 3000 && locked() == 0 ? 5 : 6);
}
