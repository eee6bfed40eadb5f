// SPDX-License-Identifier: MIT
// What shmdt(2) takes and what it leaves where mremap, munmap and mprotect have cut, enlarged and moved an attachment.
#include "test.h"

#include <sys/shm.h>

/// Whether each page from `base` on is mapped, as a number in base 2, the first page first.
static long mapped_pages(char* base, int pages) {
    long bits = 0;
    for (int i = 0; i < pages; ++i) bits = bits * 2 + (msync(base + i * PAGE, PAGE, MS_ASYNC) == 0);
    return bits;
}

enum { ROOM = 24, SIZE = 6 };   // pages
static char* room(void) {
    char* at = mmap(NULL, ROOM * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at, ROOM * PAGE);
    return at;
}
static void* place(int segment, char* at) { return shmat(segment, at, 0); }
/// `pages` pages of an attachment elsewhere, from its page `from` on, come to `to`, where they are `new_pages`.
static int bring(int segment, int from, int pages, char* to, int new_pages) {
    char* other = shmat(segment, NULL, 0);
    int const done = mremap(other + from * PAGE, pages * PAGE, new_pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
    if (from > 0) munmap(other, from * PAGE);
    if (from + pages < SIZE) munmap(other + (from + pages) * PAGE, (SIZE - from - pages) * PAGE);
    return done;
}
static void show_detach(char const* what, char* at, char* base) {
    int const result = shmdt(at);
    say("%s: %d, %06lx\n", what, result, mapped_pages(base, ROOM));
    munmap(base, ROOM * PAGE);
}

/// shmdt takes what lies where the attachment has it, up to the first mapping that ends beyond the segment.
TEST(detaching_pieces) {
    int const segment = shmget(IPC_PRIVATE, SIZE * PAGE - 100, 0600), second = shmget(IPC_PRIVATE, SIZE * PAGE, 0600);
    REQUIRE(segment >= 0 && second >= 0);
    char* at = room();

    CHECK(place(segment, at) == at);
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0 && munmap(at + 3 * PAGE, PAGE) == 0);
    show_detach("cut", at, at);

    CHECK(place(segment, at) == at && munmap(at, 2 * PAGE) == 0);
    show_detach("without its start", at, at);

    CHECK(place(segment, at) == at && mprotect(at + 3 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(mremap(at + 4 * PAGE, 2 * PAGE, 4 * PAGE, 0) == at + 4 * PAGE);
    show_detach("a longer last piece", at, at);

    CHECK(place(segment, at) == at && mremap(at, SIZE * PAGE, 9 * PAGE, 0) == at);
    show_detach("longer and whole", at, at);

    CHECK(place(segment, at) == at && mremap(at, SIZE * PAGE, 9 * PAGE, 0) == at && munmap(at + PAGE, PAGE) == 0);
    show_detach("longer, with a hole", at, at);

    CHECK(place(segment, at) == at && mremap(at, SIZE * PAGE, 12 * PAGE, 0) == at && munmap(at, 8 * PAGE) == 0);
    show_detach("only what lies beyond", at, at);

    CHECK(place(segment, at) == at && mremap(at, SIZE * PAGE, 12 * PAGE, 0) == at && munmap(at, 8 * PAGE) == 0 && munmap(at + 9 * PAGE, PAGE) == 0);
    show_detach("two pieces beyond", at, at);

    CHECK(place(segment, at) == at && munmap(at + 2 * PAGE, 2 * PAGE) == 0);
    CHECK(mmap(at + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 2 * PAGE);
    show_detach("something else in a hole", at, at);

    CHECK(place(segment, at) == at && munmap(at + 4 * PAGE, 2 * PAGE) == 0);
    CHECK(mmap(at + 4 * PAGE, 5 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 4 * PAGE);
    show_detach("something else at the end", at, at);

    CHECK(place(segment, at + PAGE) == at + PAGE && munmap(at + 3 * PAGE, 4 * PAGE) == 0);
    CHECK(mmap(at + 5 * PAGE, 10 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 5 * PAGE);
    show_detach("something before and behind", at + PAGE, at);

    CHECK(place(segment, at) == at && munmap(at + 2 * PAGE, 2 * PAGE) == 0 && bring(segment, 2, 2, at + 2 * PAGE, 2));
    show_detach("a piece of another attachment", at, at);

    CHECK(place(segment, at) == at && munmap(at + 2 * PAGE, 2 * PAGE) == 0 && bring(second, 2, 2, at + 2 * PAGE, 2));
    show_detach("a piece of another segment", at, at);

    CHECK(bring(second, 2, 2, at + 2 * PAGE, 2) && bring(segment, 4, 1, at + 4 * PAGE, 1) && bring(second, 5, 1, at + 5 * PAGE, 1));
    show_detach("pieces without a first", at, at);

    CHECK(place(segment, at) == at && munmap(at, PAGE) == 0 && bring(segment, 0, 1, at, 1));
    show_detach("another's first", at, at);

    CHECK(place(segment, at + 8 * PAGE) == at + 8 * PAGE && mremap(at + 8 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
    show_detach("the first moved away", at, at);
    CHECK(place(segment, at + 8 * PAGE) == at + 8 * PAGE && mremap(at + 8 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
    show_detach("the rest of it", at + 8 * PAGE, at);

    CHECK(place(segment, at) == at);
    CHECK(mremap(at, 0, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 10 * PAGE) == at + 10 * PAGE);
    show_detach("a second view, the first", at, at);
    CHECK(place(segment, at) == at);
    CHECK(mremap(at, 0, 9 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + 10 * PAGE) == at + 10 * PAGE);
    show_detach("a second view, the second", at + 10 * PAGE, at);

    CHECK(place(segment, at) == at && munmap(at + 4 * PAGE, 2 * PAGE) == 0);
    pid_t const child = fork();
    if (child == 0) {
        show_detach("in a child", at, at);
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
    show_detach("and its parent", at, at);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0 && shmctl(second, IPC_RMID, NULL) == 0);
}

/// The error of it: EFAULT where they are not one mapping.
static int cannot_grow(char* at, int pages) {
    return mremap(at, pages * PAGE, (pages + 1) * PAGE, 0) == MAP_FAILED ? errno : 0;
}

/// Attachments and open files are not joined, even where one goes on where the other ends.
TEST(neighbours_of_different_openings) {
    int const segment = shmget(IPC_PRIVATE, SIZE * PAGE, 0600);
    char* at = room();
    CHECK(place(segment, at) == at && munmap(at + 2 * PAGE, 4 * PAGE) == 0 && bring(segment, 2, 2, at + 2 * PAGE, 2));
    CHECK(cannot_grow(at, 4) == EFAULT && cannot_grow(at, 2) == ENOMEM);
    CHECK(munmap(at + 2 * PAGE, 2 * PAGE) == 0 && shmdt(at) == 0 && shmctl(segment, IPC_RMID, NULL) == 0);

    int const file = memfd_create("file", 0), same = dup(file);
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    int const again = open(name, O_RDWR);
    CHECK(ftruncate(file, 4 * PAGE) == 0);
    for (int i = 0; i < 2; ++i) {
        int const flags = i ? MAP_PRIVATE : MAP_SHARED;
        CHECK(mmap(at, 2 * PAGE, PROT_READ, flags | MAP_FIXED, file, 0) == at);
        CHECK(mmap(at + 2 * PAGE, PAGE, PROT_READ, flags | MAP_FIXED, same, 2 * PAGE) == at + 2 * PAGE);
        CHECK(mmap(at + 3 * PAGE, PAGE, PROT_READ, flags | MAP_FIXED, again, 3 * PAGE) == at + 3 * PAGE);
        CHECK(cannot_grow(at, 4) == EFAULT && cannot_grow(at, 3) == ENOMEM);
        munmap(at, 4 * PAGE);
    }
    close(file), close(same), close(again);
}

/// What /proc/self/maps says from the name of what is mapped at `at` to the end of that line.
static void show_name(char const* what, void* at) {
    static char text[65536];
    int const maps = open("/proc/self/maps", O_RDONLY);
    size_t length = 0;
    for (ssize_t count; (count = read(maps, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)count;
    close(maps);
    text[length] = 0;
    char start[40];
    snprintf(start, sizeof start, "%08lx-", (unsigned long)at);
    char* const line = strstr(text, start);
    REQUIRE(line && strchr(line, '\n'));
    *strchr(line, '\n') = 0;
    say("%s: %s\n", what, strlen(line) > 73 ? line + 73 : "(no name)");
}

/// A segment keeps the name of its key, and no file's name looks like more lines.
TEST(names_in_maps) {
    key_t const key = 0x41560000 + getpid() % 10000;
    int const segment = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
    char* const at = shmat(segment, NULL, 0);
    REQUIRE(segment >= 0 && at != (void*)-1);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
    char expected[40];
    snprintf(expected, sizeof expected, "/SYSV%08x (deleted)", (unsigned)key);
    static char text[65536];
    int const maps = open("/proc/self/maps", O_RDONLY);
    CHECK(read(maps, text, sizeof text - 1) > 0 && strstr(text, expected));
    close(maps);
    int const file = memfd_create("a b\n00000000-00001000 rwxp\n", 0);
    CHECK(ftruncate(file, PAGE) == 0);
    show_name("memory", mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0));
}
