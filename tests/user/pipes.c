// SPDX-License-Identifier: MIT
// Pipes: pipe(7). Atomic writes of PIPE_BUF, end of file, EPIPE and SIGPIPE, EAGAIN, poll.
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>

static void ignore(int signal_number) { signal(signal_number, SIG_IGN); }

TEST(bytes_go_through_in_order) {
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        static unsigned char block[7919];
        unsigned next = 0;
        for (int round = 0; round < 100; ++round) {
            for (unsigned i = 0; i < sizeof block; ++i) block[i] = next++ * 31;
            for (size_t done = 0; done < sizeof block;) {
                ssize_t written = write(ends[1], block + done, sizeof block - done);
                if (written <= 0) _exit(1);
                done += written;
            }
        }
        _exit(0);
    }
    close(ends[1]);
    static unsigned char block[5000];
    unsigned next = 0;
    ssize_t got;
    while ((got = read(ends[0], block, sizeof block)) > 0)
        for (ssize_t i = 0; i < got; ++i)
            if (block[i] != (unsigned char)(next++ * 31)) { CHECK(!"a byte is wrong"); _exit(1); }
    CHECK(got == 0);
    CHECK(next == 7919 * 100);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(writes_up_to_pipe_buf_are_not_mixed) {
    enum { WRITERS = 4, RECORDS = 60, SIZE = PIPE_BUF };
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    for (int w = 0; w < WRITERS; ++w)
        if (fork() == 0) {
            static char record[SIZE];
            memset(record, 'A' + w, SIZE);
            for (int i = 0; i < RECORDS; ++i)
                if (write(ends[1], record, SIZE) != SIZE) _exit(1);
            _exit(0);
        }
    close(ends[1]);
    static char record[SIZE];
    int counts[WRITERS] = {0};
    for (;;) {
        size_t have = 0;
        ssize_t got = 1;
        while (have < SIZE && (got = read(ends[0], record + have, SIZE - have)) > 0) have += got;
        if (have == 0) break;
        REQUIRE(have == SIZE);
        for (int i = 1; i < SIZE; ++i) REQUIRE(record[i] == record[0]);
        REQUIRE(record[0] >= 'A' && record[0] < 'A' + WRITERS);
        counts[record[0] - 'A']++;
    }
    for (int w = 0; w < WRITERS; ++w) {
        CHECK(counts[w] == RECORDS);
        int status;
        CHECK(waitpid(-1, &status, 0) > 0 && ended_with(status, 0));
    }
}

TEST(capacity_is_64_kib_and_then_eagain) {
    int ends[2];
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    static char block[PAGE];
    long total = 0;
    ssize_t written;
    while ((written = write(ends[1], block, sizeof block)) > 0) total += written;
    CHECK(written == -1 && errno == EAGAIN);
    SHOW(total);
    int waiting = 0;
    CHECK(ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == total);
    CHECK_ERRNO(write(ends[1], block, 1), EAGAIN);
    CHECK(read(ends[0], block, sizeof block) == PAGE);
    CHECK(write(ends[1], block, sizeof block) == PAGE);
    while (read(ends[0], block, sizeof block) > 0) { }
    CHECK_ERRNO(read(ends[0], block, 1), EAGAIN);
}

TEST(a_large_nonblocking_write_is_partial) {
    int ends[2];
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    static char block[200000];
    SHOW(write(ends[1], block, sizeof block));
    CHECK_ERRNO(write(ends[1], block, 100), EAGAIN);
    SHOW(read(ends[0], block, 10000));
    CHECK_ERRNO(read(ends[1], block, 1), EBADF);
    CHECK_ERRNO(write(ends[0], block, 1), EBADF);
}

TEST(end_of_file_when_the_last_writer_closes) {
    int ends[2];
    char byte;
    REQUIRE(pipe2(ends, 0) == 0);
    int second = dup(ends[1]);
    CHECK(write(ends[1], "ab", 2) == 2);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'a');
    close(second);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'b');
    CHECK(read(ends[0], &byte, 1) == 0);
    CHECK(read(ends[0], &byte, 1) == 0);
}

TEST_THAT_ENDS_BY(sigpipe, SIGPIPE) {
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    close(ends[0]);
    write(ends[1], "x", 1);
}

TEST(epipe) {
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    close(ends[0]);
    ignore(SIGPIPE);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
    CHECK(write(ends[1], "x", 0) == 0);
}

TEST(a_blocked_writer_gets_epipe) {
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        ignore(SIGPIPE);
        static char block[300000];
        ssize_t first = write(ends[1], block, sizeof block);
        CHECK(first > 0 && first < (ssize_t)sizeof block);
        CHECK_ERRNO(write(ends[1], block, 1), EPIPE);
        _exit(failures != 0);
    }
    close(ends[1]);
    char block[1000];
    CHECK(read(ends[0], block, sizeof block) == 1000);
    close(ends[0]);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(flags) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC && fcntl(ends[1], F_GETFD) == FD_CLOEXEC);
    SHOW(fcntl(ends[0], F_GETFL));
    SHOW(fcntl(ends[1], F_GETFL));
    CHECK(fcntl(ends[0], F_SETFL, 0) == 0);
    SHOW(fcntl(ends[0], F_GETFL));
    CHECK_ERRNO(pipe2(ends, 0x40000000), EINVAL);
    CHECK_ERRNO(pipe2((int*)8, 0), EFAULT);
    CHECK_ERRNO(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    struct stat about;
    CHECK(fstat(ends[0], &about) == 0 && S_ISFIFO(about.st_mode));
    SHOW(about.st_mode);
}

TEST(poll_tells_the_state) {
    int ends[2];
    REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    struct pollfd both[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}};
    SHOW(poll(both, 2, 0));
    SHOW(both[0].revents);
    SHOW(both[1].revents);
    write(ends[1], "x", 1);
    SHOW(poll(both, 2, 0));
    SHOW(both[0].revents);
    static char block[70000];
    write(ends[1], block, sizeof block);
    SHOW(poll(both, 2, 0));
    SHOW(both[1].revents);
    close(ends[1]);
    SHOW(poll(both, 1, -1));
    SHOW(both[0].revents);
    while (read(ends[0], block, sizeof block) > 0) { }
    SHOW(poll(both, 1, -1));
    SHOW(both[0].revents);
    both[0].fd = 999;
    SHOW(poll(both, 1, -1));
    SHOW(both[0].revents);
    both[0].fd = -1;
    SHOW(poll(both, 1, 1));
    int other[2];
    REQUIRE(pipe2(other, 0) == 0);
    close(other[0]);
    struct pollfd widow = {other[1], POLLOUT, 0};
    SHOW(poll(&widow, 1, -1));
    SHOW(widow.revents);
}

TEST(poll_wakes_when_bytes_come) {
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(20);
        write(ends[1], "x", 1);
        _exit(0);
    }
    struct pollfd one = {ends[0], POLLIN, 0};
    CHECK(poll(&one, 1, 20000) == 1 && one.revents == POLLIN);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(a_ring_of_processes) {
    enum { COUNT = 8, LAPS = 50 };
    int ring[COUNT][2];
    for (int i = 0; i < COUNT; ++i) REQUIRE(pipe2(ring[i], 0) == 0);
    for (int i = 1; i < COUNT; ++i)
        if (fork() == 0) {
            int token;
            for (int lap = 0; lap < LAPS; ++lap) {
                if (read(ring[i - 1][0], &token, sizeof token) != sizeof token) _exit(1);
                ++token;
                if (write(ring[i][1], &token, sizeof token) != sizeof token) _exit(1);
            }
            _exit(0);
        }
    int token = 0;
    for (int lap = 0; lap < LAPS; ++lap) {
        REQUIRE(write(ring[0][1], &token, sizeof token) == sizeof token);
        REQUIRE(read(ring[COUNT - 1][0], &token, sizeof token) == sizeof token);
    }
    SHOW(token);
    for (int i = 1; i < COUNT; ++i) CHECK(wait(NULL) > 0);
}

/// A reader that waited for its writer, or met one that waited, is hung up when that one goes (a shell's read builtin polls).
TEST(fifos_hang_up_whoever_came_first) {
    char const* const name = "/tmp/fifo-of-two";
    for (int writer_first = 0; writer_first < 2; ++writer_first) {
        unlink(name);
        REQUIRE(mkfifo(name, 0600) == 0);
        pid_t const child = fork();
        if (child == 0) {
            if (!writer_first) sleep_ms(100);
            int const end = open(name, O_WRONLY);
            write(end, "x", 1);
            sleep_ms(50);
            _exit(end < 0);
        }
        if (writer_first) sleep_ms(100);
        struct pollfd at = {open(name, O_RDONLY), POLLIN, 0};
        char byte;
        CHECK(poll(&at, 1, -1) == 1 && (at.revents & POLLIN) && read(at.fd, &byte, 1) == 1);
        CHECK(ended_with(wait_for(child), 0));
        CHECK(poll(&at, 1, 5000) == 1 && at.revents == POLLHUP);
        close(at.fd);
    }
    struct pollfd alone = {open(name, O_RDONLY | O_NONBLOCK), POLLIN, 0};
    CHECK(poll(&alone, 1, 0) == 0);
    unlink(name);
}
