// SPDX-License-Identifier: MIT
// Files: who may open, make, remove, rename, chmod, chown, ask access() of what; runs as root in its own folder.
// timeout: 60
#include "permissions.h"

#include <sys/file.h>
#include <sys/time.h>

static long access_at(char const* path, int mode, int flags) { return syscall(439, AT_FDCWD, path, mode, flags); }

static void try_files(void) {
    TELL_OPEN(open("alice", O_RDONLY));
    TELL_OPEN(open("alice", O_WRONLY));
    TELL_OPEN(open("alice", O_WRONLY | O_TRUNC));
    TELL_OPEN(open("team", O_RDONLY));
    TELL_OPEN(open("team", O_RDWR));
    TELL_OPEN(open("everyone", O_RDWR));
    TELL_OPEN(open("nobody", O_RDONLY));
    TELL_OPEN(open("nobody", O_PATH));
    TELL_OPEN(open("alice", O_RDONLY | O_NOATIME));
    TELL_OPEN(open("new", O_CREAT | O_WRONLY, 0644));
    TELL(execve("alice", (char*[]){"alice", NULL}, NULL));
    TELL(access("alice", R_OK));
    TELL(access("alice", W_OK));
    TELL(access("alice", X_OK));
    TELL(access("missing", F_OK));
    TELL(access("nobody", F_OK));
    TELL(access_at("team", R_OK, AT_EACCESS));
    TELL(access_at("team", R_OK | W_OK, 0));
    TELL(access_at("team", R_OK, 0x8000));
    TELL(access_at("team", 8, 0));
    TELL(truncate("alice", 3));
    TELL(truncate("team", 3));
    TELL(truncate("everyone", 3));
}

TEST(classes_of_users) {
    make_file("alice", ALICE, OTHERS, 0600);
    make_file("team", BOB, TEAM, 0640);
    make_file("everyone", BOB, OTHERS, 0666);
    make_file("nobody", BOB, TEAM, 0);
    AS(ALICE, TEAM, "the owner of one, in the group of another") try_files();
    AS(BOB, BOB, "the owner") try_files();
    AS(3000, 3000, "a stranger") try_files();
    say(" as root\n");
    REQUIRE(chmod("alice", 0644) == 0);
    try_files();
    TELL(unlink("new"));
}

TEST(a_class_that_says_less) {   // the first class that fits decides, even where a later one would give more
    make_file("odd", ALICE, TEAM, 0066);
    make_file("odd_group", BOB, TEAM, 0606);
    AS(ALICE, TEAM, "owner and group") {
        TELL_OPEN(open("odd", O_RDONLY));
        TELL_OPEN(open("odd_group", O_RDONLY));
    }
    AS(ALICE, OTHERS, "not in the group") TELL_OPEN(open("odd_group", O_RDONLY));
}

TEST(further_groups) {
    make_file("group_only", 0, TEAM, 0060);
    pid_t child = fork();
    if (child == 0) {
        gid_t groups[] = {3, TEAM, 2}, got[8];
        become_group(ALICE, ALICE, 3, groups);
        TELL_OPEN(open("group_only", O_RDWR));
        SHOW(getgroups(0, NULL));
        SHOW(getgroups(8, got));
        say("  %d %d %d\n", got[0], got[1], got[2]);
        TELL(getgroups(2, got));
        TELL(getgroups(-1, got));
        TELL(syscall(SYS_setgroups, 1, groups));
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    child = fork();
    if (child == 0) {
        gid_t bad[] = {1, (gid_t)-1};
        TELL(syscall(SYS_setgroups, 2, bad));
        TELL(syscall(SYS_setgroups, 65537, bad));
        TELL(syscall(SYS_setgroups, 2, NULL));
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
}

static void try_directories(void) {
    TELL_OPEN(open("search", O_RDONLY | O_DIRECTORY));
    TELL_OPEN(open("search/file", O_RDONLY));
    TELL_OPEN(open("list", O_RDONLY | O_DIRECTORY));
    TELL_OPEN(open("list/file", O_RDONLY));
    TELL(access("list/file", F_OK));
    TELL(access("list/missing", F_OK));
    TELL(mkdir("search/new", 0755));
    TELL(mkdir("search/file", 0755));
    TELL(unlink("search/file"));
    TELL(unlink("search/missing"));
    TELL(rmdir("search/folder"));
    TELL(symlink("x", "search/link"));
    TELL(link("search/file", "search/hard"));
    TELL(rename("search/file", "search/other"));
    TELL(rename("search/missing", "search/other"));
    TELL(mknod("search/fifo", S_IFIFO | 0600, 0));
    TELL(mknod("open/device", S_IFCHR | 0600, 0x103));
    TELL(mknod("open/fifo", S_IFIFO | 0600, 0));
    TELL(unlink("open/device"));
    TELL(unlink("open/fifo"));
    TELL(mknod("search/device", S_IFCHR | 0600, 0x103));
    TELL(chdir("list"));
}

TEST(directories) {
    make_folder("search", BOB, BOB, 0711);
    make_folder("list", BOB, BOB, 0744);
    make_folder("open", BOB, BOB, 0777);
    make_file("search/file", BOB, BOB, 0666);   // so that fs.protected_hardlinks of a host does not matter
    make_file("list/file", BOB, BOB, 0644);
    make_folder("search/folder", BOB, BOB, 0755);
    AS(ALICE, ALICE, "a stranger") try_directories();
    AS(BOB, BOB, "the owner") try_directories();
}

TEST(sticky) {
    make_folder("sticky", 0, 0, 01777);
    make_folder("loose", 0, 0, 0777);
    make_folder("bobs", BOB, BOB, 01777);
    char const* folders[] = {"sticky", "loose", "bobs"};
    for (int i = 0; i < 3; ++i) {
        char path[40];
        for (char const* name = "abcd"; *name; ++name) {
            snprintf(path, sizeof path, "%s/%c", folders[i], *name);
            make_file(path, *name < 'c' ? ALICE : BOB, 0, 0666);
        }
        snprintf(path, sizeof path, "%s/folder", folders[i]);
        make_folder(path, BOB, BOB, 0777);
        snprintf(path, sizeof path, "%s/alices", folders[i]);
        make_folder(path, ALICE, ALICE, 0777);
    }
    AS(ALICE, ALICE, "owner of a and b") {
        TELL(unlink("sticky/c"));
        TELL(rename("sticky/c", "sticky/e"));
        TELL(rename("sticky/a", "sticky/c"));
        TELL(rename("sticky/a", "sticky/b"));
        TELL(unlink("sticky/b"));
        TELL(rmdir("sticky/folder"));
        TELL(rename("sticky/folder", "sticky/other"));
        TELL(rename("sticky/c", "loose/e"));
        TELL(rename("loose/c", "sticky/e"));
        TELL(unlink("loose/d"));
        TELL(unlink("bobs/c"));
        TELL(unlink("bobs/a"));
    }
    AS(BOB, BOB, "owner of a sticky folder") {
        TELL(unlink("bobs/b"));
        TELL(rmdir("bobs/alices"));
        TELL(unlink("sticky/e"));
    }
}

TEST(moving_directories) {   // ".." of a directory is written when its parent changes
    make_folder("from", ALICE, ALICE, 0777);
    make_folder("to", ALICE, ALICE, 0777);
    make_folder("from/bobs", BOB, BOB, 0755);
    AS(ALICE, ALICE, "owner of both parents") {
        TELL(rename("from/bobs", "to/bobs"));
        TELL(rename("from/bobs", "from/renamed"));
        TELL(rmdir("from/renamed"));
    }
}

TEST(chmod_rules) {
    make_file("mine", ALICE, TEAM, 0644);
    make_file("foreign_group", ALICE, OTHERS, 0644);
    make_file("bobs_file", BOB, BOB, 0666);
    make_folder("mine_folder", ALICE, OTHERS, 0755);
    AS(ALICE, TEAM, "owner") {
        TELL(chmod("mine", 06755));
        show_mode("mine");
        TELL(chmod("foreign_group", 06755));
        show_mode("foreign_group");
        TELL(chmod("mine_folder", 03777));
        show_mode("mine_folder");
        TELL(chmod("bobs_file", 0777));
        TELL(chmod("missing", 0777));
        TELL(chmod("mine", 01644));
        show_mode("mine");
        int fd = open("bobs_file", O_RDWR);
        TELL(fchmod(fd, 0600));
        TELL(fchown(fd, ALICE, -1));
        TELL(futimens(fd, NULL));
        struct timespec const set[2] = {{1, 0}, {2, 0}}, now_and_omit[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
        TELL(futimens(fd, set));
        TELL(futimens(fd, now_and_omit));
        close(fd);
        TELL(utimensat(AT_FDCWD, "mine", set, 0));
    }
    make_file("unwritable", BOB, BOB, 0644);
    AS(ALICE, TEAM, "a stranger") TELL(utimensat(AT_FDCWD, "unwritable", NULL, 0));
}

TEST(chown_rules) {
    make_file("own", ALICE, TEAM, 06755);
    make_file("bob", BOB, TEAM, 0644);
    make_file("bob_suid", BOB, TEAM, 04755);
    pid_t child = fork();
    if (child == 0) {
        gid_t groups[] = {OTHERS};
        become_group(ALICE, TEAM, 1, groups);
        TELL(chown("own", ALICE, -1));
        show_mode("own");
        TELL(chmod("own", 06745));
        TELL(chown("own", -1, OTHERS));
        show_mode("own");
        TELL(chown("own", BOB, -1));
        TELL(chown("own", -1, 5));
        TELL(chown("own", -1, TEAM));
        TELL(chown("bob", -1, TEAM));
        TELL(chown("bob", BOB, -1));
        TELL(chown("bob", -1, -1));
        TELL(chown("bob_suid", -1, -1));
        show_mode("own");
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    say(" as root\n");
    make_file("roots", 0, 0, 06755);
    TELL(chown("roots", -1, -1));
    show_mode("roots");
    make_file("locking", 0, 0, 06745);
    TELL(chown("locking", ALICE, TEAM));
    show_mode("locking");
    make_folder("folder_ids", 0, 0, 06755);
    TELL(chown("folder_ids", ALICE, TEAM));
    show_mode("folder_ids");
    AS(ALICE, OTHERS, "owner outside the group keeps it") {
        TELL(chown("locking", -1, TEAM));
        TELL(chown("locking", -1, OTHERS));
        show_mode("locking");
    }
}

TEST(writing_clears_set_id) {
    char const* names[] = {"written", "truncated", "opened", "emptied", "kept"};
    for (int i = 0; i < 5; ++i) make_file(names[i], BOB, BOB, 06777);
    AS(ALICE, ALICE, "a writer") {
        int fd = open("written", O_WRONLY);
        TELL(write(fd, "x", 1));
        close(fd);
        TELL(truncate("truncated", 1));
        TELL_OPEN(open("opened", O_WRONLY | O_TRUNC));
        fd = open("emptied", O_WRONLY);
        TELL(ftruncate(fd, 0));
        close(fd);
        TELL_OPEN(open("kept", O_WRONLY));
    }
    for (int i = 0; i < 5; ++i) show_mode(names[i]);
    make_file("by_root", BOB, BOB, 06777);
    int fd = open("by_root", O_WRONLY);
    TELL(write(fd, "x", 1));
    close(fd);
    show_mode("by_root");
}

TEST(umask_and_new_files) {
    SHOW(umask(077) == 022);
    TELL_OPEN(open("m077", O_CREAT | O_WRONLY, 06777));
    show_mode("m077");
    SHOW(umask(01000) == 077);
    SHOW(umask(0));
    TELL(mkdir("sticky_new", 07777));
    show_mode("sticky_new");
    make_folder("sgid", 0, TEAM, 02777);
    AS(ALICE, OTHERS, "in a set-group-ID folder") {
        umask(0);
        TELL_OPEN(open("sgid/file", O_CREAT | O_WRONLY, 02755));
        TELL_OPEN(open("sgid/lock", O_CREAT | O_WRONLY, 02745));
        TELL(mkdir("sgid/folder", 0755));
        show_mode("sgid/file");
        show_mode("sgid/lock");
        show_mode("sgid/folder");
    }
    AS(ALICE, TEAM, "as a member") {
        umask(0);
        TELL_OPEN(open("sgid/member", O_CREAT | O_WRONLY, 02755));
        show_mode("sgid/member");
    }
}

TEST(real_and_effective) {   // access() asks for the real ids, AT_EACCESS for the effective ones
    make_file("bob_only", BOB, BOB, 0600);
    make_folder("bob_folder", BOB, BOB, 0700);
    make_file("bob_folder/file", BOB, BOB, 0666);
    pid_t child = fork();
    if (child == 0) {
        REQUIRE(syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, ALICE, BOB, BOB) == 0);
        REQUIRE(syscall(SYS_setresuid, ALICE, BOB, 0) == 0);
        TELL(access("bob_only", R_OK));
        TELL(access_at("bob_only", R_OK, AT_EACCESS));
        TELL(access("bob_folder/file", F_OK));
        TELL(access_at("bob_folder/file", F_OK, AT_EACCESS));
        TELL_OPEN(open("bob_only", O_RDONLY));
        SHOW(syscall(SYS_setfsuid, ALICE));
        TELL_OPEN(open("bob_only", O_RDONLY));
        SHOW(syscall(SYS_setfsuid, 0));
        TELL_OPEN(open("bob_only", O_RDONLY));
        TELL(chown("bob_only", ALICE, -1));
        TELL(mknod("device", S_IFCHR | 0600, 0x103));
        TELL(sethostname("x", 1));
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
}
