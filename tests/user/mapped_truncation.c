// SPDX-License-Identifier: MIT
// A file that programs map becomes shorter and longer: what lies beyond its end is SIGBUS with its address, in every program that
// maps it, private copies too; what comes back is the file's, for both.
#include "test.h"

#include <setjmp.h>
#include <sys/wait.h>

static sigjmp_buf after_fault;
static char* volatile fault_address;
static void on_fault(int number, siginfo_t* info, void* context) {
    (void)context;
    fault_address = info->si_addr;
    siglongjmp(after_fault, number * 10 + info->si_code);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/// What the byte holds, or -(signal * 10 + code); the address is looked at.
static int look(char const* at) {
    int const fault = sigsetjmp(after_fault, 0);
    if (fault) CHECK(fault_address == at);
    return fault ? -fault : *(unsigned char const volatile*)at;
}
static int put(char* at, int value) {
    int const fault = sigsetjmp(after_fault, 0);
    if (fault) CHECK(fault_address == at);
    else *(char volatile*)at = (char)value;
    return fault ? -fault : value;
}
enum { BEYOND = -(SIGBUS * 10 + BUS_ADRERR) };

static char name[] = "mapped_truncation.file";
static int make_file(size_t size) {
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char block[PAGE];
    memset(block, 'A', sizeof block);
    REQUIRE(file >= 0);
    for (size_t at = 0; at < size; at += PAGE) REQUIRE(pwrite(file, block, size - at < PAGE ? size - at : PAGE, (off_t)at) > 0);
    return file;
}
static char* map_file(int file, size_t size, int rights, int flags) {
    char* at = mmap(NULL, size, rights, flags, file, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}
enum { RW = PROT_READ | PROT_WRITE };

static void look_everywhere(char const* when, char* shared, char* private, char* reader, int pages) {
    say("%s:", when);
    for (int i = 0; i < pages; ++i) say(" %d/%d/%d", look(shared + i * PAGE), look(private + i * PAGE), look(reader + i * PAGE));
    say("\n");
}

static void shrink_by(char const* how, int (*shrink)(int file, off_t size)) {
    catch_faults();
    int file = make_file(4 * PAGE);
    char *shared = map_file(file, 4 * PAGE, RW, MAP_SHARED), *private = map_file(file, 4 * PAGE, RW, MAP_PRIVATE),
         *reader = map_file(file, 4 * PAGE, PROT_READ, MAP_PRIVATE);
    CHECK(put(private + PAGE, 'P') == 'P' && put(private + 3 * PAGE, 'Q') == 'Q');
    look_everywhere(how, shared, private, reader, 4);
    CHECK(shrink(file, 2 * PAGE) == 0);
    look_everywhere("shrunk to 2", shared, private, reader, 4);
    CHECK(put(shared + 2 * PAGE, 'x') == BEYOND && put(private + 2 * PAGE, 'x') == BEYOND && put(private + 3 * PAGE, 'x') == BEYOND);
    CHECK(ftruncate(file, 4 * PAGE) == 0);
    look_everywhere("grown to 4", shared, private, reader, 4);
    CHECK(put(shared + 3 * PAGE, 'M') == 'M');
    char byte = 0;
    CHECK(pread(file, &byte, 1, 3 * PAGE) == 1 && byte == 'M' && look(reader + 3 * PAGE) == 'M');
    CHECK(pwrite(file, "F", 1, 2 * PAGE) == 1 && look(shared + 2 * PAGE) == 'F' && look(private + 2 * PAGE) == 'F');
    CHECK(shrink(file, 0) == 0);
    look_everywhere("emptied", shared, private, reader, 4);
    CHECK(pwrite(file, "new", 3, 0) == 3);
    look_everywhere("rewritten", shared, private, reader, 2);
    unlink(name);
}

static int by_descriptor(int file, off_t size) { return ftruncate(file, size); }
static int by_name(int file, off_t size) { (void)file; return truncate(name, size); }
static int by_opening(int file, off_t size) {
    if (size != 0) return ftruncate(file, size);
    int again = open(name, O_WRONLY | O_TRUNC);
    return again < 0 ? -1 : close(again);
}
TEST(ftruncate_reaches_mappings) { shrink_by("ftruncate", by_descriptor); }
TEST(truncate_reaches_mappings) { shrink_by("truncate", by_name); }
TEST(opening_with_O_TRUNC_reaches_mappings) { shrink_by("O_TRUNC", by_opening); }

TEST(the_last_page_is_cut_within) {
    catch_faults();
    int file = make_file(100);
    char* at = map_file(file, 2 * PAGE, RW, MAP_SHARED);
    CHECK(look(at + 99) == 'A' && look(at + 100) == 0 && look(at + PAGE) == BEYOND);
    CHECK(put(at + 60, 'x') == 'x' && ftruncate(file, 50) == 0);
    SHOW(look(at + 49));
    SHOW(look(at + 60));
    CHECK(ftruncate(file, PAGE + 1) == 0);
    SHOW(look(at + 60));
    SHOW(look(at + PAGE));
    SHOW(put(at + 2 * PAGE - 1, 'e'));
    CHECK(ftruncate(file, PAGE) == 0);
    SHOW(look(at + PAGE));
    SHOW(look(at + PAGE - 1));
    unlink(name);
}

TEST(every_program_that_maps_it) {
    catch_faults();
    int file = make_file(4 * PAGE), ready[2], go[2];
    REQUIRE(pipe(ready) == 0 && pipe(go) == 0);
    char *shared = map_file(file, 4 * PAGE, RW, MAP_SHARED), *private = map_file(file, 4 * PAGE, RW, MAP_PRIVATE);
    CHECK(put(private + 2 * PAGE, 'p') == 'p');
    enum { CHILDREN = 6 };
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; ++i) {
        children[i] = fork();
        if (children[i] != 0) continue;
        if (i & 1) private = map_file(file, 4 * PAGE, RW, MAP_PRIVATE), put(private + 3 * PAGE, i);
        if (i & 2) CHECK(mremap(shared + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, shared) == shared), shared -= 2 * PAGE;
        if (i & 4) CHECK(mprotect(private + 2 * PAGE, PAGE, PROT_READ) == 0);
        look(shared + 2 * PAGE), look(private + 2 * PAGE);
        char byte = 0;
        write(ready[1], "r", 1);
        read(go[0], &byte, 1);
        CHECK(look(shared + 2 * PAGE) == BEYOND && look(private + 2 * PAGE) == BEYOND && look(private + 3 * PAGE) == BEYOND);
        CHECK(look(private + PAGE) == 'A');
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(look(private + 2 * PAGE) != BEYOND);
        CHECK(ended_with(wait_for(grandchild), 0));
        _exit(failures != 0);
    }
    char byte;
    for (int i = 0; i < CHILDREN; ++i) CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(ftruncate(file, 2 * PAGE) == 0);
    for (int i = 0; i < CHILDREN; ++i) CHECK(write(go[1], "g", 1) == 1);
    for (int i = 0; i < CHILDREN; ++i) CHECK(ended_with(wait_for(children[i]), 0));
    CHECK(look(private + 2 * PAGE) == BEYOND);
    unlink(name);
}

/// Enough pages that programs share page tables after a fork; only the copies beyond the end go, of each program.
TEST(private_copies_in_shared_page_tables) {
    catch_faults();
    enum { LARGE = 1024 };
    int file = make_file(LARGE * PAGE);
    char *private = map_file(file, LARGE * PAGE, RW, MAP_PRIVATE), *around = mmap(NULL, LARGE * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(around != MAP_FAILED);
    for (int i = 0; i < LARGE; ++i) private[i * PAGE] = 'p', around[i * PAGE] = 'a';
    int go[2], back[2];
    REQUIRE(pipe(go) == 0 && pipe(back) == 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        read(go[0], &byte, 1);
        for (int i = 0; i < LARGE; ++i)
            if (look(private + i * PAGE) != (i < 700 ? 'p' : BEYOND) || around[i * PAGE] != 'a') _exit(1);
        _exit(0);
    }
    CHECK(ftruncate(file, 700 * PAGE) == 0);
    CHECK(write(go[1], "g", 1) == 1);
    int wrong = 0;
    for (int i = 0; i < LARGE; ++i) wrong += look(private + i * PAGE) != (i < 700 ? 'p' : BEYOND) || around[i * PAGE] != 'a';
    SHOW(wrong);
    CHECK(ended_with(wait_for(child), 0));
    unlink(name);
}

TEST(the_kernel_finds_the_end_too) {
    catch_faults();
    int file = make_file(2 * PAGE), pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    char* at = map_file(file, 2 * PAGE, RW, MAP_SHARED);
    CHECK(write(pipe_ends[1], at + PAGE, 1) == 1);
    CHECK(ftruncate(file, PAGE) == 0);
    CHECK_ERRNO(write(pipe_ends[1], at + PAGE, 1), EFAULT);
    CHECK_ERRNO(read(pipe_ends[0], at + PAGE, 1), EFAULT);
    CHECK_ERRNO(pread(file, at + PAGE, 1, 0), EFAULT);
    // The file's own end moves while it is written to from its mapping.
    CHECK(pwrite(file, at, PAGE, PAGE) == PAGE && look(at + PAGE) == 'A');
    unlink(name);
}

TEST(files_in_memory) {
    catch_faults();
    int memory = memfd_create("m", MFD_ALLOW_SEALING);
    REQUIRE(memory >= 0 && ftruncate(memory, 2 * PAGE) == 0);
    char* at = map_file(memory, 2 * PAGE, RW, MAP_SHARED);
    CHECK(put(at, 'm') == 'm' && put(at + PAGE, 'n') == 'n');
    CHECK(ftruncate(memory, 0) == 0);
    CHECK(look(at) == BEYOND && put(at + PAGE, 1) == BEYOND);
    CHECK(ftruncate(memory, 2 * PAGE) == 0 && look(at) == 0 && put(at + PAGE, 'o') == 'o');
    CHECK(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_ERRNO(ftruncate(memory, PAGE), EPERM);
    CHECK(look(at + PAGE) == 'o');
    CHECK(close(memory) == 0 && look(at + PAGE) == 'o');
}

/// What a mapping writes there stays, and shows when the file grows; only what a file loses is zero.
TEST(behind_the_end_of_a_file_in_memory) {
    catch_faults();
    int const memory = memfd_create("m", 0);
    REQUIRE(memory >= 0 && ftruncate(memory, 100) == 0);
    char* const at = map_file(memory, PAGE, RW, MAP_SHARED);
    char byte = 0;
    CHECK(put(at + 50, 'a') == 'a' && put(at + 200, 'b') == 'b' && put(at + 300, 'c') == 'c');
    CHECK(pread(memory, &byte, 1, 200) == 0 && ftruncate(memory, 80) == 0);
    CHECK(look(at + 50) == 'a' && look(at + 200) == 0 && look(at + 300) == 0);
    CHECK(put(at + 200, 'd') == 'd' && put(at + 300, 'e') == 'e' && ftruncate(memory, 80) == 0);
    CHECK(look(at + 200) == 0);
    CHECK(put(at + 90, 'f') == 'f');
    CHECK(pwrite(memory, "gg", 2, 400) == 2);
    CHECK(pread(memory, &byte, 1, 401) == 1 && byte == 'g' && pread(memory, &byte, 1, 300) == 1 && byte == 0);
    CHECK(pread(memory, &byte, 1, 90) == 1 && byte == 'f');
    CHECK(put(at + 500, 'h') == 'h' && ftruncate(memory, PAGE) == 0 && pread(memory, &byte, 1, 500) == 1 && byte == 'h');
    close(memory);
}

/// Faults, forks, unmapping and growth while it goes on: every byte is the file's, zero, or beyond the end; nothing is lost after it.
TEST(a_race_of_truncation_and_use) {
    catch_faults();
    enum { PAGES = 16, WORKERS = 3 };
    int memory = memfd_create("race", 0);
    REQUIRE(memory >= 0 && ftruncate(memory, PAGES * PAGE) == 0);
    int* stop = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *shared = map_file(memory, PAGES * PAGE, RW, MAP_SHARED), *private = map_file(memory, PAGES * PAGE, RW, MAP_PRIVATE);
    pid_t workers[WORKERS];
    for (int worker = 0; worker < WORKERS; ++worker) {
        workers[worker] = fork();
        if (workers[worker] != 0) continue;
        int wrong = 0;
        for (unsigned round = 0; !__atomic_load_n(stop, __ATOMIC_RELAXED); ++round) {
            char *at = shared + round % PAGES * PAGE, *mine = private + round % PAGES * PAGE;
            int seen = look(at);
            wrong += seen != 'w' && seen != 0 && seen != BEYOND;
            seen = put(at, 'w');
            wrong += seen != 'w' && seen != BEYOND;
            seen = put(mine, 'v');
            wrong += seen != 'v' && seen != BEYOND;
            if (round % 64 == 0) {
                pid_t child = fork();
                if (child == 0) _exit((seen = look(mine)) != 'v' && seen != 'w' && seen != 0 && seen != BEYOND);
                wrong += !ended_with(wait_for(child), 0);
                munmap(private, PAGES * PAGE);
                private = map_file(memory, PAGES * PAGE, RW, MAP_PRIVATE);
            }
        }
        _exit(wrong != 0);
    }
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        for (int i = 0; i < 20; ++i) CHECK(ftruncate(memory, i * 7 % PAGES * PAGE) == 0 && ftruncate(memory, PAGES * PAGE) == 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 700);
    __atomic_store_n(stop, 1, __ATOMIC_RELAXED);
    for (int worker = 0; worker < WORKERS; ++worker) CHECK(ended_with(wait_for(workers[worker]), 0));
    // Map and file are still one.
    for (int i = 0; i < PAGES; ++i) {
        char byte = 0;
        CHECK(put(shared + i * PAGE + 1, i) == i && pread(memory, &byte, 1, i * PAGE + 1) == 1 && byte == i);
    }
}

static int moved(struct timespec then, struct timespec now) { return then.tv_sec != now.tv_sec || then.tv_nsec != now.tv_nsec; }

TEST(times_of_a_mapped_file) {
    int file = make_file(2 * PAGE);
    struct stat before, after;
    struct timespec const old[2] = {{1000000, 0}, {2000000, 0}};
    REQUIRE(futimens(file, old) == 0 && fstat(file, &before) == 0);
    sleep_ms(20);
    char* at = map_file(file, 2 * PAGE, RW, MAP_SHARED);
    CHECK(fstat(file, &after) == 0);
    say("mapped: accessed %d modified %d changed %d\n", moved(before.st_atim, after.st_atim), moved(before.st_mtim, after.st_mtim), moved(before.st_ctim, after.st_ctim));
    before = after;
    sleep_ms(20);
    at[0] = 'w';
    CHECK(msync(at, PAGE, MS_SYNC) == 0 && fstat(file, &after) == 0);
    say("written: accessed %d modified %d changed %d\n", moved(before.st_atim, after.st_atim), moved(before.st_mtim, after.st_mtim), moved(before.st_ctim, after.st_ctim));
    before = after;
    sleep_ms(20);
    char* private = map_file(file, 2 * PAGE, RW, MAP_PRIVATE);
    private[0] = 'p';
    CHECK(fstat(file, &after) == 0);
    say("private: modified %d changed %d\n", moved(before.st_mtim, after.st_mtim), moved(before.st_ctim, after.st_ctim));
    unlink(name);
}
