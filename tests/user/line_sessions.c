// SPDX-License-Identifier: MIT
// Who gets a terminal as the controlling one, which groups it may have in front, and what a long line costs that is shown again
// and again.
#include <sys/ioctl.h>
#include <termios.h>

#include "test.h"

static int open_pair(int* master, char* name, size_t size) {
    int number, unlock = 0;
    *master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(*master >= 0 && ioctl(*master, TIOCSPTLCK, &unlock) == 0 && ioctl(*master, TIOCGPTN, &number) == 0);
    snprintf(name, size, "/dev/pts/%d", number);
    return open(name, O_RDWR | O_NOCTTY);
}

TEST(write_only_does_not_control) {
    int master;
    char name[32];
    REQUIRE(open_pair(&master, name, sizeof name) >= 0);
    CHECK(chmod(name, 0622) == 0);
    pid_t const child = fork();
    if (child == 0) {
        if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) _exit(1);
        setsid();
        CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EACCES);
        int const file = open(name, O_WRONLY | O_NOCTTY);
        REQUIRE(file >= 0);
        CHECK_ERRNO(ioctl(file, TIOCSCTTY, 0), EPERM);
        CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    // Root may.
    pid_t const root = fork();
    if (root == 0) {
        setsid();
        int const file = open(name, O_WRONLY | O_NOCTTY);
        CHECK(ioctl(file, TIOCSCTTY, 0) == 0);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(root), 0));
}

TEST(groups_in_front) {
    int master;
    char name[32];
    int const slave = open_pair(&master, name, sizeof name);
    pid_t const leader = fork();
    if (leader == 0) {
        setsid();
        signal(SIGHUP, SIG_IGN);
        REQUIRE(ioctl(slave, TIOCSCTTY, 0) == 0);
        pid_t group = getppid();                       // of another session, and perhaps no group
        CHECK_ERRNO(ioctl(slave, TIOCSPGRP, &group), EPERM);
        group = -1;
        CHECK_ERRNO(ioctl(slave, TIOCSPGRP, &group), EINVAL);
        pid_t const child = fork();
        if (child == 0) for (;;) pause();
        CHECK(setpgid(child, child) == 0);
        group = child;
        CHECK(ioctl(slave, TIOCSPGRP, &group) == 0);
        group = 0;
        CHECK(ioctl(slave, TIOCGPGRP, &group) == 0 && group == child);
        CHECK(write(master, "\003", 1) == 1);
        CHECK(killed_by(wait_for(child), SIGINT));
        // The group is gone, its number is still the one in front, and ^C reaches nobody.
        CHECK(ioctl(master, TIOCGPGRP, &group) == 0 && group == child);
        CHECK(write(master, "\003", 1) == 1);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(leader), 0));
}

TEST(line_shown_again_and_again) {
    int master;
    char name[32], text[4000], sink[8192];
    int const slave = open_pair(&master, name, sizeof name);
    REQUIRE(slave >= 0 && fcntl(master, F_SETFL, O_NONBLOCK) == 0);
    memset(text, 'a', sizeof text);
    for (size_t done = 0; done < sizeof text;) {
        ssize_t const got = write(master, text + done, sizeof text - done < 500 ? sizeof text - done : 500);
        if (got > 0) done += (size_t)got;
        while (read(master, sink, sizeof sink) > 0) { }
    }
    struct timespec before, after;
    memset(text, 022, 500);
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(write(master, text, 500) == 500);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 1000);
    say("done\n");
}
