// SPDX-License-Identifier: MIT
// Signals that nobody has a right to send; what the boot test of this name runs inside the machine. Each subcommand prints NAME VALUE.
//   init          an orphan of a user whose children end with signals that init takes as orders to end the machine
//   number KIND   a user's terminal, and the number of a group or session that it named, which a process of root is to get:
//                 interrupt (the group in front, ^C), front (the same, when terminal and leader end), session (hang-up)
#include "checks.h"

#include <sys/ioctl.h>
#include <termios.h>

enum { USER = 1000 };

static void become_user(void) {
    REQUIRE(setresgid(USER, USER, USER) == 0);
    REQUIRE(setresuid(USER, USER, USER) == 0);
}

static long cloned(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }

// ---- init

static int const orders[] = {SIGUSR1, SIGUSR2, SIGTERM};   // to busybox init: halt, power off, reboot

static void wait_until_gone(pid_t pid) {
    for (int i = 0; i < 2000 && kill(pid, 0) == 0; ++i) sleep_ms(1);
    CHECK_ERRNO(kill(pid, 0), ESRCH);
}

/// Runs as init's child. Two shapes: a sibling, and a child whose maker ends first.
static void give_orders(int signal) {
    CHECK_ERRNO(kill(1, signal), EPERM);
    pid_t sibling = cloned(CLONE_PARENT | signal);
    if (sibling == 0) _exit(0);
    wait_until_gone(sibling);
    int names[2], go[2];
    REQUIRE(pipe(names) == 0 && pipe(go) == 0);
    pid_t maker = fork();
    if (maker == 0) {
        close(go[1]);
        pid_t child = cloned(signal);
        if (child == 0) {
            char byte;
            while (read(go[0], &byte, 1) > 0) { }
            _exit(0);
        }
        write(names[1], &child, sizeof child);
        _exit(0);
    }
    pid_t child = 0;
    CHECK(read(names[0], &child, sizeof child) == sizeof child);
    CHECK(ended_with(wait_for(maker), 0));
    close(go[1]);   // now it ends, as init's
    wait_until_gone(child);
}

static void orphan_of_init(int report, int signal) {
    become_user();
    for (int i = 0; i < 2000 && getppid() != 1; ++i) sleep_ms(1);
    REQUIRE(getppid() == 1);
    give_orders(signal);
    write(report, &failures, sizeof failures);
    _exit(0);
}

static int order_init(void) {
    int given = 0;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; ++i) {
        int report[2], bad = 0;
        REQUIRE(pipe(report) == 0);
        pid_t maker = fork();
        if (maker == 0) {
            if (cloned(orders[i]) == 0) orphan_of_init(report[1], orders[i]);   // it ends with the signal itself, too
            _exit(0);
        }
        close(report[1]);
        CHECK(ended_with(wait_for(maker), 0));
        if (CHECK(read(report[0], &bad, sizeof bad) == sizeof bad) && bad == 0) ++given;
        close(report[0]);
    }
    sleep_ms(1500);   // init sends SIGTERM to all at once, SIGKILL a second later
    say("given %d\n", given);
    return failures != 0;
}

// ---- numbers of terminals

enum kind { INTERRUPT, FRONT, SESSION };

/// Leads a session on the terminal, whose group in front ends, and goes on until `stay` ends.
static void lead(char const* name, enum kind kind, int up, int stay) {
    REQUIRE(setsid() == getpid());
    int terminal = open(name, O_RDWR);
    REQUIRE(terminal >= 0);
    signal(SIGHUP, SIG_IGN), signal(SIGINT, SIG_IGN), signal(SIGTTOU, SIG_IGN);
    if (kind == SESSION) _exit(0);
    pid_t group = fork();
    if (group == 0) {
        signal(SIGHUP, SIG_DFL);
        setpgid(0, 0);
        for (;;) pause();
    }
    setpgid(group, group);
    REQUIRE(tcsetpgrp(terminal, group) == 0);
    kill(group, SIGKILL);
    wait_for(group);
    write(up, &group, sizeof group);
    char byte;
    while (read(stay, &byte, 1) > 0) { }
    _exit(0);
}

static void user_with_terminal(enum kind kind, int up, int down) {
    become_user();
    char name[32], byte;
    int unlocked = 0, number = -1, stay[2];
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(master >= 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0 && ioctl(master, TIOCGPTN, &number) == 0 && pipe(stay) == 0);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    pid_t leader = fork();
    if (leader == 0) {
        close(stay[1]), close(master), close(down);
        lead(name, kind, up, stay[0]);
    }
    if (kind == SESSION) {
        CHECK(ended_with(wait_for(leader), 0));
        write(up, &leader, sizeof leader);
    }
    REQUIRE(read(down, &byte, 1) == 1);
    if (kind == INTERRUPT) CHECK(write(master, "\003", 1) == 1);
    if (kind == INTERRUPT) sleep_ms(200);   // the line's discipline is another thread's
    close(master);
    close(stay[1]);
    if (kind != SESSION) CHECK(ended_with(wait_for(leader), 0));
    _exit(failures != 0);
}

/// A process of root that leads a group (or a session), with the number if the kernel gives it.
static pid_t process_with_number(pid_t wanted, enum kind kind) {
    char text[16];
    int length = snprintf(text, sizeof text, "%d", wanted - 1);
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    REQUIRE(file >= 0 && write(file, text, length) == length);
    close(file);
    pid_t victim = fork();
    if (victim == 0) {
        if (kind == SESSION) setsid();
        else setpgid(0, 0);
        for (;;) pause();
    }
    if (kind == SESSION) while (getpgid(victim) != victim) sleep_ms(1);
    else setpgid(victim, victim);
    return victim;
}

static int ends(pid_t victim) {
    kill(victim, SIGKILL);
    return wait_for(victim);
}

static int reuse_number(enum kind kind) {
    int up[2], down[2];
    REQUIRE(pipe(up) == 0 && pipe(down) == 0);
    pid_t user = fork();
    if (user == 0) {
        close(up[0]), close(down[1]);
        user_with_terminal(kind, up[1], down[0]);
    }
    close(up[1]), close(down[0]);
    pid_t number = 0;
    REQUIRE(read(up[0], &number, sizeof number) == sizeof number);
    pid_t victim = process_with_number(number, kind);
    say("reused %d\n", victim == number);
    write(down[1], "", 1);
    CHECK(ended_with(wait_for(user), 0));
    sleep_ms(100);
    say("lives %d\n", waitpid(victim, NULL, WNOHANG) == 0);
    ends(victim);
    pid_t next = process_with_number(number, kind);   // nobody keeps the number now
    say("given_afterwards %d\n", next == number);
    ends(next);
    return failures != 0;
}

int main(int argument_count, char** arguments) {
    char const* what = argument_count > 1 ? arguments[1] : "";
    char const* kind = argument_count > 2 ? arguments[2] : "";
    if (!strcmp(what, "init")) return order_init();
    if (!strcmp(what, "number")) return reuse_number(*kind == 'i' ? INTERRUPT : *kind == 'f' ? FRONT : SESSION);
    return 2;
}
