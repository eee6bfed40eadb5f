// SPDX-License-Identifier: MIT
// libc: glibc
// glibc's own start: IRELATIVE relocations, TLS, stdio, locale, malloc.
#include "test.h"

static __thread int thread_local_value = 41;

TEST(stdio_and_strings) {
    FILE* file = fopen("f", "w+");
    REQUIRE(file != NULL);
    for (int i = 0; i < 1000; ++i) fprintf(file, "%d %s %g\n", i, "line", i / 8.0);
    rewind(file);
    char line[100];
    int lines = 0;
    double sum = 0, value;
    while (fgets(line, sizeof line, file)) {
        int number;
        CHECK(sscanf(line, "%d line %lf", &number, &value) == 2 && number == lines);
        sum += value;
        ++lines;
    }
    say("%d lines, sum %.3f\n", lines, sum);
    CHECK(fclose(file) == 0 && remove("f") == 0);
    thread_local_value++;
    CHECK(thread_local_value == 42);
}

TEST(malloc_stress) {
    enum { SLOTS = 2000 };
    static unsigned char* slots[SLOTS];
    static size_t sizes[SLOTS];
    unsigned random = 1;
    for (int step = 0; step < 60000; ++step) {
        random = random * 1664525 + 1013904223;
        int slot = (random >> 8) % SLOTS;
        size_t size = (random >> 20) % 100 == 0 ? 200000 : (random >> 12) % 700;
        if (slots[slot]) {
            for (size_t i = 0; i < sizes[slot]; i += 97) REQUIRE(slots[slot][i] == (unsigned char)slot);
            if (random & 1) {
                free(slots[slot]);
                slots[slot] = NULL;
                continue;
            }
        }
        slots[slot] = realloc(slots[slot], size + 1);
        REQUIRE(slots[slot] != NULL);
        memset(slots[slot], slot, size + 1);
        sizes[slot] = size + 1;
    }
}

TEST_THAT_ENDS_BY(abort_is_sigabrt, SIGABRT) { abort(); }

static int by_value(void const* a, void const* b) { return *(int const*)a - *(int const*)b; }
TEST(sorting) {
    static int numbers[50000];
    unsigned random = 7;
    for (int i = 0; i < 50000; ++i) numbers[i] = (random = random * 1664525 + 1013904223) >> 4;
    qsort(numbers, 50000, sizeof *numbers, by_value);
    for (int i = 1; i < 50000; ++i) REQUIRE(numbers[i - 1] <= numbers[i]);
}

TEST(popen_and_system) {
    CHECK(WEXITSTATUS(system("exit 7")) == 7 || WEXITSTATUS(system("exit 7")) == 127);
}
