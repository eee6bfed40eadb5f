// SPDX-License-Identifier: MIT
// For tests/boot/memory_sums.py: what /proc/meminfo adds up over all programs, while this one maps, touches, forks and ends; and
// what it costs to read among many processes.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAPPED_KIB = 64 << 10, TABLES = 256, IDLE = 200, READS = 200 };
static int failures;
#define CHECK(condition) ((condition) ? (void)0 : (void)(printf("FAIL line %d: %s\n", __LINE__, #condition), ++failures))

static long kib_of(char const* label) {
    FILE* file = fopen("/proc/meminfo", "r");
    char line[256];
    long kib = -1;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, label, strlen(label))) kib = atol(line + strlen(label));
    if (file) fclose(file);
    return kib;
}
static int is_about(long kib, long wanted) { return kib > wanted - 600 && kib < wanted + 600; }
static long committed(long before) { return kib_of("Committed_AS:") - before; }

static void try_committed_memory(void) {
    long const before = kib_of("Committed_AS:");
    size_t const size = (size_t)MAPPED_KIB << 10;
    char* at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && is_about(committed(before), MAPPED_KIB));
    pid_t child = fork();
    if (child == 0) {
        CHECK(is_about(committed(before), 2l * MAPPED_KIB));
        fflush(stdout);
        _exit(failures != 0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(is_about(committed(before), MAPPED_KIB));
    CHECK(munmap(at + size / 2, size / 2) == 0 && is_about(committed(before), MAPPED_KIB / 2));
    CHECK(munmap(at, size / 2) == 0 && is_about(committed(before), 0));
}

/// A page in every 2 MiB has a table of its own.
static void try_page_tables(void) {
    size_t const span = 2 << 20;
    char* at = mmap(NULL, TABLES * span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(at != MAP_FAILED && madvise(at, TABLES * span, MADV_NOHUGEPAGE) == 0);
    long const before = kib_of("PageTables:");
    for (int i = 0; i < TABLES; ++i) at[i * span + span / 2] = 1;
    CHECK(is_about(kib_of("PageTables:") - before, TABLES * 4));
    CHECK(munmap(at, TABLES * span) == 0 && is_about(kib_of("PageTables:") - before, 0));
}

static double reading_ms(void) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < READS; ++i) kib_of("MemTotal:");
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

/// The time to read it does not grow with the processes there are.
static void try_many_processes(void) {
    double const alone = reading_ms();
    pid_t idle[IDLE];
    for (int i = 0; i < IDLE; ++i) {
        idle[i] = fork();
        if (idle[i] == 0) for (;;) pause();
    }
    double const among_many = reading_ms();
    printf("read %d times: %.0f ms alone, %.0f ms among %d\n", READS, alone, among_many, IDLE);
    CHECK(among_many < alone * 2 + 50);
    for (int i = 0; i < IDLE; ++i) kill(idle[i], 9), waitpid(idle[i], NULL, 0);
}

int main(void) {
    try_committed_memory();
    try_page_tables();
    try_many_processes();
    printf("memory sums %s\n", failures ? "FAILED" : "passed");
    return failures != 0;
}
