// SPDX-License-Identifier: MIT
// Files and directories: open flags, links, rename, unlink while open, getdents, umask,
// sizes and holes, times, permissions of the mode.
#include "test.h"

#include <dirent.h>

static void make(char const* name, char const* text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}
static char const* content(char const* name) {
    static char text[256];
    int fd = open(name, O_RDONLY);
    if (fd < 0) return "(none)";
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got < 0 ? 0 : got] = 0;
    return text;
}
static void fresh(char const* folder) {
    REQUIRE(mkdir(folder, 0755) == 0 && chdir(folder) == 0);
}

TEST(open_flags) {
    fresh("d1");
    make("f", "hello");
    CHECK_ERRNO(open("f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("none/x", O_RDWR | O_CREAT, 0600), ENOENT);
    CHECK_ERRNO(open("f/x", O_RDWR | O_CREAT, 0600), ENOTDIR);
    CHECK_ERRNO(open("f/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
    CHECK_ERRNO(open(".", O_RDWR | O_CREAT, 0600), EISDIR);
    CHECK_ERRNO(open("new/", O_RDWR | O_CREAT, 0600), EISDIR);
    CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    char byte;
    CHECK(fd >= 0);
    CHECK_ERRNO(read(fd, &byte, 1), EISDIR);
    fd = open("f", O_WRONLY);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    fd = open("f", O_RDONLY);
    CHECK_ERRNO(write(fd, &byte, 1), EBADF);
    CHECK(open("f", O_RDWR | O_TRUNC) >= 0 && !strcmp(content("f"), ""));
}

TEST(append) {
    fresh("d2");
    make("f", "one");
    int fd = open("f", O_RDWR | O_APPEND);
    char text[8] = "";
    CHECK(read(fd, text, 1) == 1 && text[0] == 'o');
    CHECK(write(fd, "two", 3) == 3);
    CHECK(lseek(fd, 0, SEEK_CUR) == 6);
    lseek(fd, 0, SEEK_SET);
    CHECK(write(fd, "3", 1) == 1);
    CHECK(!strcmp(content("f"), "onetwo3"));
}

TEST(names) {
    fresh("d3");
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    make(name, "long");
    CHECK(!strcmp(content(name), "long"));
    name[255] = 'n';
    name[256] = 0;
    CHECK_ERRNO(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
    static char path[5000];
    for (int i = 0; i < 4095; i += 2) memcpy(path + i, "./", 2);
    path[4094] = 0;
    CHECK(chdir(path) == 0);
    path[4094] = '/';
    path[4095] = '.';
    path[4096] = 0;
    CHECK_ERRNO(chdir(path), ENAMETOOLONG);
    make("weird \n\xff name", "w");
    CHECK(!strcmp(content(".//./weird \n\xff name"), "w"));
    CHECK(mkdir("a", 0700) == 0 && mkdir("a/b/", 0700) == 0);
    CHECK(!strcmp(content("a/b/../../weird \n\xff name"), "w"));
    CHECK(chdir("/") == 0 && chdir("..") == 0);
    char where[64];
    CHECK(getcwd(where, sizeof where) == where && !strcmp(where, "/"));
}

TEST(cwd) {
    char start[512], where[600];
    fresh("d4");
    REQUIRE(getcwd(start, sizeof start));
    REQUIRE(mkdir("sub", 0755) == 0 && chdir("sub") == 0);
    CHECK(getcwd(where, sizeof where) && !strcmp(where + strlen(start), "/sub"));
    CHECK_ERRNO(syscall(SYS_getcwd, where, 3), ERANGE);
    CHECK(rmdir("../sub") == 0);
    CHECK_ERRNO(syscall(SYS_getcwd, where, sizeof where), ENOENT);
    CHECK_ERRNO(open("f", O_RDWR | O_CREAT, 0600), ENOENT);
    CHECK(chdir("..") == 0 && getcwd(where, sizeof where) && !strcmp(where, start));
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(chdir("/") == 0 && fchdir(fd) == 0);
    CHECK_ERRNO(chdir("none"), ENOENT);
    make("f", "");
    CHECK_ERRNO(chdir("f"), ENOTDIR);
}

TEST(unlink_while_open) {
    fresh("d5");
    make("f", "still here");
    int fd = open("f", O_RDWR);
    CHECK(unlink("f") == 0);
    CHECK_ERRNO(open("f", O_RDONLY), ENOENT);
    char text[16] = "";
    CHECK(read(fd, text, sizeof text) == 10 && !strcmp(text, "still here"));
    struct stat about;
    CHECK(fstat(fd, &about) == 0 && about.st_nlink == 0);
    CHECK(write(fd, "!", 1) == 1);
    CHECK_ERRNO(unlink("f"), ENOENT);
    CHECK(mkdir("dir", 0755) == 0);
    CHECK_ERRNO(unlink("dir"), EISDIR);
    make("f", "");
    CHECK_ERRNO(rmdir("f"), ENOTDIR);
    make("dir/f", "");
    CHECK_ERRNO(rmdir("dir"), ENOTEMPTY);
    CHECK_ERRNO(rmdir("."), EINVAL);
    CHECK_ERRNO(rmdir("none"), ENOENT);
    CHECK(unlink("dir/f") == 0 && rmdir("dir") == 0);
    CHECK_ERRNO(unlinkat(AT_FDCWD, "f", 0x8000), EINVAL);
}

TEST(hard_links) {
    fresh("d6");
    make("a", "text");
    CHECK(link("a", "b") == 0);
    struct stat one, two;
    CHECK(stat("a", &one) == 0 && stat("b", &two) == 0);
    CHECK(one.st_ino == two.st_ino && one.st_nlink == 2 && two.st_nlink == 2);
    CHECK_ERRNO(link("a", "b"), EEXIST);
    CHECK_ERRNO(link("none", "c"), ENOENT);
    CHECK(mkdir("d", 0755) == 0);
    CHECK_ERRNO(link("d", "e"), EPERM);
    CHECK(unlink("a") == 0 && !strcmp(content("b"), "text"));
    CHECK(stat("b", &two) == 0 && two.st_nlink == 1);
    CHECK(stat("d", &one) == 0 && one.st_nlink == 2);
    CHECK(mkdir("d/x", 0755) == 0 && stat("d", &one) == 0 && one.st_nlink == 3);
}

TEST(symbolic_links) {
    fresh("d7");
    make("target", "text");
    CHECK(symlink("target", "l1") == 0 && symlink("l1", "l2") == 0 && symlink("none", "dangling") == 0);
    CHECK(!strcmp(content("l2"), "text"));
    char text[64] = "";
    CHECK(readlink("l2", text, sizeof text) == 2 && !strncmp(text, "l1", 2));
    CHECK(readlink("l2", text, 1) == 1);
    CHECK_ERRNO(readlink("target", text, 10), EINVAL);
    CHECK_ERRNO(syscall(SYS_readlink, "l2", text, 0), EINVAL);
    struct stat about;
    CHECK(lstat("l2", &about) == 0 && S_ISLNK(about.st_mode) && about.st_size == 2);
    SHOW(about.st_mode);
    CHECK(stat("l2", &about) == 0 && S_ISREG(about.st_mode));
    CHECK_ERRNO(stat("dangling", &about), ENOENT);
    CHECK_ERRNO(open("l1", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERRNO(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK(open("dangling", O_RDWR | O_CREAT, 0600) >= 0 && stat("none", &about) == 0);
    CHECK(symlink("loop2", "loop1") == 0 && symlink("loop1", "loop2") == 0);
    CHECK_ERRNO(open("loop1", O_RDONLY), ELOOP);
    CHECK_ERRNO(stat("loop1/x", &about), ELOOP);
    char from[8], to[8] = "target";
    for (int i = 0; i < 41; ++i) {
        sprintf(from, "c%d", i);
        CHECK(symlink(to, from) == 0);
        strcpy(to, from);
    }
    CHECK(stat("c39", &about) == 0);
    CHECK_ERRNO(stat("c40", &about), ELOOP);
    CHECK(mkdir("dir", 0755) == 0 && symlink("dir", "ld") == 0);
    make("ld/f", "in dir");
    CHECK(!strcmp(content("dir/f"), "in dir"));
    CHECK_ERRNO(rmdir("ld"), ENOTDIR);
    CHECK_ERRNO(symlink("", "empty"), ENOENT);
    CHECK_ERRNO(symlink("x", "l1"), EEXIST);
    CHECK(unlink("ld") == 0 && access("dir/f", F_OK) == 0);
}

TEST(renames) {
    fresh("d8");
    make("a", "A");
    make("b", "B");
    CHECK(rename("a", "b") == 0 && !strcmp(content("b"), "A"));
    CHECK_ERRNO(rename("a", "c"), ENOENT);
    CHECK(rename("b", "b") == 0);
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0 && mkdir("empty", 0755) == 0);
    CHECK_ERRNO(rename("d", "d/e/f"), EINVAL);
    CHECK_ERRNO(rename("b", "d"), EISDIR);
    CHECK_ERRNO(rename("d", "b"), ENOTDIR);
    CHECK_ERRNO(rename("empty", "d"), ENOTEMPTY);
    CHECK(rename("d", "empty") == 0);
    struct stat about;
    CHECK(stat("empty/e", &about) == 0);
    CHECK(rename("b", "empty/e/moved") == 0 && !strcmp(content("empty/e/moved"), "A"));
    CHECK(rename("empty/e", "up") == 0 && !strcmp(content("up/moved"), "A"));
    CHECK(stat("up/..", &about) == 0);
    ino_t up = about.st_ino;
    CHECK(stat(".", &about) == 0 && about.st_ino == up);
    CHECK_ERRNO(rename(".", "x"), EBUSY);
    make("one", "1");
    CHECK(link("one", "two") == 0);
    CHECK(rename("one", "two") == 0 && access("one", F_OK) == 0);   // the same file: nothing happens
}

static int by_name(void const* a, void const* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

TEST(directories_are_listed) {
    fresh("d9");
    enum { COUNT = 500 };
    char name[32];
    for (int i = 0; i < COUNT; ++i) {
        sprintf(name, "file-%03d", i);
        make(name, "");
    }
    mkdir("dir", 0755);
    symlink("x", "link");
    static char* names[COUNT + 10];
    int found = 0;
    DIR* folder = opendir(".");
    REQUIRE(folder != NULL);
    for (struct dirent* entry; (entry = readdir(folder)) && found < COUNT + 10;) {
        names[found++] = strdup(entry->d_name);
        if (!strcmp(entry->d_name, "dir") || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) CHECK(entry->d_type == DT_DIR);
        if (!strcmp(entry->d_name, "link")) CHECK(entry->d_type == DT_LNK);
        if (!strcmp(entry->d_name, "file-001")) CHECK(entry->d_type == DT_REG);
    }
    qsort(names, found, sizeof *names, by_name);
    SHOW(found);
    unsigned long hash = 5381;
    for (int i = 0; i < found; ++i)
        for (char* c = names[i]; *c; ++c) hash = hash * 33 + *c;
    SHOW(hash);
    rewinddir(folder);
    int again = 0;
    while (readdir(folder)) ++again;
    CHECK(again == found);
    closedir(folder);
    int fd = open(".", O_RDONLY);
    char small[20];
    CHECK_ERRNO(syscall(SYS_getdents64, fd, small, sizeof small), EINVAL);
    fd = open("file-001", O_RDONLY);
    CHECK_ERRNO(syscall(SYS_getdents64, fd, small, sizeof small), ENOTDIR);
}

TEST(removing_while_listing) {
    fresh("d10");
    char name[32];
    for (int i = 0; i < 300; ++i) {
        sprintf(name, "f%d", i);
        make(name, "");
    }
    DIR* folder = opendir(".");
    int removed = 0;
    for (struct dirent* entry; (entry = readdir(folder));)
        if (entry->d_name[0] == 'f' && unlink(entry->d_name) == 0) ++removed;
    closedir(folder);
    SHOW(removed);
    CHECK(chdir("..") == 0 && rmdir("d10") == 0);
}

TEST(modes_and_umask) {
    fresh("d11");
    struct stat about;
    mode_t before = umask(027);
    CHECK(before == 022);
    close(open("f", O_WRONLY | O_CREAT, 0666));
    CHECK(stat("f", &about) == 0);
    SHOW(about.st_mode);
    CHECK(mkdir("d", 01777) == 0 && stat("d", &about) == 0);
    SHOW(about.st_mode);
    CHECK(umask(0) == 027);
    CHECK(chmod("f", 04755) == 0 && stat("f", &about) == 0);
    SHOW(about.st_mode);
    int fd = open("f", O_RDONLY);
    CHECK(fchmod(fd, 0100) == 0 && fstat(fd, &about) == 0);
    SHOW(about.st_mode);
    CHECK(access("f", X_OK) == 0 && access("f", F_OK) == 0);
    CHECK_ERRNO(access("none", F_OK), ENOENT);
    CHECK_ERRNO(access("f", 8), EINVAL);
    chmod("f", 0644);
    CHECK_ERRNO(access("f", X_OK), EACCES);
    CHECK_ERRNO(chmod("none", 0644), ENOENT);
    CHECK(about.st_uid == geteuid());
}

TEST(sizes_and_holes) {
    fresh("d12");
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    CHECK(lseek(fd, 10000000, SEEK_SET) == 10000000);
    CHECK(write(fd, "end", 3) == 3);
    struct stat about;
    CHECK(fstat(fd, &about) == 0 && about.st_size == 10000003);
    CHECK(about.st_blocks < 1000);   // a hole takes no room
    char text[8] = "xxxxxxx";
    CHECK(pread(fd, text, 8, 5000000) == 8 && !text[0] && !text[7]);
    CHECK(pread(fd, text, 8, 9999998) == 5 && !strcmp(text + 2, "end"));
    CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    CHECK(ftruncate(fd, 9999) == 0 && pread(fd, text, 3, 5) == 3 && !text[0]);
    CHECK(pwrite(fd, "abc", 3, 100) == 3 && ftruncate(fd, 101) == 0 && ftruncate(fd, 200) == 0);
    CHECK(pread(fd, text, 3, 100) == 3 && text[0] == 'a' && !text[1] && !text[2]);
    CHECK(read(fd, text, 0) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 5);
    CHECK(lseek(fd, 1000, SEEK_SET) == 1000 && read(fd, text, 1) == 0);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(lseek(fd, -1001, SEEK_CUR), EINVAL);
    CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    int read_only = open("f", O_RDONLY);
    CHECK_ERRNO(ftruncate(read_only, 1), EINVAL);
    CHECK_ERRNO(lseek(99, 0, SEEK_SET), EBADF);
}

TEST(large_file_keeps_its_bytes) {
    fresh("d13");
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    static unsigned block[2503];
    unsigned value = 1;
    for (int i = 0; i < 800; ++i) {
        for (unsigned k = 0; k < 2503; ++k) block[k] = value = value * 1664525 + 1013904223;
        REQUIRE(write(fd, block, sizeof block) == sizeof block);
    }
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    value = 1;
    for (int i = 0; i < 800; ++i) {
        REQUIRE(read(fd, block, sizeof block) == sizeof block);
        for (unsigned k = 0; k < 2503; ++k) REQUIRE(block[k] == (value = value * 1664525 + 1013904223));
    }
    CHECK(read(fd, block, 4) == 0);
}

TEST(times_are_set) {
    fresh("d14");
    make("f", "x");
    struct timespec times[2] = {{1000000000, 5}, {1234567890, 123456789}};
    CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0);
    struct stat about;
    CHECK(stat("f", &about) == 0);
    CHECK(about.st_atim.tv_sec == 1000000000 && about.st_mtim.tv_sec == 1234567890 && about.st_mtim.tv_nsec == 123456789);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = 7;
    CHECK(utimensat(AT_FDCWD, "f", times, 0) == 0 && stat("f", &about) == 0);
    CHECK(about.st_atim.tv_sec == 1000000000 && about.st_mtim.tv_sec == 7);
    make("f", "longer");
    CHECK(stat("f", &about) == 0 && about.st_mtim.tv_sec > 1500000000);
    times[0].tv_nsec = 2000000000;
    CHECK_ERRNO(utimensat(AT_FDCWD, "f", times, 0), EINVAL);
}

TEST(at_calls) {
    fresh("d15");
    CHECK(mkdirat(AT_FDCWD, "sub", 0755) == 0);
    int folder = open("sub", O_RDONLY | O_DIRECTORY), file;
    file = openat(folder, "f", O_RDWR | O_CREAT, 0644);
    CHECK(file >= 0 && access("sub/f", F_OK) == 0);
    CHECK_ERRNO(openat(file, "x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(openat(99, "x", O_RDONLY), EBADF);
    CHECK(openat(99, "/", O_RDONLY) >= 0);
    CHECK(symlinkat("f", folder, "l") == 0);
    struct stat about;
    CHECK(fstatat(folder, "l", &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode));
    CHECK(fstatat(folder, "", &about, AT_EMPTY_PATH) == 0 && S_ISDIR(about.st_mode));
    CHECK_ERRNO(fstatat(folder, "", &about, 0), ENOENT);
    CHECK(unlinkat(folder, "l", 0) == 0);
    CHECK_ERRNO(unlinkat(folder, "f", AT_REMOVEDIR), ENOTDIR);
    CHECK(unlinkat(folder, "f", 0) == 0 && unlinkat(AT_FDCWD, "sub", AT_REMOVEDIR) == 0);
}

TEST(devices) {
    char text[16] = "xxxx";
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    CHECK(read(null, text, 4) == 0 && write(null, text, 4) == 4);
    CHECK(read(zero, text, 4) == 4 && !text[0] && !text[3] && write(zero, text, 4) == 4);
    CHECK(read(full, text, 4) == 4);
    CHECK_ERRNO(write(full, text, 1), ENOSPC);
    struct stat about;
    CHECK(fstat(null, &about) == 0 && S_ISCHR(about.st_mode) && about.st_rdev == 0x103);
    CHECK(fstat(zero, &about) == 0 && about.st_rdev == 0x105);
    unsigned char one[256], two[256];
    int random = open("/dev/urandom", O_RDONLY);
    CHECK(read(random, one, 256) == 256 && read(random, two, 256) == 256 && memcmp(one, two, 256));
    char* at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(at != MAP_FAILED && at[0] == 0 && (at[0] = 1));
}

TEST(fifo_nodes) {
    fresh("d16");
    CHECK(mknod("fifo", S_IFIFO | 0644, 0) == 0);
    struct stat about;
    CHECK(stat("fifo", &about) == 0 && S_ISFIFO(about.st_mode));
    CHECK_ERRNO(mknod("fifo", S_IFIFO | 0644, 0), EEXIST);
}

TEST(sendfile_copies) {
    fresh("d17");
    make("from", "0123456789");
    int from = open("from", O_RDONLY), to = open("to", O_RDWR | O_CREAT, 0644);
    off_t at = 3;
    CHECK(syscall(SYS_sendfile, to, from, &at, 4ul) == 4 && at == 7 && lseek(from, 0, SEEK_CUR) == 0);
    CHECK(syscall(SYS_sendfile, to, from, NULL, 100ul) == 10);
    CHECK(syscall(SYS_sendfile, to, from, NULL, 100ul) == 0);
    CHECK(!strcmp(content("to"), "34560123456789"));
}
