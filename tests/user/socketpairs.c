// SPDX-License-Identifier: MIT
// socketpair(2): streams, datagrams, sequenced packets.
#include "sockets.h"

#include <poll.h>
#include <sys/uio.h>

static int events(int fd) {
    struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    return poll(&entry, 1, 0) >= 0 ? entry.revents : -1;
}

TEST(a_stream_has_no_boundaries) {
    char buffer[20];
    make(SOCK_STREAM);
    CHECK(write(a, "abc", 3) == 3 && send(a, "defg", 4, 0) == 4);
    CHECK(recv(b, buffer, 5, MSG_PEEK) == 5 && !memcmp(buffer, "abcde", 5));
    CHECK(read(b, buffer, 5) == 5 && !memcmp(buffer, "abcde", 5));
    CHECK(read(b, buffer, 20) == 2 && !memcmp(buffer, "fg", 2));
    CHECK(write(b, "back", 4) == 4 && read(a, buffer, 20) == 4);
    CHECK_ERRNO(recv(a, buffer, 1, MSG_DONTWAIT), EAGAIN);
    CHECK(events(a) == POLLOUT);
    (void)!write(b, "x", 1);
    CHECK(events(a) == (POLLIN | POLLOUT));
    close(b);
    CHECK(read(a, buffer, 20) == 1);
    CHECK(read(a, buffer, 20) == 0);
    CHECK_ERRNO(send(a, "x", 1, MSG_NOSIGNAL), EPIPE);
    SHOW(events(a));
}

TEST_THAT_ENDS_BY(a_broken_stream_sends_sigpipe, SIGPIPE) {
    make(SOCK_STREAM);
    close(b);
    (void)!write(a, "x", 1);
}

TEST(packets_have_boundaries) {
    char buffer[20];
    int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    for (int i = 0; i < 2; ++i) {
        make(types[i]);
        CHECK(write(a, "abc", 3) == 3 && write(a, "", 0) == 0 && write(a, "defg", 4) == 4);
        CHECK(recv(b, buffer, 2, MSG_PEEK) == 2);
        CHECK(recv(b, buffer, 2, MSG_TRUNC) == 3);
        CHECK(read(b, buffer, 20) == 0);
        struct iovec parts[] = {{buffer, 1}, {buffer + 10, 2}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        CHECK(recvmsg(b, &message, 0) == 3 && message.msg_flags == MSG_TRUNC && buffer[0] == 'd' && buffer[11] == 'f');
        CHECK(sendmsg(b, &message, 0) == 3 && read(a, buffer, 20) == 3);
        static char large[1 << 20];
        CHECK_ERRNO(write(a, large, sizeof large), EMSGSIZE);
    }
    close(b);
    CHECK(read(a, buffer, 20) == 0);
    make(SOCK_DGRAM);
    close(b);
    CHECK_ERRNO(send(a, "x", 1, 0), ECONNREFUSED);
}

TEST(shutting_down) {
    char buffer[20];
    make(SOCK_STREAM);
    CHECK(write(a, "last", 4) == 4);
    CHECK(shutdown(a, SHUT_WR) == 0);
    CHECK_ERRNO(send(a, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK(read(b, buffer, 20) == 4 && read(b, buffer, 20) == 0);
    CHECK(events(b) == (POLLIN | POLLOUT | POLLRDHUP));
    CHECK(write(b, "still", 5) == 5 && read(a, buffer, 20) == 5);
    CHECK_ERRNO(shutdown(a, 5), EINVAL);
    CHECK_ERRNO(shutdown(1, SHUT_WR), ENOTSOCK);
}

TEST(options_and_errors) {
    int ends[2], value = 0;
    socklen_t size = sizeof value;
    make(SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK);
    CHECK(fcntl(a, F_GETFD) == FD_CLOEXEC && (fcntl(b, F_GETFL) & O_NONBLOCK));
    CHECK_ERRNO(read(a, &value, 4), EAGAIN);
    CHECK(getsockopt(a, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_SEQPACKET && size == 4);
    CHECK(getsockopt(a, SOL_SOCKET, SO_DOMAIN, &value, &size) == 0 && value == AF_UNIX);
    CHECK(getsockopt(a, SOL_SOCKET, SO_ERROR, &value, &size) == 0 && value == 0);
    CHECK_ERRNO(getsockopt(a, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    CHECK_ERRNO(getsockopt(1, SOL_SOCKET, SO_TYPE, &value, &size), ENOTSOCK);
    CHECK_ERRNO(socketpair(AF_UNIX, 9, 0, ends), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socketpair(99, SOCK_STREAM, 0, ends), EAFNOSUPPORT);
    CHECK_ERRNO(socketpair(0, SOCK_STREAM, 0, ends), EAFNOSUPPORT);
    CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, ends), EOPNOTSUPP);
    CHECK_ERRNO(socketpair(AF_INET, SOCK_DGRAM, 17, ends), EOPNOTSUPP);
    CHECK_ERRNO(socketpair(AF_INET, SOCK_DGRAM, 6, ends), EPROTONOSUPPORT);
    CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 1, ends), EPROTONOSUPPORT);
    CHECK_ERRNO(socketpair(AF_INET, 75, 0, ends), EINVAL);
    CHECK_ERRNO(socketpair(AF_UNIX, 12, 0, ends), EINVAL);
    CHECK_ERRNO(socketpair(AF_UNIX, 4, 0, ends), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 5, ends), EPROTONOSUPPORT);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, (void*)8), EFAULT);
    CHECK_ERRNO(send(77, "x", 1, 0), EBADF);
    struct stat status;
    CHECK(fstat(a, &status) == 0 && S_ISSOCK(status.st_mode));
    CHECK_ERRNO(lseek(a, 0, SEEK_SET), ESPIPE);
}

TEST(much_goes_through) {
    make(SOCK_STREAM);
    static unsigned char block[50021];
    if (fork() == 0) {
        close(b);
        for (int round = 0; round < 40; ++round) {
            memset(block, round, sizeof block);
            for (size_t done = 0; done < sizeof block;) {
                ssize_t wrote = write(a, block + done, sizeof block - done);
                if (wrote <= 0) _exit(1);
                done += wrote;
            }
        }
        _exit(0);
    }
    close(a);
    size_t total = 0;
    ssize_t got;
    int wrong = 0;
    while ((got = read(b, block, 30011)) > 0) {
        for (ssize_t i = 0; i < got; ++i) wrong += block[i] != (total + i) / sizeof block;
        total += got;
    }
    CHECK(got == 0 && total == 40 * sizeof block && wrong == 0);
    int status;
    CHECK(wait(&status) > 0 && status == 0);
}
