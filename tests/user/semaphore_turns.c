// SPDX-License-Identifier: MIT
// timeout: 60
// Many sleepers at one set of semaphores: each goes on by what it waits for, the first first, and several operations happen
#include "test.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

enum { SEMAPHORES = 4, SLEEPERS = 40 };
static int set;
static pid_t children[SLEEPERS];
static int count;
static void make(void) { REQUIRE((set = semget(IPC_PRIVATE, SEMAPHORES, 0600)) >= 0); }
static void end(void) { CHECK(semctl(set, 0, IPC_RMID) == 0); }
static int waiting(int number, int command) { return semctl(set, number, command); }
static int value(int number) { return semctl(set, number, GETVAL); }
static int operate(int number, int change, int flags) {
    struct sembuf operation = {number, change, flags};
    return semop(set, &operation, 1);
}
/// A child that performs these; it has gone to sleep at `number` when this returns.
static void sleep_on(struct sembuf const* operations, int size, int number, int command) {
    int const before = waiting(number, command);
    pid_t const child = fork();
    if (child == 0) {
        struct sembuf own[4];
        memcpy(own, operations, size * sizeof *own);
        _exit(semop(set, own, size) != 0);
    }
    children[count++] = child;
    for (int i = 0; i < 500 && waiting(number, command) == before; ++i) sleep_ms(2);
    CHECK(waiting(number, command) == before + 1);
}
static int has_ended(int which) { return waitpid(children[which], NULL, 0) == children[which]; }
static int sleeps(int which) { return waitpid(children[which], NULL, WNOHANG) == 0; }

TEST(the_first_first) {
    make();
    struct sembuf two = {0, -2, 0}, one = {0, -1, 0};
    sleep_on(&two, 1, 0, GETNCNT);
    sleep_on(&one, 1, 0, GETNCNT);
    sleep_on(&one, 1, 0, GETNCNT);
    CHECK(operate(0, 1, 0) == 0 && has_ended(1) && sleeps(0) && sleeps(2));
    CHECK(operate(0, 3, 0) == 0 && has_ended(0) && has_ended(2));
    SHOW(value(0));
    end();
}

TEST(each_at_its_own) {
    make();
    struct sembuf operations[3] = {{1, -1, 0}, {2, -1, 0}, {3, 1, 0}};
    for (int i = 0; i < 10; ++i) sleep_on(&(struct sembuf){0, -1, 0}, 1, 0, GETNCNT);
    sleep_on(operations, 3, 1, GETNCNT);             // 10
    sleep_on(&(struct sembuf){3, -1, 0}, 1, 3, GETNCNT);
    CHECK(operate(1, 1, 0) == 0);
    sleep_ms(20);
    CHECK(sleeps(10) && value(1) == 1 && waiting(2, GETNCNT) == 1 && waiting(1, GETNCNT) == 0);
    CHECK(operate(2, 1, 0) == 0 && has_ended(10) && has_ended(11));
    for (int i = 0; i < 4; ++i) SHOW(value(i));
    SHOW(waiting(0, GETNCNT));
    CHECK(operate(0, 10, 0) == 0);
    for (int i = 0; i < 10; ++i) CHECK(has_ended(i));
    end();
}

TEST(zero) {
    make();
    CHECK(operate(0, 2, 0) == 0);
    struct sembuf both[2] = {{0, 0, 0}, {0, 3, 0}};
    sleep_on(&(struct sembuf){0, 0, 0}, 1, 0, GETZCNT);
    sleep_on(both, 2, 0, GETZCNT);
    sleep_on(&(struct sembuf){0, -3, 0}, 1, 0, GETNCNT);
    CHECK(operate(0, -1, 0) == 0 && sleeps(0));
    CHECK(operate(0, -1, 0) == 0);
    for (int i = 0; i < 3; ++i) CHECK(has_ended(i));
    SHOW(value(0));
    CHECK_ERRNO(operate(0, -1, IPC_NOWAIT), EAGAIN);
    end();
}

TEST(all_set_at_once) {
    make();
    for (int i = 0; i < SLEEPERS; ++i) sleep_on(&(struct sembuf){i % SEMAPHORES, -1, 0}, 1, i % SEMAPHORES, GETNCNT);
    unsigned short values[SEMAPHORES] = {SLEEPERS, SLEEPERS, SLEEPERS, SLEEPERS};
    CHECK(semctl(set, 0, SETALL, values) == 0);
    for (int i = 0; i < SLEEPERS; ++i) CHECK(has_ended(i));
    for (int i = 0; i < SEMAPHORES; ++i) SHOW(value(i));
    end();
}

/// One call that frees many, with as many before them that it does not help.
TEST(many_at_once) {
    make();
    for (int i = 0; i < SLEEPERS / 2; ++i) sleep_on(&(struct sembuf){0, -1000, 0}, 1, 0, GETNCNT);
    for (int i = 0; i < SLEEPERS / 2; ++i) sleep_on(&(struct sembuf){0, -1, 0}, 1, 0, GETNCNT);
    CHECK(operate(0, SLEEPERS / 2, 0) == 0);
    for (int i = SLEEPERS / 2; i < SLEEPERS; ++i) CHECK(has_ended(i));
    SHOW(value(0));
    SHOW(waiting(0, GETNCNT));
    end();
    for (int i = 0; i < SLEEPERS / 2; ++i) CHECK(has_ended(i));
}

TEST(messages_that_stay) {
    struct { long type; char text[64]; } message = {7, "first"};
    int const queue = msgget(IPC_PRIVATE, 0600);
    REQUIRE(queue >= 0);
    CHECK(msgsnd(queue, &message, 6, 0) == 0);
    message.type = 8;
    CHECK(msgsnd(queue, &message, 0, 0) == 0);
    memset(&message, 0, sizeof message);
    SHOW(msgrcv(queue, &message, 64, 0, MSG_COPY | IPC_NOWAIT));
    SHOW(message.type);
    CHECK(!strcmp(message.text, "first"));
    SHOW(msgrcv(queue, &message, 64, 1, MSG_COPY | IPC_NOWAIT));
    SHOW(message.type);
    CHECK_ERRNO(msgrcv(queue, &message, 64, 2, MSG_COPY | IPC_NOWAIT), ENOMSG);
    CHECK_ERRNO(msgrcv(queue, &message, 3, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
    SHOW(msgrcv(queue, &message, 3, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
    CHECK_ERRNO(msgrcv(queue, &message, 64, 0, MSG_COPY), EINVAL);
    CHECK_ERRNO(msgrcv(queue, &message, 64, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT), EINVAL);
    struct msqid_ds state;
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    SHOW(state.msg_qnum);
    SHOW(msgrcv(queue, &message, 64, 0, IPC_NOWAIT));
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
}
