// SPDX-License-Identifier: MIT
// timeout: 60
// Two threads sleep for the same; one is woken for what comes and fails. The other is not left asleep: whoever is woken alone
// passes the wake on.
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/socket.h>

static long (*calls[2])(void);
static long answers[2];
static pid_t volatile numbers[2];
static void* run(void* which) {
    long const i = (long)which;
    numbers[i] = syscall(SYS_gettid);
    long const got = calls[i]();
    answers[i] = got < 0 ? -errno : got;
    return NULL;
}
static void nothing(int number) { (void)number; }

/// `first` sleeps before `second`; then `come`. What the second got, or -99: it sleeps on.
static long second_of(long (*first)(void), long (*second)(void), void (*come)(void)) {
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t threads[2];
    calls[0] = first;
    calls[1] = second;
    answers[0] = answers[1] = -99;
    for (long i = 0; i < 2; ++i) {
        REQUIRE(pthread_create(&threads[i], NULL, run, (void*)i) == 0);
        sleep_ms(60);
    }
    come();
    for (int i = 0; i < 100 && answers[1] == -99; ++i) sleep_ms(20);
    return answers[1];
}

static int ends[2];
static char text[16];
static long receive_badly(void) { return recv(ends[1], (void*)8, 5, 0); }
static long receive(void) { return recv(ends[1], text, 5, 0); }
static void send_five(void) { CHECK(write(ends[0], "hello", 5) == 5); }
static void send_two_messages(void) { CHECK(write(ends[0], "hello", 5) == 5 && write(ends[0], "again", 5) == 5); }

TEST(a_stream) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    SHOW(second_of(receive_badly, receive, send_five));
}
TEST(datagrams) {
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    SHOW(second_of(receive_badly, receive, send_two_messages));
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    SHOW(second_of(receive_badly, receive, send_two_messages));
}

static long read_badly(void) { return read(ends[1], (void*)8, 5); }
static long read_well(void) { return read(ends[1], text, 5); }
TEST(a_pipe) {
    int both[2];
    REQUIRE(pipe(both) == 0);
    ends[0] = both[1];
    ends[1] = both[0];
    SHOW(second_of(read_badly, read_well, send_five));
}

static long write_badly(void) { return write(ends[0], (void*)8, 5); }
static long write_well(void) { return write(ends[0], "hello", 5); }
static void drain(void) {
    static char all[65536];
    CHECK(read(ends[1], all, sizeof all) == sizeof all);
}
TEST(a_full_pipe) {
    static char all[65536];
    int both[2];
    REQUIRE(pipe(both) == 0);
    ends[0] = both[1];
    ends[1] = both[0];
    CHECK(write(ends[0], all, sizeof all) == sizeof all);
    SHOW(second_of(write_badly, write_well, drain));
}

static long read_count_badly(void) { return read(ends[0], (void*)8, 8); }
static long read_count(void) {
    uint64_t value;
    return read(ends[0], &value, 8);
}
static void count_two(void) { CHECK(eventfd_write(ends[0], 2) == 0); }
TEST(an_eventfd) {
    ends[0] = eventfd(0, EFD_SEMAPHORE);
    SHOW(second_of(read_count_badly, read_count, count_two));
}

/// One that is woken and gets a signal at the same time; many times, since it is a race.
static void signal_and_send(void) {
    CHECK(write(ends[0], "hello", 5) == 5);
    syscall(SYS_tgkill, getpid(), numbers[0], SIGUSR1);
}
static void both_signal_first(void) {
    syscall(SYS_tgkill, getpid(), numbers[0], SIGUSR1);
    CHECK(write(ends[0], "hello", 5) == 5);
}
static long receive_interruptibly(void) { return recv(ends[1], text, 1, MSG_PEEK); }
TEST(who_is_interrupted_as_it_is_woken) {
    for (int i = 0; i < 6; ++i) {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        CHECK(second_of(receive_interruptibly, receive, i & 1 ? signal_and_send : both_signal_first) == 5);
        close(ends[0]);
        close(ends[1]);
    }
}

static int set;
static long take_two(void) {
    struct sembuf operation = {0, -2, 0};
    return semop(set, &operation, 1);
}
static long take_one(void) {
    struct sembuf operation = {0, -1, 0};
    return semop(set, &operation, 1);
}
static void give_one(void) {
    struct sembuf operation = {0, 1, 0};
    CHECK(semop(set, &operation, 1) == 0);
}
TEST(a_semaphore) {
    REQUIRE((set = semget(IPC_PRIVATE, 1, 0600)) >= 0);
    SHOW(second_of(take_two, take_one, give_one));
    CHECK(semctl(set, 0, IPC_RMID) == 0);
}

static int lock_file;
static long lock_shared(void) {
    int const mine = open("locked", O_RDWR);
    return flock(mine, LOCK_SH);
}
static void unlock(void) { CHECK(flock(lock_file, LOCK_UN) == 0); }
TEST(a_file_lock) {
    REQUIRE((lock_file = open("locked", O_RDWR | O_CREAT, 0600)) >= 0 && flock(lock_file, LOCK_EX) == 0);
    SHOW(second_of(lock_shared, lock_shared, unlock));
    unlink("locked");
}
