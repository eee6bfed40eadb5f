// SPDX-License-Identifier: MIT
// libc: glibc
// flags: -static-pie -fPIE
// A position-independent static program: relocated by itself, loaded anywhere.
#include "test.h"

static int data = 5;
static int* pointer = &data;
static char const* const words[] = {"relative", "relocations", "work"};

TEST(relocated) {
    CHECK(*pointer == 5);
    for (int i = 0; i < 3; ++i) say("%s\n", words[i]);
    CHECK((unsigned long)&data > 0x10000000);
    FILE* file = tmpfile();
    CHECK(file == NULL || fputs("x", file) >= 0);
}

TEST(forks) {
    pid_t child = fork();
    if (child == 0) {
        *pointer = 6;
        _exit(data != 6);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(data == 5);
}
