// SPDX-License-Identifier: MIT
// libc: musl
// flags: -static -pthread
// timeout: 120
// Translations that other CPUs remember must be gone when a call that takes rights or pages away
// returns. Writers run on as many CPUs as there are and never stop; one missed shoot-down lets a write through
// that shows: in a page that is read-only, in a page that is somebody else's by now, or in a child's copy.
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

#include "test.h"

enum { WRITERS = 3 };

static atomic_int stop;
static char* _Atomic target;                // where the writers write; null: nowhere
static _Thread_local sigjmp_buf back;

static void on_fault(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

static void* write_always(void* argument) {
    uint64_t const own = (uintptr_t)argument + 1;
    uint64_t volatile count = 0;
    sigsetjmp(back, 1);
    while (!stop) {
        char* const at = target;
        if (!at) continue;
        for (int i = 0; i < 64; ++i) ((uint64_t volatile*)at)[own] = ++count;
    }
    return NULL;
}

static pthread_t writers[WRITERS];

/// Rounds go on for so many, or so long: where several CPUs are emulated by fewer, each shoot-down waits for the host.
/// SHOOTDOWN_SECONDS=600 in the environment makes a long test of it.
static time_t ends_at;
static void begin_rounds(void) {
    char const* const wanted = getenv("SHOOTDOWN_SECONDS");
    ends_at = time(NULL) + (wanted ? atoi(wanted) : 2);
}
static int goes_on(int round, int most) { return (getenv("SHOOTDOWN_SECONDS") || round < most) && time(NULL) < ends_at; }

static void start_writers(void) {
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    stop = 0;
    begin_rounds();
    for (uintptr_t i = 0; i < WRITERS; ++i) CHECK(pthread_create(&writers[i], NULL, write_always, (void*)i) == 0);
}

static void end_writers(void) {
    stop = 1;
    for (int i = 0; i < WRITERS; ++i) CHECK(pthread_join(writers[i], NULL) == 0);
    target = NULL;
}

/// A sum of what the writers write to, long enough apart for a write to slip in between.
static uint64_t sum_of(char const* page) {
    uint64_t sum = 0;
    for (int i = 0; i < 8; ++i) sum += ((uint64_t const volatile*)page)[i];
    return sum;
}
static int changes(char const* page) {
    uint64_t const before = sum_of(page);
    for (int i = 0; i < 20; ++i)
        if (sum_of(page) != before) return 1;
    return 0;
}

static char* map_page(void) { return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

TEST(mprotect_stops_writers) {
    char* const page = map_page();
    int changed = 0, failed = 0;
    target = page;
    start_writers();
    for (int round = 0; goes_on(round, 20000); ++round) {
        failed += mprotect(page, PAGE, PROT_READ) != 0;
        changed += changes(page);
        failed += mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0;
        for (int i = 0; i < 50; ++i) (void)sum_of(page);   // the writers go on meanwhile
    }
    end_writers();
    CHECK(failed == 0);
    CHECK(changed == 0);
    munmap(page, PAGE);
}

TEST(unmapped_pages_are_nobodys) {
    int dirty = 0, failed = 0;
    start_writers();
    for (int round = 0; goes_on(round, 10000); ++round) {
        char* const page = map_page();
        failed += page == MAP_FAILED;
        *page = 1;
        target = page;
        for (int i = 0; i < 50; ++i) (void)sum_of(page);
        target = NULL;
        failed += munmap(page, PAGE) != 0;
        // Its frame is the next to be handed out; a writer that could still reach it would write into this.
        char* const next = mmap((char*)0x700000000000 + (uint64_t)(round % 512) * PAGE, PAGE, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        next[PAGE - 1] = 1;
        for (int i = 0; i < 20; ++i) dirty += sum_of(next) != 0;
        failed += munmap(next, PAGE) != 0;
    }
    end_writers();
    CHECK(failed == 0);
    CHECK(dirty == 0);
}

TEST(discarded_pages_are_read_as_zero) {
    char* const pages = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int dirty = 0, failed = 0;
    start_writers();
    for (int round = 0; goes_on(round, 5000); ++round) {
        target = pages + round % 16 * PAGE;
        for (int i = 0; i < 50; ++i) (void)sum_of(target);
        target = NULL;
        // Writers may be in the middle of their 64 writes, so the page itself proves nothing; its old frame does.
        failed += madvise(pages, 16 * PAGE, MADV_DONTNEED) != 0;
        char* const next = map_page();
        next[PAGE - 1] = 1;
        for (int i = 0; i < 20; ++i) dirty += sum_of(next) != 0;
        munmap(next, PAGE);
    }
    end_writers();
    CHECK(failed == 0);
    CHECK(dirty == 0);
    munmap(pages, 16 * PAGE);
}

TEST(a_child_is_out_of_reach) {
    char* const page = map_page();
    int changed = 0;
    target = page;
    start_writers();
    for (int round = 0; goes_on(round, 300); ++round) {
        pid_t const child = fork();
        if (child == 0) {
            int seen = 0;
            for (int i = 0; i < 20; ++i) seen |= changes(page);
            _exit(seen);
        }
        int status = -1;
        waitpid(child, &status, 0);
        changed += status != 0;
    }
    end_writers();
    CHECK(changed == 0);
    munmap(page, PAGE);
}

/// One thread's first write to a shared-by-fork page must be what the other threads read from then on.
TEST(copies_are_seen_by_all_threads) {
    char* const page = map_page();
    int stale = 0;
    start_writers();
    for (int round = 0; goes_on(round, 300); ++round) {
        memset(page, 0, 64);
        target = page;
        for (int i = 0; i < 50; ++i) (void)sum_of(page);
        pid_t const child = fork();      // every page is copied at its next write
        if (child == 0) {
            usleep(100);
            _exit(0);
        }
        ((uint64_t volatile*)page)[7] = (uint64_t)round + 1;
        uint64_t last[WRITERS + 1] = {0};
        for (int i = 0; i < 200; ++i) {
            if (((uint64_t volatile*)page)[7] != (uint64_t)round + 1) ++stale;
            for (int w = 1; w <= WRITERS; ++w) {
                uint64_t const now = ((uint64_t volatile*)page)[w];
                if (now < last[w]) ++stale;
                last[w] = now;
            }
        }
        waitpid(child, NULL, 0);
        target = NULL;
    }
    end_writers();
    CHECK(stale == 0);
    munmap(page, PAGE);
}
