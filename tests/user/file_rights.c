// SPDX-License-Identifier: MIT
// Rights that are asked of the file at hand and of who asks now: exchanges of directories, O_NOATIME, nameless files that
// get a name, links and symbolic links in directories that everybody writes to, chroot, odd arguments.
#include "permissions.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static long exchange(char const* one, char const* other) { return syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2); }

TEST(a_directory_that_gets_another_parent_is_written_to) {
    make_folder("one", 0, 0, 0777);
    make_folder("other", 0, 0, 0777);
    make_folder("other/roots", 0, 0, 0755);
    make_file("other/file", 0, 0, 0600);
    AS(ALICE, ALICE, "who may write to both parents, and not to the directory") {
        TELL(mkdir("one/mine", 0755));
        TELL(exchange("one/mine", "other/roots"));
        TELL(exchange("other/roots", "one/mine"));
        TELL(rename("other/roots", "one/roots"));
        TELL(rename("other/roots", "other/renamed"));
        TELL(exchange("one/mine", "other/file"));
        TELL(exchange("other/mine", "other/file"));
    }
    show_mode("one/mine");
    show_mode("other/renamed");
    show_mode("other/file");
}

TEST(o_noatime_is_the_owners) {
    make_file("alice", ALICE, ALICE, 0666);
    AS(BOB, BOB, "a reader") {
        int fd = open("alice", O_RDONLY);
        TELL(fcntl(fd, F_SETFL, O_NOATIME));
        TELL(fcntl(fd, F_SETFL, O_NONBLOCK));
        TELL_OPEN(open("alice", O_RDONLY | O_NOATIME));
    }
    AS(ALICE, ALICE, "the owner") {
        int fd = open("alice", O_RDONLY);
        TELL(fcntl(fd, F_SETFL, O_NOATIME));
        SHOW(fcntl(fd, F_GETFL) & O_NOATIME ? 1 : 0);
    }
}

static long link_descriptor(int fd, char const* to) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

TEST(nameless_files_get_a_name_once) {
    make_folder("open", 0, 0, 0777);
    AS(ALICE, ALICE, "a user") {
        int fd = open("open", O_TMPFILE | O_RDWR, 0600);
        if (fd < 0 && errno == EOPNOTSUPP) _exit(0);
        struct stat s;
        CHECK(write(fd, "text", 4) == 4);
        TELL(link_descriptor(fd, "open/first"));
        REQUIRE(fstat(fd, &s) == 0);
        SHOW(s.st_nlink);
        TELL(link_descriptor(fd, "open/first"));
        TELL(link_descriptor(fd, "open/second"));
        REQUIRE(stat("open/second", &s) == 0);
        SHOW(s.st_nlink);
        SHOW(s.st_size);
        TELL(unlink("open/first"));
        TELL(unlink("open/second"));
        TELL(link_descriptor(fd, "open/third"));
        fd = open("open", O_TMPFILE | O_RDWR | O_EXCL, 0600);
        TELL(link_descriptor(fd, "open/never"));
        fd = open("open/file", O_CREAT | O_RDWR, 0600);
        TELL(unlink("open/file"));
        TELL(link_descriptor(fd, "open/again"));
    }
    int fd = open("open", O_TMPFILE | O_RDWR, 0600);
    AS(ALICE, ALICE, "a user who was handed root's") TELL(linkat(fd, "", AT_FDCWD, "open/by_descriptor", 0x1000));
    TELL(linkat(fd, "", AT_FDCWD, "open/of_root", 0x1000));
    show_mode("open/of_root");
}

static int setting(char const* name) {
    char path[80], digit = '0';
    snprintf(path, sizeof path, "/proc/sys/fs/protected_%s", name);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, &digit, 1) == 1);
    close(fd);
    return digit - '0';
}

/// The settings are the machine's: what each call answers is held against them.
#define REFUSED_IF(refused, number, call)                                     \
    do {                                                                      \
        errno = 0;                                                            \
        long result_ = (long)(call);                                          \
        int error_ = errno;                                                   \
        int as_set_ = (refused) ? result_ == -1 && error_ == (number) : result_ >= 0; \
        if (!as_set_) failures++;                                             \
        say("  %s: %s\n", #call, as_set_ ? "as the settings say" : "NOT as the settings say"); \
    } while (0)

TEST(hard_links_to_what_one_may_not_change) {
    int on = setting("hardlinks");
    make_folder("links", 0, 0, 01777);
    make_file("links/private", 0, 0, 0600);
    make_file("links/readable", 0, 0, 0644);
    make_file("links/everyones", 0, 0, 0666);
    make_file("links/setuid", 0, 0, 04777);
    make_file("links/setgid", 0, 0, 02777);
    make_file("links/setgid_lock", 0, 0, 02666);
    make_file("links/alices", ALICE, ALICE, 04000);
    REQUIRE(symlink("private", "links/symbolic") == 0 && mkfifo("links/fifo", 0666) == 0 && chmod("links/fifo", 0666) == 0);
    AS(ALICE, ALICE, "a user") {
        REFUSED_IF(on, EPERM, link("links/private", "links/1"));
        REFUSED_IF(on, EPERM, link("links/readable", "links/2"));
        REFUSED_IF(0, EPERM, link("links/everyones", "links/3"));
        REFUSED_IF(on, EPERM, link("links/setuid", "links/4"));
        REFUSED_IF(on, EPERM, link("links/setgid", "links/5"));
        REFUSED_IF(0, EPERM, link("links/setgid_lock", "links/6"));
        REFUSED_IF(0, EPERM, link("links/alices", "links/7"));
        REFUSED_IF(on, EPERM, link("links/symbolic", "links/8"));
        REFUSED_IF(on, EPERM, link("links/fifo", "links/9"));
    }
    REFUSED_IF(0, EPERM, link("links/setuid", "links/10"));
}

TEST(symbolic_links_of_others_in_sticky_directories) {
    int on = setting("symlinks");
    make_folder("sticky", 0, 0, 01777);
    make_folder("bobs", BOB, BOB, 01777);
    make_folder("plain", 0, 0, 0777);
    make_folder("unshared", 0, 0, 01755);
    make_file("target", 0, 0, 0666);
    char const* folders[] = {"sticky", "bobs", "plain", "unshared"};
    for (int i = 0; i < 4; ++i) {
        char path[64];
        snprintf(path, sizeof path, "%s/link", folders[i]);
        REQUIRE(symlink("../target", path) == 0 && lchown(path, BOB, BOB) == 0);
    }
    REQUIRE(symlink("../plain", "sticky/folder") == 0 && lchown("sticky/folder", BOB, BOB) == 0);
    say(" as root\n");
    REFUSED_IF(on, EACCES, open("sticky/link", O_RDONLY));
    REFUSED_IF(on, EACCES, open("sticky/link", O_CREAT | O_RDWR, 0600));
    REFUSED_IF(on, EACCES, access("sticky/link", F_OK));
    REFUSED_IF(on, EACCES, chmod("sticky/link", 0666));
    REFUSED_IF(on, EACCES, truncate("sticky/link", 1));
    REFUSED_IF(0, EACCES, readlink("sticky/link", (char[9]){0}, 9));
    REFUSED_IF(0, EACCES, open("sticky/link", O_PATH | O_NOFOLLOW));
    REFUSED_IF(0, EACCES, open("sticky/folder/link", O_RDONLY));
    REFUSED_IF(on, EACCES, open("sticky/folder", O_RDONLY));
    REFUSED_IF(0, EACCES, open("bobs/link", O_RDONLY));
    REFUSED_IF(0, EACCES, open("plain/link", O_RDONLY));
    REFUSED_IF(0, EACCES, open("unshared/link", O_RDONLY));
    AS(BOB, BOB, "its owner") REFUSED_IF(0, EACCES, open("sticky/link", O_RDONLY));
    AS(ALICE, ALICE, "another") REFUSED_IF(on, EACCES, open("sticky/link", O_RDONLY));
}

TEST(files_in_place_of_new_ones) {
    int regular = setting("regular"), fifos = setting("fifos");
    make_folder("crowded", 0, 0, 01777);
    make_folder("team", 0, TEAM, 01770);
    make_file("crowded/bobs", BOB, BOB, 0666);
    make_file("crowded/roots", 0, 0, 0666);
    make_file("team/bobs", BOB, TEAM, 0666);
    REQUIRE(mkfifo("crowded/fifo", 0666) == 0 && chown("crowded/fifo", BOB, BOB) == 0 && chmod("crowded/fifo", 0666) == 0);
    AS(ALICE, TEAM, "another") {
        REFUSED_IF(regular, EACCES, open("crowded/bobs", O_CREAT | O_RDWR, 0600));
        REFUSED_IF(0, EACCES, open("crowded/bobs", O_RDWR));
        REFUSED_IF(0, EACCES, open("crowded/roots", O_CREAT | O_RDWR, 0600));
        REFUSED_IF(regular >= 2, EACCES, open("team/bobs", O_CREAT | O_RDWR, 0600));
        REFUSED_IF(fifos, EACCES, open("crowded/fifo", O_CREAT | O_RDWR, 0600));
        REFUSED_IF(0, EACCES, open("crowded/fifo", O_RDWR));
        CHECK_ERRNO(open("crowded/bobs", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    }
    AS(BOB, BOB, "the owner") REFUSED_IF(0, EACCES, open("crowded/bobs", O_CREAT | O_RDWR, 0600));
}

TEST(what_is_asked_first) {
    make_folder("closed", 0, 0, 0600);
    AS(ALICE, ALICE, "a user") {
        TELL(chroot("closed"));
        TELL(chroot("."));
    }
    int fd = open("file", O_CREAT | O_RDWR, 0600);
    TELL(fchmodat(fd, "", 0600, 0));
    TELL(openat(-1, "", O_RDONLY));
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    TELL(utimensat(AT_FDCWD, "missing", omit, 0));
    TELL(utimensat(AT_FDCWD, "missing", now, 0));
    make_folder("own", ALICE, ALICE, 0700);
    AS(ALICE, ALICE, "who may make no devices") {
        TELL(mknod("own/gone", S_IFCHR | 0600, 0));
        TELL(mknod("own/null", S_IFCHR | 0600, 0x103));
    }
}

TEST(transfers_of_nothing_and_at_the_end) {
    int fd = open("file", O_CREAT | O_RDWR | O_APPEND, 0600), null = open("/dev/null", O_RDWR), folder = open(".", O_RDONLY);
    struct iovec none = {NULL, 0};
    REQUIRE(write(fd, "0123456789", 10) == 10 && lseek(fd, 3, SEEK_SET) == 3);
    SHOW(write(fd, "", 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    CHECK_ERRNO(write(fd, (void*)16, 5), EFAULT);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(writev(fd, &none, 1));
    SHOW(writev(fd, NULL, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "xy", 2, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(readv(folder, NULL, 0));
    SHOW(preadv(folder, NULL, 0, 0));
    CHECK_ERRNO(read(folder, &none, 1), EISDIR);
    CHECK_ERRNO(sendfile(null, folder, NULL, 10), EINVAL);
    CHECK_ERRNO(pwrite(fd, "abc", 3, INT64_MAX - 1), EINVAL);
    CHECK_ERRNO(pwrite(fd, "abc", 3, INT64_MAX), EINVAL);
    CHECK_ERRNO(pread(fd, &none, 3, INT64_MAX), EINVAL);
    CHECK_ERRNO(fsync(null), EINVAL);
    CHECK_ERRNO(fdatasync(null), EINVAL);
    SHOW(fsync(fd));
    SHOW(fsync(folder));
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    CHECK_ERRNO(fsync(ends[1]), EINVAL);
    CHECK_ERRNO(lseek(open("/proc/self/status", O_RDONLY), 0, SEEK_END), EINVAL);
}

TEST(flags_of_descriptors) {
    int fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC | O_TRUNC, 0600), place = open(".", O_PATH);
    say("  opened: %o\n", fcntl(fd, F_GETFL));
    say("  a place: %o\n", fcntl(place, F_GETFL));
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT | O_EXCL | O_RDONLY));
    say("  set: %o\n", fcntl(fd, F_GETFL));
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    say("  of a pipe: %o %o\n", fcntl(ends[0], F_GETFL), fcntl(ends[1], F_GETFL));
    struct stat s;
    REQUIRE(fstat(syscall(SYS_eventfd2, 0, 0), &s) == 0);
    say("  mode of an event file: %o\n", s.st_mode);
}

TEST(a_working_directory_out_of_reach) {
    make_folder("jail", 0, 0, 0755);
    char* here = getcwd(NULL, 0);
    REQUIRE(here && chroot("jail") == 0);
    char path[PATH_MAX], expected[PATH_MAX + 20];
    long length = syscall(SYS_getcwd, path, sizeof path);
    snprintf(expected, sizeof expected, "(unreachable)");
    CHECK(length > 13 && !strncmp(path, expected, 13));
    REQUIRE(chdir("/") == 0);
    SHOW(syscall(SYS_getcwd, path, sizeof path));
}

/// A name that is taken away does not make the other one's file look deleted.
TEST(names_in_maps) {
    int fd = open("mapped", O_CREAT | O_RDWR, 0600);
    REQUIRE(ftruncate(fd, PAGE) == 0);
    void* page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(link("mapped", "mapped2") == 0 && unlink("mapped2") == 0);
    CHECK(link("mapped", "mapped") == -1);
    FILE* maps = fopen("/proc/self/maps", "r");
    char line[PATH_MAX];
    while (fgets(line, sizeof line, maps))
        if (strtoul(line, NULL, 16) == (unsigned long)page) say("  %s", strrchr(line, '/') ? strrchr(line, '/') : "no name\n");
    fclose(maps);
}
