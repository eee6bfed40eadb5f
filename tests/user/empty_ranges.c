// SPDX-License-Identifier: MIT
// What each call that takes a range does with an empty one, and with one that wraps round the end of all addresses:
// nothing, or an error, and what lies around stays as it is.

#include "test.h"

#include <sys/shm.h>
#include <sys/uio.h>

static unsigned long const huge_sizes[] = {~0UL, ~0UL - PAGE + 1, ~0UL - PAGE, 1UL << 63, (1UL << 63) - PAGE, 1UL << 57};
enum { SIZES = sizeof huge_sizes / sizeof *huge_sizes };

// The C library rounds some of them itself.
#define munmap(address, size) syscall(SYS_munmap, address, (unsigned long)(size))
#define mprotect(address, size, rights) syscall(SYS_mprotect, address, (unsigned long)(size), rights)
#define madvise(address, size, advice) syscall(SYS_madvise, address, (unsigned long)(size), advice)
#define msync(address, size, flags) syscall(SYS_msync, address, (unsigned long)(size), flags)

static long result(long value) { return value == -1 ? -errno : value; }

/// Three shared pages between two free ones, with 'A', 'B', 'C' at their starts.
static char* three_pages(void) {
    char* at = (char*)0x20000000;   // where no program and no library lies
    REQUIRE(mmap(at, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    for (int i = 0; i < 3; ++i) at[i * PAGE] = (char)('A' + i);
    return at;
}

/// How many lines of /proc/self/maps begin within the three pages, and whether the first begins with them.
static void show_maps(char const* at) {
    FILE* maps = fopen("/proc/self/maps", "r");
    REQUIRE(maps);
    char line[512];
    int lines = 0, begins = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long const start = strtoul(line, NULL, 16);
        lines += start >= (unsigned long)at && start < (unsigned long)at + 3 * PAGE;
        begins |= start == (unsigned long)at;
    }
    fclose(maps);
    say("%d lines of maps, begins %d, %c%c%c\n", lines, begins, at[0], at[PAGE], at[2 * PAGE]);
}

TEST(calls_with_an_empty_range) {
    char* at = three_pages();
    for (int offset = 0; offset <= 4 * PAGE; offset += PAGE / 2) {
        char* where = at - PAGE / 2 + offset;
        say("at %d: munmap %ld mprotect %ld madvise %ld %ld msync %ld\n", offset - PAGE / 2, result(munmap(where, 0)),
            result(mprotect(where, 0, PROT_NONE)), result(madvise(where, 0, MADV_DONTNEED)), result(madvise(where, 0, MADV_FREE)),
            result(msync(where, 0, MS_SYNC)));
        show_maps(at);
    }
    say("mprotect with strange rights %ld\n", result(mprotect(at, 0, 0x40)));
    SHOW(result((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    SHOW(result((long)mmap(at + PAGE, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
    SHOW(result((long)mremap(at + PAGE, PAGE, 0, MREMAP_MAYMOVE)));
    SHOW(result((long)mremap(at + PAGE, 0, 0, MREMAP_MAYMOVE)));
    SHOW(result((long)mremap(at + PAGE, 0, PAGE, 0)));
    show_maps(at);
}

TEST(calls_with_a_range_that_wraps) {
    char* at = three_pages();
    for (int i = 0; i < SIZES; ++i) {
        unsigned long const size = huge_sizes[i];
        say("size %lx: munmap %ld mprotect %ld madvise %ld msync %ld", size, result(munmap(at + PAGE, size)),
            result(mprotect(at + 3 * PAGE, size, PROT_NONE)), result(madvise(at + 3 * PAGE, size, MADV_NORMAL)), result(msync(at + PAGE, size, MS_SYNC)));
        say(" mmap %ld %ld", result((long)mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
            result((long)mmap(at + PAGE, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)));
        say(" mremap %d %d\n", result((long)mremap(at + PAGE, PAGE, size, MREMAP_MAYMOVE)) < 0, result((long)mremap(at + PAGE, size, PAGE, 0)) == (long)(at + PAGE));
        show_maps(at);
    }
    for (int bit = 57; bit < 64; bit += 3) {
        void* where = (void*)(1UL << bit);   // where no program has memory, whatever the CPU's page tables can do
        say("at %p: munmap %ld mprotect %ld madvise %ld msync %ld mmap %ld\n", where, result(munmap(where, PAGE)),
            result(mprotect(where, PAGE, PROT_READ)), result(madvise(where, PAGE, MADV_DONTNEED)), result(msync(where, PAGE, MS_ASYNC)),
            result((long)mmap(where, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
        CHECK_ERRNO(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, where), EINVAL);
        CHECK_ERRNO(mremap(where, PAGE, PAGE, MREMAP_MAYMOVE), EFAULT);
    }
    SHOW(result(munmap(at + PAGE, 0 - (unsigned long)at)));
    SHOW(result(madvise((void*)-(long)PAGE, PAGE, MADV_NORMAL)));
    SHOW(result(madvise((void*)-(long)PAGE, 2 * PAGE, MADV_NORMAL)));
    SHOW(result(munmap((void*)-(long)PAGE, 2 * PAGE)));
    SHOW(result(mprotect((void*)-(long)PAGE, 2 * PAGE, PROT_READ)));
    SHOW(result(msync((void*)-(long)PAGE, 2 * PAGE, MS_SYNC)));
}

/// mremap(2) of nothing to something: a second view of shared pages, while the first stays.
static void second_view(int fixed, int page) {
    char* at = three_pages();
    char* target = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(target != MAP_FAILED);
    char* view = mremap(at + page * PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE | (fixed ? MREMAP_FIXED : 0), target + PAGE);
    REQUIRE(view != MAP_FAILED);
    CHECK(!fixed || view == target + PAGE);
    say("view from page %d: %c\n", page, view[0]);
    show_maps(at);
    view[1] = 'x';
    CHECK(at[page * PAGE + 1] == 'x');
    CHECK(munmap(at, 3 * PAGE) == 0);
    CHECK(view[0] == 'A' + page && view[1] == 'x');
    CHECK(munmap(view, 2 * PAGE) == 0 && munmap(target, PAGE) == 0);
    // The old place is free for something else, which is as it was asked for.
    REQUIRE(mmap(at, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at);
    CHECK(at[0] == 0 && at[PAGE] == 0 && at[2 * PAGE] == 0);
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0 && write(pipe_ends[1], "w", 1) == 1);
    CHECK_ERRNO(read(pipe_ends[0], at + PAGE, 1), EFAULT);
}

TEST(a_second_view_of_shared_pages) {
    for (int page = 0; page < 3; ++page) second_view(0, page), second_view(1, page);
}

TEST(no_second_view_of_private_pages) {
    char* at = three_pages();
    REQUIRE(mmap(at, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    at[PAGE] = 'p';
    CHECK_ERRNO(mremap(at + PAGE, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERRNO(mremap(at + PAGE, ~0UL, PAGE, MREMAP_MAYMOVE), EINVAL);
    CHECK(at[PAGE] == 'p');
}

TEST(a_second_view_keeps_a_seal_away) {
    int memory = memfd_create("sealed", MFD_ALLOW_SEALING);
    REQUIRE(memory >= 0 && ftruncate(memory, 3 * PAGE) == 0);
    char* at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    REQUIRE(at != MAP_FAILED);
    at[PAGE] = '1';
    char* view = mremap(at + PAGE, 0, PAGE, MREMAP_MAYMOVE);
    REQUIRE(view != MAP_FAILED);
    CHECK_ERRNO(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    CHECK(munmap(view, PAGE) == 0);
    CHECK_ERRNO(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    at[PAGE] = '2';
    CHECK(munmap(at, 3 * PAGE) == 0);
    CHECK(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), EPERM);
}

/// Children that make a second view and end: their pages come back.
TEST(second_views_leave_nothing_behind) {
    enum { CHILDREN = 20, PAGES = 512 };
    for (int i = 0; i < CHILDREN; ++i) {
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            char* at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            for (int page = 0; page < PAGES; ++page) at[page * PAGE] = 1;
            _exit(mremap(at + PAGE, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
        }
        CHECK(ended_with(wait_for(child), 0));
    }
}

TEST(shared_memory_and_the_break) {
    int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
    REQUIRE(id >= 0);
    char* at = shmat(id, NULL, 0);
    REQUIRE(at != (void*)-1);
    shmctl(id, IPC_RMID, NULL);
    at[PAGE] = 's';
    char* view = mremap(at + PAGE, 0, PAGE, MREMAP_MAYMOVE);
    REQUIRE(view != MAP_FAILED);
    CHECK(*view == 's' && at[PAGE] == 's');
    CHECK_ERRNO(shmdt(at + 1), EINVAL);
    CHECK(shmdt(at) == 0);
    CHECK(*view == 's');
    long end = syscall(SYS_brk, 0UL);
    CHECK(syscall(SYS_brk, end) == end && syscall(SYS_brk, ~0UL) == end && syscall(SYS_brk, 1UL << 57) == end);
}

TEST(transfers_of_nothing) {
    char file_name[] = "empty_ranges.file";
    int file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0 && unlink(file_name) == 0 && write(file, "abc", 3) == 3);
    SHOW(result(pread(file, NULL, 0, 0)));
    SHOW(result(pwrite(file, NULL, 0, 100)));
    SHOW(result(lseek(file, 0, SEEK_END)));
    SHOW(result(readv(file, NULL, 0)));
    struct iovec none[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    SHOW(result(writev(file, none, 3)));
    struct iovec too_much[2] = {{NULL, 1UL << 62}, {NULL, 1UL << 62}};
    SHOW(result(writev(file, too_much, 2)));
    SHOW(result(ftruncate(file, 3)));
    SHOW(result(ftruncate(file, -1)));
    SHOW(result(copy_file_range(file, NULL, file, NULL, 0, 0)));
    SHOW(result(copy_file_range(file, &(loff_t){0}, file, &(loff_t){1}, 2, 0)));
}

/// The ranges of record locks: none is empty (0 means up to the end), a negative length lies before its start.
TEST(ranges_of_locks) {
    char file_name[] = "empty_ranges.locks";
    int file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0 && unlink(file_name) == 0);
    static struct { long start, length; } const ranges[] = {{0, 0}, {10, 0}, {10, -10}, {10, -11}, {0, -1}, {-1, 1}, {LONG_MAX, 0}, {LONG_MAX, 1}, {LONG_MAX, 2}, {LONG_MAX, -1}, {1, LONG_MAX}, {2, LONG_MAX}, {5, LONG_MIN}};
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; ++i) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ranges[i].start, .l_len = ranges[i].length};
        long const locked = result(fcntl(file, F_SETLK, &lock));
        struct flock seen = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        pid_t child = fork();
        if (child == 0) {
            long const asked = result(fcntl(file, F_GETLK, &seen));
            say("%lx+%lx: %ld, seen %ld: type %d %lx+%lx\n", ranges[i].start, ranges[i].length, locked, asked, seen.l_type, (long)seen.l_start, (long)seen.l_len);
            _exit(0);
        }
        wait_for(child);
        struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
        CHECK(fcntl(file, F_SETLK, &all) == 0);
    }
}
