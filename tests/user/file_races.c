// SPDX-License-Identifier: MIT
// Check and change of a file's rights are one step: two processes change or use one file's owner and mode at the same
// time, for a bounded while; no outcome is one that no order of the calls has.
// timeout: 60
#include "test.h"

enum { USER = 1000, ROUND_MS = 700 };

static void become_user(void) {
    REQUIRE(setgid(USER) == 0 && setuid(USER) == 0);
}

static int new_file(char const* path, unsigned mode) {
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && fchmod(fd, mode) == 0);
    return fd;
}

static pid_t user_loop(void (*body)(void)) {
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child) return child;
    become_user();
    for (;;) body();
}

static void end(pid_t child) {
    REQUIRE(kill(child, SIGKILL) == 0);
    CHECK(killed_by(wait_for(child), SIGKILL));
}

/// A pause that is different each time, so that the other's step meets every place of ours.
static void linger(long n) {
    for (volatile long i = 0; i < n % 200; ++i) { }
    if (n % 7 == 0) sched_yield();
}

/// While a user does `body` to a file of its own, root takes the file again and again, and then does `ours`. How often `is_bad`
/// held of what was root's by then.
static void take_while(char const* path, unsigned mode, void (*body)(void), void (*ours)(int fd), int (*is_bad)(struct stat const*)) {
    int fd = new_file(path, mode);
    pid_t user = user_loop(body);
    long bad = 0, rounds = 0;
    for (long until = now_ms() + ROUND_MS; now_ms() < until; ++rounds) {
        REQUIRE(fchown(fd, USER, USER) == 0);
        linger(rounds);
        REQUIRE(fchown(fd, 0, 0) == 0);
        if (ours) ours(fd);
        for (int look = 0; look < 3; ++look) {
            struct stat s;
            if (look) sched_yield();
            REQUIRE(fstat(fd, &s) == 0);
            if (is_bad(&s)) {
                ++bad;
                break;
            }
        }
        REQUIRE(fchmod(fd, mode) == 0);
    }
    end(user);
    CHECK(rounds > 0);
    SHOW(bad);
}

/// Root takes a user's file: chown clears the bits, and from then on the user may not set them.
static void set_bits(void) { chmod("given", 06755); }
static int has_bits(struct stat const* s) { return s->st_uid == 0 && (s->st_mode & 06000); }
TEST(chmod_by_the_owner_against_chown_to_root) { take_while("given", 0755, set_bits, NULL, has_bits); }

/// The same with the group: a user may not give a group to what is no longer the user's.
static void take_group(void) { chown("grouped", -1, USER); }
static int has_a_group(struct stat const* s) { return s->st_gid != 0; }
TEST(chown_by_the_owner_against_chown_to_root) { take_while("grouped", 0755, take_group, NULL, has_a_group); }

static void set_times(void) {
    struct timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    utimensat(AT_FDCWD, "timed", long_ago, 0);
}
static void set_our_time(int fd) {
    struct timespec present[2] = {{2000000000, 0}, {2000000000, 0}};
    REQUIRE(futimens(fd, present) == 0);
}
static int has_another_time(struct stat const* s) { return s->st_mtim.tv_sec != 2000000000; }
TEST(utimensat_by_the_owner_against_chown_to_root) { take_while("timed", 0644, set_times, set_our_time, has_another_time); }

static volatile long* counts;    // executions, executions as root

void when_executed(int argument_count, char** arguments) {
    if (argument_count > 1 && !strcmp(arguments[1], "probe")) _exit(geteuid() == 0 && getuid() == USER ? 42 : 0);
}

static void execute(void) {
    pid_t child = vfork();
    if (child == 0) {
        execl("program", "program", "probe", (char*)NULL);
        _exit(1);
    }
    if (child < 0) return;
    int status = wait_for(child);
    ++counts[0];
    if (ended_with(status, 42)) ++counts[1];
}

/// A user's own setuid program becomes root's: it runs as the user or, without the bit, as who starts it; never as root.
TEST(exec_by_the_owner_against_chown_to_root) {
    copy_self("program", 0, 0, 0755);
    int fd = open("program", O_RDONLY);
    counts = shared_memory(PAGE);
    REQUIRE(fd >= 0);
    pid_t user = user_loop(execute);
    long rounds = 0;
    for (long until = now_ms() + ROUND_MS; now_ms() < until; ++rounds) {
        REQUIRE(fchown(fd, USER, USER) == 0 && fchmod(fd, 04755) == 0);
        struct timespec pause = {0, (300 + rounds % 700) * 1000};
        nanosleep(&pause, NULL);
        REQUIRE(fchown(fd, 0, 0) == 0);
    }
    sleep_ms(50);
    end(user);
    CHECK(counts[0] > 0);
    SHOW(counts[1]);
}

static void truncate_it(void) {
    int opened = open("running", O_RDONLY | O_TRUNC);
    if (opened >= 0) close(opened);
    truncate("running", 0);
}

/// What runs is never changed, however the two meet: exec finds it whole, or is told that it is busy.
TEST(truncate_against_exec) {
    copy_self("whole", 0, 0, 0755);
    REQUIRE(chmod("whole", 0755) == 0);
    long killed = 0, runs = 0;
    for (long until = now_ms() + ROUND_MS; now_ms() < until; ++runs) {
        unlink("running");
        REQUIRE(link("whole", "running") == 0);
        pid_t cutter = fork();
        if (cutter == 0) {
            for (int i = 0; i < 20; ++i) truncate_it();
            _exit(0);
        }
        pid_t runner = fork();
        if (runner == 0) {
            execl("running", "running", "probe", (char*)NULL);
            _exit(errno == ETXTBSY || errno == ENOEXEC || errno == EIO || errno == ENOENT ? 0 : 2);
        }
        int status = wait_for(runner);
        if (!ended_with(status, 0)) ++killed;
        CHECK(ended_with(wait_for(cutter), 0));
        copy_self("whole", 0, 0, 0755);
    }
    CHECK(runs > 0);
    SHOW(killed);
}
