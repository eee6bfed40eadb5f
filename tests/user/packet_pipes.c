// SPDX-License-Identifier: MIT
// Pipes are rings of slots: what fits, what is merged, when one may write again; and packets (O_DIRECT). pipe(7), pipe(2),
// fcntl(2).
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>

static int ends[2];
static char bytes[1 << 17];
static void make(int flags) { REQUIRE(pipe2(ends, O_NONBLOCK | flags) == 0); }
static int events(int end, int wanted) {
    struct pollfd entry = {ends[end], wanted, 0};
    poll(&entry, 1, 0);
    return entry.revents;
}
static int there(void) {
    int count = -1;
    ioctl(ends[0], FIONREAD, &count);
    return count;
}
static long take(size_t size) { return read(ends[0], bytes, size); }
static long put(size_t size) { return write(ends[1], bytes, size); }

TEST(what_a_full_pipe_takes) {
    int const sizes[] = {1, 511, 3000, 4095, 4096, 4097, 6000, 8192, 65535, 65536, 65537, 100000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        make(0);
        int writes = 0;
        long total = 0, last = 0, done;
        while ((done = put(sizes[i])) > 0) ++writes, total += done, last = done;
        say("%d: %d writes, %ld in all, the last %ld, then %s, POLLOUT %d, FIONREAD %d\n", sizes[i], writes, total, last,
            errno == EAGAIN ? "EAGAIN" : "another", !!events(1, POLLOUT), there());
        long const once = take(1), out = events(1, POLLOUT);
        long const page = take(4095), out_again = events(1, POLLOUT);
        say("  read %ld: %ld, %ld: %ld, write %ld\n", once, out, page, out_again, put(4096));
        close(ends[0]);
        close(ends[1]);
    }
}

TEST(sizes) {
    make(0);
    int const wanted[] = {0, 1, 4096, 4097, 8192, 65535, 1 << 20, -1};
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; ++i) SHOW(fcntl(ends[1], F_SETPIPE_SZ, wanted[i]));
    SHOW(fcntl(ends[0], F_GETPIPE_SZ));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 65536));
    while (put(3000) > 0) { }
    SHOW(there());
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 65536));       // to what it has, though it is full
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 32768));
    SHOW(take(3000 * 8 - 1));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 32768));       // nine slots
    SHOW(take(1));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 32768));
    SHOW(events(1, POLLOUT));
    SHOW(fcntl(ends[1], F_SETPIPE_SZ, 65536));
    SHOW(events(1, POLLOUT));
    SHOW(take(sizeof bytes));
}

TEST(packets) {
    make(O_DIRECT);
    SHOW(!!(fcntl(ends[0], F_GETFL) & O_DIRECT));
    SHOW(!!(fcntl(ends[1], F_GETFL) & O_DIRECT));
    CHECK(write(ends[1], "first", 5) == 5 && write(ends[1], "second", 6) == 6);
    SHOW(there());
    SHOW(take(100));
    SHOW(take(3));                                   // the rest is lost
    SHOW(take(100));
    SHOW(put(5000));                                 // two packets
    SHOW(take(10000));
    SHOW(take(10000));
    int count = 0;
    while (put(1) == 1) ++count;
    SHOW(count);
    SHOW(events(1, POLLOUT));
    SHOW(take(1));
    SHOW(events(1, POLLOUT));
}

TEST(packets_by_fcntl) {
    make(0);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
    CHECK(put(10) == 10 && put(20) == 20);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK(put(30) == 30 && put(40) == 40);           // not behind a packet, but together
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
    CHECK(put(50) == 50);                            // behind bytes
    for (int i = 0; i < 5; ++i) SHOW(take(1000));
}

TEST(nothing) {
    make(0);
    SHOW(put(0));
    SHOW(take(0));
    CHECK(put(5) == 5);
    SHOW(take(0));
    SHOW(there());
    close(ends[0]);
    SHOW(put(0));
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(put(1), EPIPE);
}

/// A writer that waits goes on as soon as one slot is free; a write of up to a page is never in pieces.
TEST(a_blocked_writer) {
    REQUIRE(pipe(ends) == 0);
    CHECK(put(65536) == 65536);
    pid_t const child = fork();
    if (child == 0) _exit(write(ends[1], bytes, 4096) != 4096);
    sleep_ms(30);
    CHECK(take(4095) == 4095);
    sleep_ms(30);
    SHOW(waitpid(child, NULL, WNOHANG) == 0);
    CHECK(take(1) == 1);
    CHECK(ended_with(wait_for(child), 0));
    SHOW(there());
}
