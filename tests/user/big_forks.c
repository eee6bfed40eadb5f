// SPDX-License-Identifier: MIT
// flags: -static -pthread
// Forks of programs with much memory, where the kernel may share whole page tables: what parent, children
// and grandchildren then write, unmap, protect and move is theirs alone, also while threads write.
#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

enum { TABLE = 512 * PAGE, TABLES = 3, SIZE = TABLES * TABLE };

typedef uint64_t Word;

/// TABLES whole tables of memory, each page touched.
static char* big(int flags) {
    char* at = mmap(NULL, SIZE + TABLE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    return (char*)(((uintptr_t)at + TABLE - 1) / TABLE * TABLE);
}

static void fill(char* at, size_t size, Word seed) {
    for (size_t i = 0; i < size; i += PAGE) *(Word*)(at + i) = seed + i, *(Word*)(at + i + PAGE - 8) = ~(seed + i);
}

/// How many pages do not hold what fill() wrote.
static int wrong(char const* at, size_t size, Word seed) {
    int count = 0;
    for (size_t i = 0; i < size; i += PAGE) count += *(Word*)(at + i) != seed + i || *(Word*)(at + i + PAGE - 8) != ~(seed + i);
    return count;
}

static pid_t start(void) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    return child;
}

static void ends_well(pid_t child) {
    int status = wait_for(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(who_writes_writes_for_himself) {
    char* at = big(MAP_PRIVATE);
    fill(at, SIZE, 1);
    for (int round = 0; round < 3; ++round) {
        pid_t children[4];
        for (int i = 0; i < 4; ++i) {
            if ((children[i] = start())) continue;
            int bad = wrong(at, SIZE, 1 + round);
            for (int again = 0; again < 3; ++again) {
                size_t part = (i + again) % TABLES * TABLE;
                fill(at + part, TABLE, 1000 * (i + 1) + again);
                sched_yield();
                bad += wrong(at + part, TABLE, 1000 * (i + 1) + again);
            }
            _exit(bad != 0);
        }
        fill(at, SIZE, 2 + round);
        for (int i = 0; i < 4; ++i) ends_well(children[i]);
        CHECK(wrong(at, SIZE, 2 + round) == 0);
    }
}

TEST(generations) {
    char* at = big(MAP_PRIVATE);
    fill(at, SIZE, 1);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t first = start();
    if (first == 0) {
        for (Word generation = 2; generation <= 6; ++generation) {
            if (wrong(at, SIZE, 1) > (int)(generation - 2)) _exit(1);
            *(Word*)(at + generation * 100 * PAGE) = generation;      // one page each
            pid_t child = fork();
            if (child < 0) _exit(2);
            if (child != 0) _exit(0);                                 // before its child has looked
        }
        int bad = 0;
        for (Word generation = 2; generation <= 6; ++generation) bad += *(Word*)(at + generation * 100 * PAGE) != generation;
        bad += wrong(at, SIZE, 1) != 5;
        write(ends[1], bad ? "-" : "+", 1);
        _exit(0);
    }
    ends_well(first);
    char answer = 0;
    CHECK(read(ends[0], &answer, 1) == 1 && answer == '+');
    CHECK(wrong(at, SIZE, 1) == 0);
}

static void unmaps(char* at) {
    REQUIRE(munmap(at + 100 * PAGE, TABLE) == 0);
    REQUIRE(wrong(at, 100 * PAGE, 1) == 0 && wrong(at + 100 * PAGE + TABLE, PAGE, 1 + 100 * PAGE + TABLE) == 0);
    REQUIRE(mmap(at + 100 * PAGE, TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 100 * PAGE);
    for (int i = 0; i < TABLE; i += PAGE) REQUIRE(at[100 * PAGE + i] == 0);
    fill(at, SIZE, 9);
    REQUIRE(wrong(at, SIZE, 9) == 0);
}
static void unmaps_all(char* at) { REQUIRE(munmap(at, SIZE) == 0); }
static void protects(char* at) {
    REQUIRE(mprotect(at + TABLE + PAGE, TABLE, PROT_READ) == 0);
    REQUIRE(wrong(at, SIZE, 1) == 0);
    REQUIRE(read(-1, at, 1) == -1 && errno == EBADF);
    int zero = open("/dev/zero", O_RDONLY);
    CHECK_ERRNO(read(zero, at + TABLE + PAGE, 1), EFAULT);
    REQUIRE(read(zero, at, 1) == 1);
    REQUIRE(mprotect(at, SIZE, PROT_NONE) == 0 && mprotect(at, SIZE, PROT_READ | PROT_WRITE) == 0);
    fill(at, SIZE, 9);
    REQUIRE(wrong(at, SIZE, 9) == 0);
}
static void moves(char* at) {
    char* target = big(MAP_PRIVATE) + 64 * PAGE;
    REQUIRE(mremap(at + 32 * PAGE, TABLE, TABLE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    REQUIRE(wrong(target, TABLE, 1 + 32 * PAGE) == 0);
    fill(target, TABLE, 5);
    REQUIRE(wrong(target, TABLE, 5) == 0 && wrong(at, 32 * PAGE, 1) == 0);
}
static void discards(char* at) {
    REQUIRE(madvise(at + 10 * PAGE, TABLE + 5 * PAGE, MADV_DONTNEED) == 0);
    for (int i = 0; i < TABLE + 5 * PAGE; i += PAGE) REQUIRE(at[10 * PAGE + i] == 0);
    REQUIRE(wrong(at, 10 * PAGE, 1) == 0);
}
static void maps_shared(char* at) {
    REQUIRE(mmap(at + 7 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 7 * PAGE);
    pid_t child = start();
    if (child == 0) at[7 * PAGE] = 'x', at[6 * PAGE] = 'y', _exit(0);
    ends_well(child);
    REQUIRE(at[7 * PAGE] == 'x' && wrong(at, 7 * PAGE, 1) == 0);
}

TEST(changes_of_a_map_are_the_changers) {
    char* at = big(MAP_PRIVATE);
    fill(at, SIZE, 1);
    void (*const changes[])(char*) = {unmaps, unmaps_all, protects, moves, discards, maps_shared};
    for (int i = 0; i < 6; ++i) {
        pid_t child = start();
        if (child == 0) {
            pid_t sibling = start();                 // three share the tables
            if (sibling == 0) _exit(wrong(at, SIZE, 1) != 0);
            changes[i](at);
            ends_well(sibling);
            _exit(failures != 0);
        }
        CHECK(wrong(at, SIZE, 1) == 0);
        ends_well(child);
        CHECK(wrong(at, SIZE, 1) == 0);
    }
    for (int i = 0; i < 6; ++i) {                    // the same by the parent, while a child looks on
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        pid_t child = start();
        if (child == 0) {
            char go;
            close(ends[1]);
            read(ends[0], &go, 1);
            _exit(wrong(at, SIZE, 1) != 0);
        }
        pid_t changer = start();
        if (changer == 0) changes[i](at), _exit(failures != 0);
        ends_well(changer);
        changes[5 - i](at);
        close(ends[0]), close(ends[1]);
        ends_well(child);
        at = big(MAP_PRIVATE);
        fill(at, SIZE, 1);
    }
}

TEST(shared_memory_stays_shared) {
    char* at = big(MAP_SHARED);
    fill(at, SIZE, 1);
    pid_t child = start();
    if (child == 0) {
        fill(at, SIZE, 2);
        _exit(0);
    }
    ends_well(child);
    CHECK(wrong(at, SIZE, 2) == 0);
}

TEST(the_kernel_writes_there_too) {
    char* at = big(MAP_PRIVATE);
    fill(at, SIZE, 1);
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t child = start();
    if (child == 0) {
        REQUIRE(write(ends[1], "news", 4) == 4);
        REQUIRE(read(ends[0], at + 3 * PAGE, 4) == 4 && memcmp(at + 3 * PAGE, "news", 4) == 0);
        _exit(wrong(at, SIZE, 1) != 1);
    }
    ends_well(child);
    CHECK(wrong(at, SIZE, 1) == 0);
}

static char* region;
static atomic_int stop;

/// Counts in its own pages: the first word of a page never is behind the last, nor ahead by more than one.
static void* writer(void* number) {
    for (Word round = 1; !stop; ++round)
        for (size_t i = (size_t)number * PAGE; i < SIZE; i += 4 * PAGE) {
            atomic_store_explicit((_Atomic Word*)(region + i), round, memory_order_seq_cst);
            atomic_store_explicit((_Atomic Word*)(region + i + PAGE - 8), round, memory_order_seq_cst);
        }
    return NULL;
}

TEST(a_child_sees_one_moment_of_each_page) {
    region = big(MAP_PRIVATE);
    memset(region, 0, SIZE);
    pthread_t threads[3];
    for (size_t i = 0; i < 3; ++i) REQUIRE(pthread_create(&threads[i], NULL, writer, (void*)i) == 0);
    for (int round = 0; round < 25; ++round) {
        pid_t child = start();
        if (child == 0) {
            static Word seen[SIZE / PAGE];
            int bad = 0;
            for (int i = 0; i < SIZE / PAGE; ++i) {
                Word last = *(volatile Word*)(region + i * PAGE + PAGE - 8), first = *(volatile Word*)(region + i * PAGE);
                bad += first != last && first != last + 1;
                seen[i] = first;
            }
            for (int again = 0; again < 3; ++again) {                // nobody else writes here any more
                sched_yield();
                for (int i = 0; i < SIZE / PAGE; ++i) bad += *(volatile Word*)(region + i * PAGE) != seen[i];
                for (int i = again; i < SIZE / PAGE; i += 7) *(volatile Word*)(region + i * PAGE) = seen[i] = ~0ull - again;
            }
            _exit(bad != 0);
        }
        ends_well(child);
    }
    stop = 1;
    for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
    int bad = 0;
    for (size_t i = 0; i < SIZE; i += PAGE)
        bad += i / PAGE % 4 != 3 && *(Word*)(region + i) != *(Word*)(region + i + PAGE - 8);
    CHECK(bad == 0);
}
