// SPDX-License-Identifier: MIT
// The limits of System V IPC in /proc/sys/kernel: root changes them, and what comes after obeys. The boot test of this name runs it.
// where: guest
#include "test.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

/// The file's text while `text` stands in it; the old one comes back at the end of the process.
static void set(char const* name, char const* text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    int file = open(path, O_RDWR);
    REQUIRE(file >= 0);
    errno = 0;
    long written = write(file, text, strlen(text));
    close(file);
    say("%s <- %s: %s", name, text, written < 0 ? strerror(errno) : "ok");
    char now[100] = {0};
    file = open(path, O_RDONLY);
    read(file, now, sizeof now - 1);
    close(file);
    say(", is %s", now);
}
static int const make = IPC_CREAT | 0600;
static int told(int result) { return result < 0 ? -errno : result >= 0 ? 0 : result; }

TEST(numbers_that_are_none) {
    static char const* const words[] = {"", "x", "-1", "32769", "5 6", " 7\n", "4294967296", "9999999999999999999999"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; ++i) set("msgmni", words[i]);
    set("msgmni", "32000");
}

TEST(messages) {
    struct { long type; char text[20000]; } message = {.type = 1};
    int before = msgget(IPC_PRIVATE, make);
    set("msgmax", "100");
    SHOW(told(msgsnd(before, &message, 101, 0)));
    SHOW(told(msgsnd(before, &message, 100, 0)));
    set("msgmax", "20000");
    SHOW(told(msgsnd(before, &message, 20000, IPC_NOWAIT)));
    set("msgmnb", "20000");
    int after = msgget(IPC_PRIVATE, make);
    struct msqid_ds about;
    CHECK(msgctl(before, IPC_STAT, &about) == 0);
    SHOW(about.msg_qbytes);
    CHECK(msgctl(after, IPC_STAT, &about) == 0);
    SHOW(about.msg_qbytes);
    SHOW(told(msgsnd(after, &message, 20000, IPC_NOWAIT)));
    set("msgmax", "8192");
    SHOW(msgrcv(after, &message, 20000, 0, MSG_COPY | IPC_NOWAIT));
    SHOW(msgrcv(after, &message, 20000, 0, IPC_NOWAIT));
    set("msgmnb", "16384");
    set("msgmni", "2");
    SHOW(told(msgget(IPC_PRIVATE, make)));
    struct msginfo limits;
    msgctl(0, IPC_INFO, (struct msqid_ds*)&limits);
    say("msgmax %d msgmnb %d msgmni %d\n", limits.msgmax, limits.msgmnb, limits.msgmni);
    CHECK(msgctl(before, IPC_RMID, NULL) == 0);
    int another = msgget(IPC_PRIVATE, make);
    SHOW(told(another));
    set("msgmni", "32000");
    CHECK(msgctl(after, IPC_RMID, NULL) == 0 && msgctl(another, IPC_RMID, NULL) == 0);
}

TEST(semaphores) {
    struct sembuf steps[4] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
    int set_of_5 = semget(IPC_PRIVATE, 5, make);
    set("sem", "10\t12 3 2");
    SHOW(told(semget(IPC_PRIVATE, 11, make)));
    SHOW(told(semget(IPC_PRIVATE, 8, make)));
    int set_of_7 = semget(IPC_PRIVATE, 7, make);
    SHOW(told(set_of_7));
    SHOW(told(semop(set_of_5, steps, 4)));
    SHOW(told(semop(set_of_5, steps, 3)));
    CHECK(semctl(set_of_5, 0, IPC_RMID) == 0);
    SHOW(told(semget(IPC_PRIVATE, 6, make)));
    int set_of_1 = semget(IPC_PRIVATE, 1, make);
    SHOW(told(semget(IPC_PRIVATE, 1, make)));
    struct seminfo limits;
    semctl(0, 0, IPC_INFO, &limits);
    say("semmsl %d semmns %d semopm %d semmni %d\n", limits.semmsl, limits.semmns, limits.semopm, limits.semmni);
    set("sem", "11");
    set("sem", "12 13");
    set("sem", "1 2 3 40000");
    set("sem", "32000 1024000000 500 32000");
    CHECK(semctl(set_of_7, 0, IPC_RMID) == 0 && semctl(set_of_1, 0, IPC_RMID) == 0);
}

TEST(shared_memory) {
    set("shmmax", "8192");
    SHOW(told(shmget(IPC_PRIVATE, 8193, make)));
    int two_pages = shmget(IPC_PRIVATE, 8192, make);
    SHOW(told(two_pages));
    set("shmall", "3");
    SHOW(told(shmget(IPC_PRIVATE, 4097, make)));
    int one_page = shmget(IPC_PRIVATE, 4096, make);
    SHOW(told(one_page));
    set("shmall", "18446744073692774399");
    set("shmmni", "2");
    SHOW(told(shmget(IPC_PRIVATE, 1, make)));
    set("shmmni", "4096");
    set("shmmax", "18446744073692774399");
    CHECK(shmctl(one_page, IPC_RMID, NULL) == 0 && shmctl(two_pages, IPC_RMID, NULL) == 0);
}

/// Of ten pages one has four; one asks for nine all the time, in vain, and one for five, which are there whenever it asks.
TEST(what_is_refused_takes_nothing_from_others) {
    set("shmall", "10");
    int const kept = shmget(IPC_PRIVATE, 4 * 4096, make);
    pid_t const greedy = fork();
    if (greedy == 0)
        for (;;) shmget(IPC_PRIVATE, 9 * 4096, make);
    long refused = 0;
    for (int i = 0; i < 30000; ++i) {
        int const some = shmget(IPC_PRIVATE, 5 * 4096, make);
        if (some < 0) ++refused;
        else CHECK(shmctl(some, IPC_RMID, NULL) == 0);
    }
    CHECK(kill(greedy, SIGKILL) == 0 && wait_for(greedy) == SIGKILL);
    SHOW(refused);
    CHECK(shmctl(kept, IPC_RMID, NULL) == 0);
    set("shmall", "18446744073692774399");
}
