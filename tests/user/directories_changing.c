// SPDX-License-Identifier: MIT
// Listings of directories that change meanwhile: each entry once, an end to every listing, and what was listed before
// a bad page counts.
// timeout: 60
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/uio.h>

struct entry { uint64_t inode; int64_t next; unsigned short length; unsigned char type; char name[]; };

static void make_files(char const* folder, int count) {
    REQUIRE(mkdir(folder, 0777) == 0);
    for (int i = 0; i < count; ++i) {
        char path[64];
        snprintf(path, sizeof path, "%s/n%d", folder, i);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        REQUIRE(fd >= 0);
        close(fd);
    }
}

static long list(int fd, void* buffer, size_t size) { return syscall(SYS_getdents64, fd, buffer, size); }

/// Calls `see` for each name but . and .. until the end, or until far more came than there can be.
static long walk(char const* folder, long most, void (*see)(char const* name)) {
    DIR* open_folder = opendir(folder);
    REQUIRE(open_folder && chdir(folder) == 0);
    long seen = 0;
    for (struct dirent* e; seen <= most && (e = readdir(open_folder));) {
        if (e->d_name[0] == '.') continue;
        ++seen;
        see(e->d_name);
    }
    closedir(open_folder);
    REQUIRE(chdir("..") == 0);
    return seen;
}

enum { FILES = 1000 };

static void rename_twice(char const* name) {
    CHECK(rename(name, "other") == 0);
    CHECK(rename("other", name) == 0);
}
static void rename_longer(char const* name) {
    char longer[300];
    snprintf(longer, sizeof longer, "%s.x", name);
    CHECK(rename(name, longer) == 0);
}
static void make_another(char const* name) {
    char path[300];
    snprintf(path, sizeof path, "%s.c", name);
    close(open(path, O_CREAT | O_WRONLY | O_EXCL, 0600));
}
static void swap_with_first(char const* name) {
    if (strcmp(name, "n0")) CHECK(syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, "n0", 2) == 0);
}
static void remove_it(char const* name) { CHECK(unlink(name) == 0); }

TEST(renaming_what_one_reads) {
    make_files("renamed", FILES);
    SHOW(walk("renamed", 4 * FILES, rename_twice));
    CHECK(walk("renamed", 4 * FILES, rename_longer) <= 4 * FILES);   // that it ends; where new names come differs
    SHOW(walk("renamed", 4 * FILES, remove_it));
    SHOW(rmdir("renamed"));
}

/// How many of the new ones come differs; that it ends does not.
TEST(making_while_one_reads) {
    make_files("growing", FILES);
    CHECK(walk("growing", 4 * FILES, make_another) <= 2 * FILES);
}

TEST(exchanging_while_one_reads) {
    make_files("exchanged", FILES);
    CHECK(walk("exchanged", 8 * FILES, swap_with_first) <= 2 * FILES);
}

/// From the start again one reads what is there then.
TEST(rewound) {
    make_files("rewound", 3);
    DIR* folder = opendir("rewound");
    int count = 0;
    while (readdir(folder)) ++count;
    SHOW(count);
    REQUIRE(rename("rewound/n1", "rewound/moved") == 0 && mkdir("rewound/new", 0700) == 0);
    SHOW(readdir(folder) == NULL);
    rewinddir(folder);
    for (count = 0; readdir(folder);) ++count;
    SHOW(count);
    closedir(folder);
}

static int shared;
static unsigned char seen[2][4000];
static pthread_barrier_t start;

static void* read_some(void* argument) {
    long who = (long)argument;
    char buffer[256];
    pthread_barrier_wait(&start);
    for (long got; (got = list(shared, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < got; at += ((struct entry*)(buffer + at))->length) {
            struct entry* e = (struct entry*)(buffer + at);
            if (e->name[0] == 'n') seen[who][atoi(e->name + 1)]++;
        }
    return NULL;
}

TEST(two_threads_read_one_directory) {
    make_files("shared", 2000);
    long twice = 0, missed = 0;
    for (int round = 0; round < 8; ++round) {
        memset(seen, 0, sizeof seen);
        shared = open("shared", O_RDONLY | O_DIRECTORY);
        pthread_barrier_init(&start, NULL, 2);
        pthread_t threads[2];
        for (long i = 0; i < 2; ++i) REQUIRE(pthread_create(threads + i, NULL, read_some, (void*)i) == 0);
        for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
        close(shared);
        for (int i = 0; i < 2000; ++i) {
            int count = seen[0][i] + seen[1][i];
            twice += count > 1;
            missed += count == 0;
        }
    }
    SHOW(twice);
    SHOW(missed);
}

TEST(a_buffer_that_ends_at_a_bad_page) {
    make_files("bad", 40);
    char* pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(munmap(pages + PAGE, PAGE) == 0);
    int fd = open("bad", O_RDONLY | O_DIRECTORY), entries = 0, parts = 0;
    for (;;) {
        long got = list(fd, pages + PAGE - 200, 4000);
        if (got <= 0) {
            CHECK(got == 0);
            break;
        }
        ++parts;
        for (long at = 0; at < got; at += ((struct entry*)(pages + PAGE - 200 + at))->length) ++entries;
    }
    SHOW(entries);
    CHECK(parts > 1);
    lseek(fd, 0, SEEK_SET);
    CHECK_ERRNO(list(fd, pages + PAGE - 5, 4000), EFAULT);
    CHECK_ERRNO(list(fd, pages, 10), EINVAL);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(read(fd, pages, 10), EISDIR);
    SHOW(readv(fd, &(struct iovec){pages, 10}, 0));
    CHECK(rmdir("bad") == -1);
}
