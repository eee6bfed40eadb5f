// SPDX-License-Identifier: MIT
// libc: glibc
// timeout: 60
// What travels with messages between sockets: descriptors, who sends; many messages at once; options. unix(7), cmsg(3).
#include "sockets.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/uio.h>

#ifndef SCM_CREDENTIALS
#define SCM_CREDENTIALS 2
#endif

static char control[4096] __attribute__((aligned(8)));
static char byte[64];
static struct iovec part;
static struct msghdr message;

/// A message of `size` bytes with room for control data of so many.
static struct msghdr* prepare(size_t size, size_t room) {
    part = (struct iovec){byte, size};
    message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1, .msg_control = room ? control : NULL, .msg_controllen = room};
    return &message;
}
static ssize_t send_descriptors(int socket, int const* numbers, int count, size_t size) {
    prepare(size, CMSG_SPACE(count * sizeof(int)));
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), numbers, count * sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}
static ssize_t send_one(int socket, int number) {
    byte[0] = 'x';
    return send_descriptors(socket, &number, 1, 1);
}
/// The first descriptor that came with a message, or -1.
static int receive_one(int socket, int flags) {
    if (recvmsg(socket, prepare(sizeof byte, sizeof control), flags) < 0) return -2;
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_level != SOL_SOCKET) return -1;
    return *(int*)CMSG_DATA(header);
}

TEST(a_descriptor_travels) {
    int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}, ends[2];
    for (int i = 0; i < 3; ++i) {
        make(types[i]);
        REQUIRE(pipe(ends) == 0);
        CHECK(send_one(a, ends[0]) == 1);
        close(ends[0]);
        CHECK(write(ends[1], "hello", 5) == 5);          // the reader is on its way
        int got = receive_one(b, 0);
        CHECK(got >= 0 && message.msg_flags == 0 && message.msg_controllen == CMSG_SPACE(sizeof(int)));
        CHECK(fcntl(got, F_GETFD) == 0);
        char text[8];
        CHECK(read(got, text, 8) == 5 && !memcmp(text, "hello", 5));
        close(got);
        CHECK(send_one(a, ends[1]) == 1 && (got = receive_one(b, MSG_CMSG_CLOEXEC)) >= 0);
        CHECK(fcntl(got, F_GETFD) == FD_CLOEXEC && message.msg_flags == MSG_CMSG_CLOEXEC);
        CHECK(recv(b, text, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
        close(a);
        close(b);
        close(got);
        close(ends[1]);
    }
}

TEST(between_processes) {
    make(SOCK_STREAM);
    int file = open("passed", O_RDWR | O_CREAT | O_EXCL, 0600);
    REQUIRE(file >= 0 && unlink("passed") == 0);
    pid_t child = fork();
    if (child == 0) {
        close(a);
        close(file);
        int got = receive_one(b, 0);
        CHECK(got >= 0 && write(got, "from the child", 14) == 14);
        _exit(failures);
    }
    CHECK(send_one(a, file) == 1 && wait_for(child) == 0);
    CHECK(lseek(file, 0, SEEK_CUR) == 14);               // one open file, one position
}

TEST(many_and_none) {
    int numbers[254], in[253];
    struct rlimit limit = {1024, 1024};
    setrlimit(RLIMIT_NOFILE, &limit);
    make(SOCK_SEQPACKET);
    for (int i = 0; i < 254; ++i) numbers[i] = 1;
    CHECK_ERRNO(send_descriptors(a, numbers, 254, 1), EINVAL);
    CHECK(send_descriptors(a, numbers, 253, 1) == 1);
    CHECK(recvmsg(b, prepare(8, sizeof control), 0) == 1);
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    CHECK(header && header->cmsg_len == CMSG_LEN(253 * sizeof(int)));
    memcpy(in, CMSG_DATA(header), sizeof in);
    for (int i = 0; i < 253; ++i) CHECK(close(in[i]) == 0);
    numbers[2] = 999;
    CHECK_ERRNO(send_descriptors(a, numbers, 3, 1), EBADF);
    CHECK(send_descriptors(a, numbers, 0, 1) == 1);
    CHECK(recvmsg(b, prepare(8, sizeof control), 0) == 1 && message.msg_controllen == 0 && message.msg_flags == 0);
    // Two items in one message become one.
    prepare(1, 2 * CMSG_SPACE(sizeof(int)));
    for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        *(int*)CMSG_DATA(header) = 1;
        if ((char*)header > control) break;
    }
    CHECK(sendmsg(a, &message, 0) == 1);
    CHECK(recvmsg(b, prepare(8, sizeof control), 0) == 1);
    SHOW(message.msg_controllen);
}

TEST(too_little_room) {
    int numbers[] = {1, 1, 1}, copy = dup(1);
    close(copy);
    make(SOCK_DGRAM);
    CHECK(send_descriptors(a, numbers, 3, 1) == 1);
    CHECK(recvmsg(b, prepare(8, CMSG_LEN(2 * sizeof(int))), 0) == 1 && message.msg_flags == MSG_CTRUNC);
    SHOW(message.msg_controllen);
    SHOW(CMSG_FIRSTHDR(&message)->cmsg_len);
    int* got = (int*)CMSG_DATA(CMSG_FIRSTHDR(&message));
    CHECK(close(got[0]) == 0 && close(got[1]) == 0);
    CHECK(send_descriptors(a, numbers, 3, 1) == 1);
    CHECK(recvmsg(b, prepare(8, 0), 0) == 1 && message.msg_flags == MSG_CTRUNC && message.msg_controllen == 0);
    CHECK(send_descriptors(a, numbers, 3, 1) == 1);
    CHECK(recvmsg(b, prepare(8, 8), 0) == 1 && message.msg_flags == MSG_CTRUNC);
    SHOW(message.msg_controllen);
    CHECK(send_descriptors(a, numbers, 3, 1) == 1 && read(b, byte, 8) == 1);
    // No number is left: none comes.
    struct rlimit limit = {(rlim_t)b + 2, 1024};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(send_descriptors(a, numbers, 3, 1) == 1);
    CHECK(recvmsg(b, prepare(8, sizeof control), 0) == 1 && message.msg_flags == MSG_CTRUNC);
    SHOW(message.msg_controllen);
    int next = dup(1);
    CHECK(next == -1 || close(next) == 0);
}

TEST(control_errors) {
    make(SOCK_STREAM);
    struct cmsghdr* header = CMSG_FIRSTHDR(prepare(1, CMSG_SPACE(sizeof(int))));
    *header = (struct cmsghdr){.cmsg_len = 8, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    CHECK_ERRNO(sendmsg(a, &message, 0), EINVAL);
    header->cmsg_len = 100;
    CHECK_ERRNO(sendmsg(a, &message, 0), EINVAL);
    header->cmsg_len = CMSG_LEN(sizeof(int));
    header->cmsg_type = 77;
    CHECK_ERRNO(sendmsg(a, &message, 0), EINVAL);
    header->cmsg_type = SCM_CREDENTIALS;
    CHECK_ERRNO(sendmsg(a, &message, 0), EINVAL);
    header->cmsg_level = 12345;
    CHECK(sendmsg(a, &message, 0) == 1);
    message.msg_control = (void*)8;
    CHECK_ERRNO(sendmsg(a, &message, 0), EFAULT);
    CHECK_ERRNO(sendmsg(1, &message, 0), ENOTSOCK);
    message.msg_control = control;
    message.msg_controllen = 8;                          // not even a header: nothing
    CHECK(sendmsg(a, &message, 0) == 1);
    CHECK(read(b, byte, 8) == 2);
}

TEST(streams_stop_at_descriptors) {
    make(SOCK_STREAM);
    CHECK(write(a, "abc", 3) == 3);
    strcpy(byte, "defgh");
    int one = 1;
    CHECK(send_descriptors(a, &one, 1, 5) == 5);
    CHECK(write(a, "ijk", 3) == 3);
    CHECK(recv(b, byte, 2, 0) == 2);
    CHECK(recvmsg(b, prepare(30, sizeof control), MSG_PEEK) == 6 && message.msg_controllen == CMSG_SPACE(sizeof(int)));
    CHECK(close(*(int*)CMSG_DATA(CMSG_FIRSTHDR(&message))) == 0);   // a peek gives a descriptor of its own
    CHECK(recvmsg(b, prepare(3, sizeof control), 0) == 3 && message.msg_controllen == CMSG_SPACE(sizeof(int)));
    CHECK(close(*(int*)CMSG_DATA(CMSG_FIRSTHDR(&message))) == 0);
    CHECK(recvmsg(b, prepare(30, sizeof control), 0) == 6 && message.msg_controllen == 0);
    CHECK(!memcmp(byte, "fghijk", 6));
}

TEST(who_sends) {
    int on = 1;
    struct ucred who;
    make(SOCK_STREAM);
    CHECK(write(a, "early", 5) == 5);
    CHECK(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setgid(222) == 0 && setuid(111) == 0);
        CHECK(write(a, "child", 5) == 5);
        struct cmsghdr* header = CMSG_FIRSTHDR(prepare(1, CMSG_SPACE(sizeof who)));
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof who), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
        struct ucred* says = (struct ucred*)CMSG_DATA(header);
        *says = (struct ucred){getppid(), 111, 222};
        CHECK_ERRNO(sendmsg(a, &message, 0), EPERM);
        *says = (struct ucred){getpid(), 0, 222};
        CHECK_ERRNO(sendmsg(a, &message, 0), EPERM);
        *says = (struct ucred){getpid(), 111, 0};
        CHECK_ERRNO(sendmsg(a, &message, 0), EPERM);
        *says = (struct ucred){getpid(), 111, 222};
        CHECK(sendmsg(a, &message, 0) == 1);
        _exit(failures);
    }
    CHECK(wait_for(child) == 0);
    CHECK(write(a, "parent", 6) == 6);
    ssize_t sizes[] = {5, 6, 6};
    for (int i = 0; i < 3; ++i) {
        ssize_t size = recvmsg(b, prepare(sizeof byte, sizeof control), i == 1 ? MSG_PEEK : 0);
        struct cmsghdr* header = CMSG_FIRSTHDR(&message);
        REQUIRE(size == sizes[i] && header && header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(sizeof who));
        memcpy(&who, CMSG_DATA(header), sizeof who);
        say("%s: uid %u gid %u\n", who.pid == child ? "child" : who.pid == getpid() ? "parent" : who.pid ? "?" : "nobody", who.uid, who.gid);
    }
    CHECK(recvmsg(b, prepare(sizeof byte, CMSG_LEN(4)), 0) == 6 && message.msg_flags == MSG_CTRUNC && message.msg_controllen == CMSG_LEN(4));
    CHECK(write(a, "x", 1) == 1 && recvmsg(b, prepare(8, 0), 0) == 1 && message.msg_flags == MSG_CTRUNC);
    struct cmsghdr* header = CMSG_FIRSTHDR(prepare(1, CMSG_SPACE(sizeof who)));
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof who), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
    *(struct ucred*)CMSG_DATA(header) = (struct ucred){getpid(), 77, 88};
    CHECK(sendmsg(a, &message, 0) == 1);                 // root may say so
    ((struct ucred*)CMSG_DATA(header))->pid = 999999999;
    CHECK_ERRNO(sendmsg(a, &message, 0), ESRCH);
    CHECK(recvmsg(b, prepare(8, sizeof control), 0) == 1);
    memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof who);
    CHECK(who.pid == getpid() && who.uid == 77 && who.gid == 88);
}

TEST(options) {
    int value;
    socklen_t size = sizeof value;
    struct ucred who;
    make(SOCK_STREAM);
    int sizes[] = {1, 5000};
    for (int i = 0; i < 2; ++i) {
        CHECK(setsockopt(a, SOL_SOCKET, SO_SNDBUF, sizes + i, 4) == 0 && getsockopt(a, SOL_SOCKET, SO_SNDBUF, &value, &size) == 0);
        say("SO_SNDBUF %d: %d\n", sizes[i], value);
        CHECK(setsockopt(a, SOL_SOCKET, SO_RCVBUF, sizes + i, 4) == 0 && getsockopt(a, SOL_SOCKET, SO_RCVBUF, &value, &size) == 0);
        say("SO_RCVBUF %d: %d\n", sizes[i], value);
    }
    CHECK(getsockopt(b, SOL_SOCKET, SO_SNDBUF, &value, &size) == 0);
    SHOW(value);
    CHECK(getsockopt(b, SOL_SOCKET, SO_PASSCRED, &value, &size) == 0 && value == 0);
    value = 5;
    CHECK(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &value, 4) == 0 && getsockopt(b, SOL_SOCKET, SO_PASSCRED, &value, &size) == 0 && value == 1);
    size = sizeof who;
    CHECK(getsockopt(b, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && size == 12);
    CHECK(who.pid == getpid() && who.uid == geteuid() && who.gid == getegid());
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_SNDBUF, &value, 3), EINVAL);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_SNDBUF, (void*)8, 4), EFAULT);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
    CHECK_ERRNO(setsockopt(a, SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
    CHECK_ERRNO(setsockopt(1, SOL_SOCKET, SO_SNDBUF, &value, 4), ENOTSOCK);
}

TEST(many_messages_at_once) {
    make(SOCK_SEQPACKET);
    char texts[4][8] = {"a", "bb", "ccc", "dddd"}, in[4][8];
    struct iovec out_parts[4], in_parts[4];
    struct mmsghdr out[4] = {0}, got[4] = {0};
    for (int i = 0; i < 4; ++i) {
        out_parts[i] = (struct iovec){texts[i], i + 1};
        in_parts[i] = (struct iovec){in[i], 8};
        out[i].msg_hdr = (struct msghdr){.msg_iov = out_parts + i, .msg_iovlen = 1};
        got[i].msg_hdr = (struct msghdr){.msg_iov = in_parts + i, .msg_iovlen = 1};
    }
    CHECK(syscall(SYS_sendmmsg, a, out, 3, 0) == 3 && out[0].msg_len == 1 && out[2].msg_len == 3);
    CHECK(syscall(SYS_recvmmsg, b, got, 2, 0, NULL) == 2 && got[1].msg_len == 2 && !memcmp(in[1], "bb", 2));
    CHECK(syscall(SYS_recvmmsg, b, got, 4, MSG_WAITFORONE, NULL) == 1 && got[0].msg_len == 3);
    CHECK_ERRNO(syscall(SYS_recvmmsg, b, got, 4, MSG_DONTWAIT, NULL), EAGAIN);
    out[1].msg_hdr.msg_iov = (void*)8;
    CHECK(syscall(SYS_sendmmsg, a, out, 3, 0) == 1);
    CHECK_ERRNO(syscall(SYS_sendmmsg, a, out + 1, 1, 0), EFAULT);
    CHECK_ERRNO(syscall(SYS_sendmmsg, a, (void*)8, 1, 0), EFAULT);
    CHECK(syscall(SYS_sendmmsg, a, out, 0, 0) == 0);
    long time[2] = {0, 0}, wrong[2] = {0, 1000000000};
    CHECK(syscall(SYS_recvmmsg, b, got, 4, 0, time) == 1);
    CHECK_ERRNO(syscall(SYS_recvmmsg, b, got, 4, 0, wrong), EINVAL);
}

TEST(packets_that_break_send_no_signal) {
    int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    for (int i = 0; i < 2; ++i) {
        make(types[i]);
        close(b);
        CHECK_ERRNO(write(a, "x", 1), i ? EPIPE : ECONNREFUSED);
        CHECK_ERRNO(writev(a, &(struct iovec){byte, 1}, 1), i ? EPIPE : ENOTCONN);
        CHECK_ERRNO(send(a, "x", 1, 0), i ? EPIPE : ENOTCONN);
        make(types[i]);
        CHECK(shutdown(a, SHUT_WR) == 0);
        CHECK_ERRNO(write(a, "x", 1), EPIPE);
        make(types[i]);
        CHECK(shutdown(b, SHUT_RD) == 0);
        CHECK_ERRNO(write(a, "x", 1), EPIPE);
    }
}

TEST(what_was_not_read_resets) {
    int value;
    socklen_t size = sizeof value;
    int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    for (int i = 0; i < 2; ++i)
        for (int way = 0; way < 3; ++way) {
            make(types[i]);
            CHECK(write(a, "unread", 6) == 6 && write(b, "read", 4) == 4);
            close(b);
            struct pollfd entry = {a, POLLIN, 0};
            CHECK(poll(&entry, 1, 0) == 1);
            say("events %#x\n", entry.revents);
            if (way == 0) {
                for (int n = 0; n < 3; ++n) {
                    ssize_t got = read(a, byte, 8);
                    say("read %d%s\n", (int)got, got < 0 && errno == ECONNRESET ? " reset" : "");
                }
            } else if (way == 1) {
                CHECK(getsockopt(a, SOL_SOCKET, SO_ERROR, &value, &size) == 0 && value == ECONNRESET);
                CHECK(read(a, byte, 8) == 4 && read(a, byte, 8) == 0);
            } else {
                for (int n = 0; n < 2; ++n) {
                    ssize_t sent = send(a, byte, 1, MSG_NOSIGNAL);
                    say("send %d%s\n", (int)sent, errno == ECONNRESET ? " reset" : errno == EPIPE ? " pipe" : "");
                }
            }
            close(a);
        }
}

/// A pipe whose reader sees the end as soon as nobody holds the writer.
static int pipe_reader, pipe_writer;
static void make_witness(void) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pipe_reader = ends[0];
    pipe_writer = ends[1];
}
static int is_gone(void) {
    close(pipe_writer);
    for (int i = 0; i < 200; ++i) {                      // Linux looks for circles by and by
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 0;
        close(ends[0]);
        close(ends[1]);
        struct pollfd entry = {pipe_reader, POLLIN, 0};
        if (poll(&entry, 1, 10) == 1) return read(pipe_reader, byte, 1) == 0;
    }
    return 0;
}

TEST(what_is_not_received_is_closed) {
    make(SOCK_STREAM);
    make_witness();
    CHECK(send_one(a, pipe_writer) == 1);
    close(b);
    CHECK(is_gone());
    close(a);
    make(SOCK_DGRAM);
    make_witness();
    CHECK(send_one(a, pipe_writer) == 1 && read(b, byte, 1) == 1);
    CHECK(is_gone());
}

TEST(circles_end) {
    make_witness();
    make(SOCK_DGRAM);                                    // a in its own queue
    CHECK(send_one(b, a) == 1 && send_one(b, pipe_writer) == 1);
    close(b);
    close(a);
    CHECK(is_gone());
    make_witness();
    make(SOCK_STREAM);                                   // each in the other's
    CHECK(send_one(a, a) == 1 && send_one(b, b) == 1 && send_one(b, pipe_writer) == 1);
    close(a);
    close(b);
    CHECK(is_gone());
    make_witness();
    int first, second;
    make(SOCK_SEQPACKET);                                // a larger one, of which something can still be reached for a while
    first = a, second = b;
    make(SOCK_STREAM);
    CHECK(send_one(first, a) == 1 && send_one(a, second) == 1 && send_one(b, first) == 1 && send_one(first, pipe_writer) == 1);
    close(first), close(a), close(b);
    close(pipe_writer);
    struct pollfd entry = {pipe_reader, POLLIN, 0};
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    close(ends[0]), close(ends[1]);
    CHECK(poll(&entry, 1, 50) == 0);
    int got = receive_one(second, 0);
    CHECK(got >= 0);                                     // the socket a, which has the socket second in its peer's queue
    close(got), close(second);
    CHECK(is_gone());
}

TEST(long_chains_end) {
    make_witness();
    int last = pipe_writer;
    for (int i = 0; i < 3000; ++i) {
        make(SOCK_DGRAM);
        if (send_one(a, last) != 1) {
            say("FAIL at %d: errno %d\n", i, errno);
            _exit(1);
        }
        if (i) close(last);
        close(a);
        last = b;
    }
    close(last);
    CHECK(is_gone());
}

enum { HUBS = 3, STORMERS = 4, ROUNDS = 400 };
static int hubs[HUBS][2];

static void one_round(unsigned random) {
    int* hub = hubs[random % HUBS];
    make(random & 8 ? SOCK_DGRAM : SOCK_STREAM);
    fcntl(a, F_SETFL, O_NONBLOCK), fcntl(b, F_SETFL, O_NONBLOCK);
    send_one(a, random & 16 ? b : hub[0]);               // a circle, perhaps
    send_one(b, random & 32 ? a : pipe_writer);
    send_one(hub[random >> 6 & 1], random & 128 ? a : b);
    int got = receive_one(hubs[(random >> 8) % HUBS][random >> 10 & 1], MSG_DONTWAIT);
    if (got >= 0) {
        send_one(got, random & 2048 ? a : hub[1]);
        int inner = receive_one(got, MSG_DONTWAIT);
        if (inner >= 0) close(inner);
        close(got);
    }
    close(a), close(b);
}

TEST(a_storm_of_sockets) {
    make_witness();
    for (int i = 0; i < HUBS; ++i) {
        REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, hubs[i]) == 0);
    }
    pid_t children[STORMERS];
    for (int i = 0; i < STORMERS; ++i)
        if ((children[i] = fork()) == 0) {
            unsigned random = 12345 + 7919 * i;
            for (int round = 0; round < ROUNDS; ++round) {
                random = random * 1664525 + 1013904223;
                one_round(random >> 8);
            }
            _exit(0);
        }
    for (int i = 0; i < STORMERS; ++i) CHECK(wait_for(children[i]) == 0);
    for (int i = 0; i < HUBS; ++i) close(hubs[i][0]), close(hubs[i][1]);
    CHECK(is_gone());
}

TEST(too_many_on_their_way) {
    struct rlimit limit = {20, 20};
    pid_t child = fork();
    if (child == 0) {
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 && setuid(47111) == 0);
        make(SOCK_DGRAM);
        fcntl(a, F_SETFL, O_NONBLOCK);
        int sent = 0;
        while (sent < 100 && send_one(a, 1) == 1) ++sent;
        CHECK(errno == ETOOMANYREFS);
        SHOW(sent);
        CHECK(read(b, byte, 1) == 1 && send_one(a, 1) == 1 && send_one(a, 1) == -1);
        // Circles that nobody reaches do not count for ever.
        for (int i = 0; i < 100; ++i) {
            close(a), close(b);
            make(SOCK_DGRAM);
            for (int n = 0; n < 6; ++n) {
                int tries = 0;
                while (send_one(b, a) != 1 && ++tries < 300) sleep_ms(10);
                if (tries == 300) _exit(3);
            }
        }
        _exit(failures);
    }
    CHECK(wait_for(child) == 0);
}
