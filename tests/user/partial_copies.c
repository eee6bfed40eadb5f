// SPDX-License-Identifier: MIT
// A buffer whose end is a bad page: what was copied in part is no success. Each kind of file says what Linux says, and
// keeps or loses what Linux keeps or loses.
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char* edge;                                   // the first bad byte
static void make_edge(void) {
    char* const pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED && munmap(pages + PAGE, PAGE) == 0);
    edge = pages + PAGE;
}
static char const* strerrorname(int number) {
    switch (number) {
    case EFAULT: return "EFAULT";
    case EAGAIN: return "EAGAIN";
    case EINVAL: return "EINVAL";
    case ENOMSG: return "ENOMSG";
    default: return "another";
    }
}
static void result(char const* what, long value) { say("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerrorname(errno) : ""); }

TEST(messages_of_sockets) {
    make_edge();
    int const types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    char text[100];
    for (int i = 0; i < 3; ++i) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, ends) == 0);
        say("type %d\n", types[i]);
        CHECK(write(ends[0], "twelve bytes", 12) == 12);
        result("peek", recv(ends[1], edge - 5, 100, MSG_PEEK));
        result("recv", recv(ends[1], edge - 5, 100, 0));
        result("next", recv(ends[1], text, 100, 0));
        CHECK(write(ends[0], "twelve bytes", 12) == 12);
        result("truncated, all of it bad", recv(ends[1], edge, 4, MSG_TRUNC));
        result("next", recv(ends[1], text, 100, 0));
        CHECK(write(ends[0], "twelve bytes", 12) == 12);
        struct iovec parts[3] = {{text, 3}, {edge, 4}, {text + 3, 50}};
        result("readv", readv(ends[1], parts, 3));
        result("next", recv(ends[1], text, 100, 0));
        result("send", send(ends[0], edge - 5, 10, 0));
        result("next", recv(ends[1], text, 100, 0));
        result("writev", writev(ends[0], parts, 3));
        result("next", recv(ends[1], text, 100, 0));
        CHECK(write(ends[0], "one", 3) == 3 && write(ends[0], "two", 3) == 3);
        result("the second of two", recv(ends[1], edge - 4, 6, 0));
        result("next", recv(ends[1], text, 100, 0));
        result("next", recv(ends[1], text, 100, 0));
    }
}

TEST(counts) {
    make_edge();
    int const event = eventfd(7, EFD_NONBLOCK);
    uint64_t value = 7;
    result("eventfd", read(event, edge - 4, 8));
    result("next", read(event, &value, 8));
    result("eventfd write", write(event, edge - 4, 8));
    struct iovec halves[2] = {{&value, 4}, {(char*)&value + 4, 4}};
    value = 3;
    result("eventfd writev of halves", writev(event, halves, 2));
    struct iovec wholes[2] = {{&value, 8}, {&value, 8}};
    result("eventfd writev of two", writev(event, wholes, 2));
    result("eventfd readv of halves", readv(event, halves, 2));
    say("value %ld\n", (long)value);
}

TEST(signals_of_a_signalfd) {
    make_edge();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int const file = signalfd(-1, &set, SFD_NONBLOCK);
    char info[256];
    raise(SIGUSR1);
    raise(SIGUSR2);
    result("two, the second bad", read(file, edge - 128, 256));
    result("next", read(file, info, 256));
    raise(SIGUSR1);
    result("half bad", read(file, edge - 64, 128));
    result("next", read(file, info, 256));
    raise(SIGUSR1);
    struct iovec wholes[2] = {{info, 128}, {info + 128, 128}};
    raise(SIGUSR2);
    result("wholes", readv(file, wholes, 2));
}

TEST(bytes_of_pipes) {
    make_edge();
    int ends[2], there;
    char text[9000];
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    result("write over the edge", write(ends[1], edge - 96, 200));
    result("next", read(ends[0], text, sizeof text));
    CHECK(write(ends[1], "ten bytes!", 10) == 10);
    result("behind other bytes", write(ends[1], edge - 96, 200));
    result("two pages, the second bad", write(ends[1], edge - PAGE, 2 * PAGE));
    CHECK(ioctl(ends[0], FIONREAD, &there) == 0);
    result("there", there);
    result("next", read(ends[0], text, sizeof text));
    memset(text, 'x', sizeof text);
    CHECK(write(ends[1], text, 300) == 300);
    result("read over the edge", read(ends[0], edge - 96, 300));
    result("part of it", read(ends[0], edge - 96, 96));
    CHECK(write(ends[1], text, 2 * PAGE) == 2 * PAGE);
    result("a page's worth, then a fault", read(ends[0], edge - 300, PAGE));
    result("rest", read(ends[0], text, sizeof text));
    result("rest", read(ends[0], text, sizeof text));
}

TEST(messages_of_queues) {
    make_edge();
    struct { long type; char text[32]; } message = {1, "some text"};
    int const queue = msgget(IPC_PRIVATE, 0600);
    REQUIRE(queue >= 0);
    CHECK(msgsnd(queue, &message, 16, 0) == 0);
    result("msgrcv", msgrcv(queue, edge - 12, 16, 0, IPC_NOWAIT));
    result("next", msgrcv(queue, &message, 16, 0, IPC_NOWAIT));
    memset(edge - 12, 1, 12);
    result("msgsnd", msgsnd(queue, edge - 12, 16, IPC_NOWAIT));
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
}
