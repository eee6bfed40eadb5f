// SPDX-License-Identifier: MIT
// timeout: 30
// Descriptors that are looked at with MSG_PEEK while others look for circles of sockets that nobody reaches: a socket that
// its peeker holds is reached, whatever it closes in between. unix(7).
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>

enum { BALLAST = 400, AT_ONCE = 200 };

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int send_descriptors(int socket, int const* numbers, int count) {
    char byte = 'x', control[CMSG_SPACE(AT_ONCE * sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), numbers, count * sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/// The first descriptor of the next message; -1: it has none; -2: there is no message.
static int receive_descriptor(int socket, int flags) {
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, flags | MSG_DONTWAIT) < 0) return -2;
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    return header && header->cmsg_type == SCM_RIGHTS ? *(int*)CMSG_DATA(header) : -1;
}

/// Sockets that are put under way again and again, so that a search takes its time between those before and behind them.
static int ballast[2 * BALLAST], carrier[2];
static int make_ballast(void) {
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, carrier)) return 0;
    for (int i = 0; i < 2 * BALLAST; i += 2)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ballast + i)) return 0;
    return 1;
}
static int send_ballast(void) {
    char byte;
    while (recv(carrier[1], &byte, 1, MSG_DONTWAIT) >= 0) { }
    for (int sent = 0; sent < 2 * BALLAST; sent += AT_ONCE)
        if (!send_descriptors(carrier[0], ballast + sent, AT_ONCE)) return 0;
    return 1;
}

static volatile int is_over;
static volatile long searches;
static void* end_sockets(void* unused) {                 // each end of a socket starts a search
    int ends[2];
    while (!is_over) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) break;
        close(ends[0]);
        close(ends[1]);
        searches++;
    }
    return unused;
}
static void wait_for_searches(long count) {
    for (long const start = searches; searches - start < count;) sched_yield();
}

/// A reads what was sent to it: B, in whose queue A is. Who holds A looks at B and closes A: now it holds B.
static int one_round(long round, int* held) {
    int a[2], b[2], lost = 0;
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, a) || socketpair(AF_UNIX, SOCK_DGRAM, 0, b)) return -1;
    CHECK(send_descriptors(b[1], &a[0], 1) && send_ballast() && send_descriptors(a[1], &b[0], 1));
    close(b[0]);
    close(b[1]);
    close(a[1]);
    wait_for_searches(1);
    for (volatile long i = round * 7919 % 20000; i > 0; --i) { }
    int const seen = receive_descriptor(a[0], MSG_PEEK);
    close(a[0]);
    if (seen < 0) return 0;
    ++*held;
    wait_for_searches(2);
    int const back = receive_descriptor(seen, 0);
    lost = back < 0;
    if (back >= 0) close(back);
    close(seen);
    return lost;
}

TEST(what_was_peeked_is_reached) {
    int held = 0;
    long lost = 0, rounds = 0;
    REQUIRE(make_ballast());
    pthread_t other;
    REQUIRE(pthread_create(&other, NULL, end_sockets, NULL) == 0);
    for (long const end = milliseconds() + 1500; milliseconds() < end; ++rounds) lost += one_round(rounds, &held);
    is_over = 1;
    pthread_join(other, NULL);
    CHECK(rounds > 0 && held == rounds);
    SHOW(lost);
}

static int shared = -1;
static void* peek_always(void* unused) {
    while (!is_over) {
        int const number = __atomic_load_n(&shared, __ATOMIC_RELAXED);
        if (number < 0) { sched_yield(); continue; }
        int const got = receive_descriptor(number, MSG_PEEK);
        if (got >= 0) close(got);
    }
    return unused;
}

/// Peekers and one who takes, at a queue that others search: no descriptor leads to a file that is gone.
TEST(peekers_and_takers) {
    int ends[2];
    long taken = 0, wrong = 0;
    REQUIRE(make_ballast() && send_ballast() && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) REQUIRE(pthread_create(&threads[i], NULL, i ? peek_always : end_sockets, NULL) == 0);
    shared = ends[1];
    for (long const end = milliseconds() + 800; milliseconds() < end;) {
        if (!send_descriptors(ends[0], ends, 1)) { wrong++; break; }
        int const got = receive_descriptor(ends[1], 0);
        if (got < 0 || fcntl(got, F_GETFD) < 0) wrong++;
        if (got >= 0) close(got);
        taken++;
    }
    is_over = 1;
    for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
    CHECK(taken > 0);
    SHOW(wrong);
}
