// SPDX-License-Identifier: MIT
// The flags of calls that make descriptors, send and receive, wait for files and time, each by what it does (flag_effects.h).
#include "flag_effects.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>

static char block[4096];

static void see_closed_on_exec(int fd) { saw("FD_CLOEXEC %d", fcntl(fd, F_GETFD)); }
/// A read of nothing: it waits or does not.
static void see_empty_read(int fd) {
    do_not_wait();
    saw("read %s", result(read(fd, block, 128)));
}

// ---------------------------------------------------------------- new descriptors

EFFECT(dup3, O_CLOEXEC) { see_closed_on_exec(dup3(1, 100, flag)); }
EFFECT(epoll_create1, EPOLL_CLOEXEC) { see_closed_on_exec(epoll_create1(flag)); }
EFFECT(eventfd2, EFD_CLOEXEC) { see_closed_on_exec(syscall(SYS_eventfd2, 0, flag)); }
EFFECT(eventfd2, EFD_NONBLOCK) { see_empty_read(syscall(SYS_eventfd2, 0, flag)); }
EFFECT(eventfd2, EFD_SEMAPHORE) {
    uint64_t value = 0;
    read(syscall(SYS_eventfd2, 3, flag), &value, 8);
    saw("%lu", value);
}
EFFECT(signalfd4, SFD_CLOEXEC) { see_closed_on_exec(syscall(SYS_signalfd4, -1, &(long){4}, 8, flag)); }
EFFECT(signalfd4, SFD_NONBLOCK) { see_empty_read(syscall(SYS_signalfd4, -1, &(long){4}, 8, flag)); }
EFFECT(timerfd_create, TFD_CLOEXEC) { see_closed_on_exec(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, flag)); }
EFFECT(timerfd_create, TFD_NONBLOCK) { see_empty_read(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, flag)); }
EFFECT(timerfd_settime, TFD_TIMER_ABSTIME) {
    struct itimerspec when = {{0, 0}, {0, 0}};
    int fd = syscall(SYS_timerfd_create, CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_REALTIME, &when.it_value);
    syscall(SYS_timerfd_settime, fd, flag, &when, NULL);
    saw("%s", result(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 100)));
}
EFFECT(pipe2, O_CLOEXEC) {
    int ends[2];
    pipe2(ends, flag);
    see_closed_on_exec(ends[0]);
    see_closed_on_exec(ends[1]);
}
EFFECT(pipe2, O_NONBLOCK) {
    int ends[2];
    pipe2(ends, flag);
    see_empty_read(ends[0]);
}
EFFECT(pipe2, O_DIRECT) {
    int ends[2];
    pipe2(ends, flag);
    write(ends[1], "abc", 3);
    write(ends[1], "def", 3);
    saw("read %s", result(read(ends[0], block, 10)));
}
EFFECT(socketpair, SOCK_TYPE_BITS) {
    int ends[2];
    socketpair(AF_UNIX, flag ? SOCK_SEQPACKET : SOCK_STREAM, 0, ends);
    write(ends[1], "abc", 3);
    write(ends[1], "def", 3);
    saw("read %s", result(read(ends[0], block, 10)));
}
EFFECT(socketpair, O_CLOEXEC) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | flag, 0, ends);
    see_closed_on_exec(ends[0]);
    see_closed_on_exec(ends[1]);
}
EFFECT(socketpair, O_NONBLOCK) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | flag, 0, ends);
    see_empty_read(ends[0]);
}
NO_EFFECT(socket, SOCK_TYPE_BITS, "no family has sockets without a pair")
NO_EFFECT(socket, O_CLOEXEC, "no family has sockets without a pair")
NO_EFFECT(socket, O_NONBLOCK, "no family has sockets without a pair")
EFFECT(pidfd_open, O_NONBLOCK) {
    siginfo_t info;
    pid_t child = forked();
    if (child == 0) for (;;) pause();
    int fd = syscall(SYS_pidfd_open, child, flag);
    do_not_wait();
    saw("%s", result(syscall(SYS_waitid, 3 /* P_PIDFD */, fd, &info, WEXITED, NULL)));
}
EFFECT(ioctl, FIOCLEX) {
    int fd = open(".", O_RDONLY);
    if (on) ioctl(fd, flag);
    see_closed_on_exec(fd);
}
EFFECT(ioctl, FIONCLEX) {
    int fd = open(".", O_RDONLY | O_CLOEXEC);
    if (on) ioctl(fd, flag);
    see_closed_on_exec(fd);
}
EFFECT(ioctl, FIONBIO) {
    int ends[2], yes = 1;
    pipe(ends);
    if (on) ioctl(ends[0], flag, &yes);
    see_empty_read(ends[0]);
}
EFFECT(ioctl, FIONREAD) {
    int ends[2], count = -1;
    pipe(ends);
    write(ends[1], "abc", 3);
    if (on) ioctl(ends[0], flag, &count);
    saw("%d", count);
}
EFFECT(close_range, CLOSE_RANGE_CLOEXEC) {
    int fd = dup(1);
    saw("%s", result(syscall(SYS_close_range, fd, fd, flag)));
    saw("FD_CLOEXEC %s", result(fcntl(fd, F_GETFD)));
}
static char range_stack[16384] __attribute__((aligned(16)));
static int shared_fd;
static unsigned long range_flags;
static int close_the_range(void* unused) { return unused || syscall(SYS_close_range, shared_fd, shared_fd, range_flags); }
EFFECT(close_range, CLOSE_RANGE_UNSHARE) {
    shared_fd = dup(1);
    range_flags = flag;
    int status = wait_for(clone(close_the_range, range_stack + sizeof range_stack, CLONE_VM | CLONE_FILES | SIGCHLD, NULL));
    saw("%d, here %s", status, result(fcntl(shared_fd, F_GETFD)));
}

// ---------------------------------------------------------------- sockets

static int pair_ends[2];
static void make_pair(int type) { REQUIRE(socketpair(AF_UNIX, type, 0, pair_ends) == 0); }
/// One message by this call; what the call gives.
static long send_by(char const* call, int fd, void const* bytes, size_t size, int flags) {
    struct iovec vector = {(void*)bytes, size};
    struct mmsghdr entry = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
    if (!strcmp(call, "sendto")) return sendto(fd, bytes, size, flags, NULL, 0);
    if (!strcmp(call, "sendmsg")) return sendmsg(fd, &entry.msg_hdr, flags);
    long const sent = syscall(SYS_sendmmsg, fd, &entry, 1, flags);
    return sent == 1 ? (long)entry.msg_len : sent;
}
static int told_flags;
static char control[256];
static long receive_by(char const* call, int fd, size_t size, int flags) {
    struct iovec vector = {block, size};
    struct mmsghdr entry = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control}};
    memset(block, 0, sizeof block);
    if (!strcmp(call, "recvfrom")) return recvfrom(fd, block, size, flags, NULL, NULL);
    long got = !strcmp(call, "recvmsg") ? recvmsg(fd, &entry.msg_hdr, flags) : syscall(SYS_recvmmsg, fd, &entry, 1, flags, NULL);
    if (got >= 0 && strcmp(call, "recvmsg")) got = entry.msg_len;
    told_flags = entry.msg_hdr.msg_flags;
    return got;
}
SHARED_BODY(see_full_send) {
    make_pair(SOCK_STREAM);
    while (send(pair_ends[0], block, sizeof block, MSG_DONTWAIT) > 0) { }
    do_not_wait();
    saw("%s", result(send_by(call_name, pair_ends[0], block, sizeof block, flag)));
}
SHARED_BODY(see_broken_send) {
    make_pair(SOCK_STREAM);
    close(pair_ends[1]);
    saw("%s", result(send_by(call_name, pair_ends[0], "x", 1, flag)));
}
EFFECT_BY(see_full_send, sendto, MSG_DONTWAIT)
EFFECT_BY(see_full_send, sendmsg, MSG_DONTWAIT)
EFFECT_BY(see_full_send, sendmmsg, MSG_DONTWAIT)
EFFECT_BY(see_broken_send, sendto, MSG_NOSIGNAL)
EFFECT_BY(see_broken_send, sendmsg, MSG_NOSIGNAL)
EFFECT_BY(see_broken_send, sendmmsg, MSG_NOSIGNAL)
NO_EFFECT(sendto, MSG_EOR, "a pair's messages end anyway")
NO_EFFECT(sendmsg, MSG_EOR, "a pair's messages end anyway")
NO_EFFECT(sendmmsg, MSG_EOR, "a pair's messages end anyway")
NO_EFFECT(sendto, MSG_MORE, "a pair has no packets to fill")
NO_EFFECT(sendmsg, MSG_MORE, "a pair has no packets to fill")
NO_EFFECT(sendmmsg, MSG_MORE, "a pair has no packets to fill")

SHARED_BODY(see_peek) {
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; ++type) {
        make_pair(type);
        write(pair_ends[0], "abc", 3);
        write(pair_ends[0], "defg", 4);
        saw("%s", result(receive_by(call_name, pair_ends[1], 3, flag)));
        saw("%s %s", result(receive_by(call_name, pair_ends[1], 10, 0)), block);
    }
}
SHARED_BODY(see_whole_size) {
    make_pair(SOCK_DGRAM);
    write(pair_ends[0], "abcdef", 6);
    long const got = receive_by(call_name, pair_ends[1], 2, flag);
    saw("%s, told %#x", result(got), told_flags);
    make_pair(SOCK_STREAM);
    write(pair_ends[0], "abcdef", 6);
    saw("%s", result(receive_by(call_name, pair_ends[1], 2, flag)));
}
SHARED_BODY(see_empty_receive) {
    make_pair(SOCK_DGRAM);
    do_not_wait();
    saw("%s", result(receive_by(call_name, pair_ends[1], 2, flag)));
}
SHARED_BODY(see_filled) {
    make_pair(SOCK_STREAM);
    write(pair_ends[0], "abc", 3);
    pid_t self = getpid();
    if (fork() == 0) {
        await_state(self, "S");   // it waits for more, or for this one's end
        write(pair_ends[0], "def", 3);
        _exit(0);
    }
    saw("%s", result(receive_by(call_name, pair_ends[1], 6, flag)));
    wait(NULL);
}
static void send_descriptor(void) {
    struct iovec vector = {"d", 1};
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } rights;
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    rights.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&rights.header), &(int){1}, sizeof(int));
    REQUIRE(sendmsg(pair_ends[0], &message, 0) == 1);
}
SHARED_BODY(see_passed) {
    int fd = -1;
    make_pair(SOCK_STREAM);
    send_descriptor();
    saw("%s", result(receive_by(call_name, pair_ends[1], 1, flag)));
    memcpy(&fd, CMSG_DATA((struct cmsghdr*)control), sizeof fd);
    saw("told %#x", told_flags);
    see_closed_on_exec(fd);
}
EFFECT_BY(see_peek, recvfrom, MSG_PEEK)
EFFECT_BY(see_peek, recvmsg, MSG_PEEK)
EFFECT_BY(see_peek, recvmmsg, MSG_PEEK)
EFFECT_BY(see_whole_size, recvfrom, MSG_TRUNC)
EFFECT_BY(see_whole_size, recvmsg, MSG_TRUNC)
EFFECT_BY(see_whole_size, recvmmsg, MSG_TRUNC)
EFFECT_BY(see_empty_receive, recvfrom, MSG_DONTWAIT)
EFFECT_BY(see_empty_receive, recvmsg, MSG_DONTWAIT)
EFFECT_BY(see_empty_receive, recvmmsg, MSG_DONTWAIT)
EFFECT_BY(see_filled, recvfrom, MSG_WAITALL)
EFFECT_BY(see_filled, recvmsg, MSG_WAITALL)
EFFECT_BY(see_filled, recvmmsg, MSG_WAITALL)
EFFECT_BY(see_passed, recvmsg, MSG_CMSG_CLOEXEC)
EFFECT_BY(see_passed, recvmmsg, MSG_CMSG_CLOEXEC)
EFFECT(recvmsg, MSG_CTRUNC) {
    struct iovec vector = {block, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = on ? 8 : sizeof control};
    make_pair(SOCK_STREAM);
    send_descriptor();
    recvmsg(pair_ends[1], &message, 0);
    saw("told %#x", message.msg_flags);
}
EFFECT(recvmmsg, MSG_WAITFORONE) {
    struct iovec vector = {block, 1};
    struct mmsghdr entries[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}};
    make_pair(SOCK_DGRAM);
    write(pair_ends[0], "a", 1);
    pid_t self = getpid();
    if (fork() == 0) {
        await_state(self, "S");
        write(pair_ends[0], "b", 1);
        _exit(0);
    }
    saw("%s", result(syscall(SYS_recvmmsg, pair_ends[1], entries, 2, flag, NULL)));
    wait(NULL);
}
SHARED_BODY(see_shut) {
    make_pair(SOCK_STREAM);
    if (on) shutdown(pair_ends[0], flag);
    do_not_wait();
    saw("its read %s", result(recv(pair_ends[0], block, 1, MSG_DONTWAIT)));
    saw("its write %s", result(send(pair_ends[0], "x", 1, MSG_NOSIGNAL)));
    saw("the other's read %s", result(recv(pair_ends[1], block, 1, MSG_DONTWAIT)));
    saw("write %s", result(send(pair_ends[1], "x", 1, MSG_NOSIGNAL)));
}
EFFECT(shutdown, SHUT_RD) {
    if (on) see_shut(call_name, flag, on);
    else saw("open");
}
EFFECT_BY(see_shut, shutdown, SHUT_WR)
EFFECT_BY(see_shut, shutdown, SHUT_RDWR)
EFFECT(setsockopt, SO_PASSCRED) {
    int yes = 1;
    make_pair(SOCK_DGRAM);
    if (on) setsockopt(pair_ends[1], SOL_SOCKET, flag, &yes, sizeof yes);
    write(pair_ends[0], "a", 1);
    memset(control, 0, sizeof control);
    receive_by("recvmsg", pair_ends[1], 1, 0);
    struct cmsghdr* header = (struct cmsghdr*)control;
    saw("type %d, %s", header->cmsg_type, !memcmp(CMSG_DATA(header), &(int){getpid()}, sizeof(int)) ? "this process" : "nobody");
}
SHARED_BODY(see_buffer) {
    int size = 0, wanted = 9000;
    socklen_t length = sizeof size;
    make_pair(SOCK_DGRAM);
    if (on) setsockopt(pair_ends[0], SOL_SOCKET, flag, &wanted, sizeof wanted);
    if (on) getsockopt(pair_ends[0], SOL_SOCKET, flag, &size, &length);
    int count = 0;
    while (send(pair_ends[0], block, 1000, MSG_DONTWAIT) > 0) ++count;
    saw("size %d, %s sent", size, count < 10 ? "few" : "many");
}
EFFECT_BY(see_buffer, setsockopt, SO_SNDBUF)
EFFECT_BY(see_buffer, setsockopt, SO_RCVBUF)
SHARED_BODY(see_option) {
    int values[3] = {-1, -1, -1};
    socklen_t length = sizeof values;
    make_pair(SOCK_SEQPACKET);
    if (on) saw("%s", result(getsockopt(pair_ends[0], SOL_SOCKET, flag, values, &length)));
    if (values[0] == getpid()) values[0] = 1000000;
    saw("%d %d %d of %d", values[0], values[1], values[2], (int)length);
}
EFFECT_BY(see_option, getsockopt, SO_TYPE)
EFFECT_BY(see_option, getsockopt, SO_DOMAIN)
EFFECT_BY(see_option, getsockopt, SO_PROTOCOL)
EFFECT_BY(see_option, getsockopt, SO_ACCEPTCONN)
EFFECT_BY(see_option, getsockopt, SO_PASSCRED)
EFFECT_BY(see_option, getsockopt, SO_PEERCRED)
EFFECT_BY(see_option, getsockopt, SO_SNDBUF)
EFFECT_BY(see_option, getsockopt, SO_RCVBUF)
EFFECT(getsockopt, SO_ERROR) {
    int error = 0;
    socklen_t length = sizeof error;
    make_pair(SOCK_STREAM);
    write(pair_ends[0], "x", 1);
    close(pair_ends[1]);
    if (on) getsockopt(pair_ends[0], SOL_SOCKET, flag, &error, &length);
    errno = error ? error : errno;
    saw("%s", error ? result(-1) : "none");
    saw("read %s", result(read(pair_ends[0], block, 1)));
}

// ---------------------------------------------------------------- poll, epoll

static int watched;
/// A file with this event: of a pair, of a pipe, of a terminal's master.
static void make_event(unsigned long event) {
    int ends[2], unlocked = 0, packets = 1;
    if (event == POLLPRI) {
        watched = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        ioctl(watched, TIOCSPTLCK, &unlocked);
        ioctl(watched, TIOCPKT, &packets);
        char name[32];
        int number = -1;
        ioctl(watched, TIOCGPTN, &number);
        snprintf(name, sizeof name, "/dev/pts/%d", number);
        tcflush(open(name, O_RDWR | O_NOCTTY), TCIFLUSH);
        return;
    }
    make_pair(SOCK_STREAM);
    watched = pair_ends[0];
    write(pair_ends[1], "x", 1);
    if (event == POLLRDHUP) shutdown(pair_ends[1], SHUT_WR);
    if (event == POLLERR) {
        pipe(ends);
        close(ends[0]);
        watched = ends[1];
    }
    if (event == POLLHUP) {
        pipe(ends);
        close(ends[1]);
        watched = ends[0];
    }
}
static void see_revents(struct pollfd entry) {
    int const count = poll(&entry, 1, 0);
    saw("%d: %#x", count, entry.revents);
}
SHARED_BODY(see_poll) {
    make_event(flag ? flag : POLLIN);
    struct pollfd entry = {watched, flag, 0};
    see_revents(entry);
}
EFFECT_BY(see_poll, poll, POLLIN)
EFFECT_BY(see_poll, poll, POLLPRI)
EFFECT_BY(see_poll, poll, POLLOUT)
EFFECT_BY(see_poll, poll, POLLRDNORM)
EFFECT_BY(see_poll, poll, POLLWRNORM)
EFFECT_BY(see_poll, poll, POLLWRBAND)
EFFECT_BY(see_poll, poll, POLLRDHUP)
EFFECT(poll, POLLERR) {   // told though not asked for
    make_event(on ? flag : POLLOUT);
    struct pollfd entry = {watched, 0, 0};
    see_revents(entry);
}
EFFECT(poll, POLLHUP) {
    make_event(on ? flag : POLLOUT);
    struct pollfd entry = {watched, 0, 0};
    see_revents(entry);
}
EFFECT(poll, POLLNVAL) {
    struct pollfd entry = {on ? 1000 : 1, 0, 0};
    see_revents(entry);
}
static int poller;
static long look(unsigned* events) {
    struct epoll_event event = {.events = 0};
    long const got = epoll_wait(poller, &event, 1, 0);
    *events = event.events;
    return got;
}
static void see_look(void) {
    unsigned events;
    long const got = look(&events);
    saw("%s: %#x", result(got), events);
}
SHARED_BODY(see_epoll) {
    make_event(flag ? flag : POLLIN);
    poller = epoll_create1(0);
    saw("%s", result(epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){.events = flag})));
    see_look();
}
EFFECT_BY(see_epoll, epoll_ctl, EPOLLIN)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLPRI)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLOUT)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLRDNORM)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLWRNORM)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLWRBAND)
EFFECT_BY(see_epoll, epoll_ctl, EPOLLRDHUP)
SHARED_BODY(see_epoll_always) {
    make_event(on ? flag : POLLIN);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){.events = 0});
    see_look();
}
EFFECT_BY(see_epoll_always, epoll_ctl, EPOLLERR)
EFFECT_BY(see_epoll_always, epoll_ctl, EPOLLHUP)
SHARED_BODY(see_epoll_kind) {
    make_event(POLLIN);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){.events = EPOLLIN | flag});
    see_look();
    see_look();
    write(pair_ends[1], "x", 1);
    see_look();
    saw("again %s", result(epoll_ctl(poller, EPOLL_CTL_MOD, watched, &(struct epoll_event){.events = EPOLLIN | flag})));
    see_look();
}
EFFECT_BY(see_epoll_kind, epoll_ctl, EPOLLONESHOT)
EFFECT_BY(see_epoll_kind, epoll_ctl, EPOLLET)
/// Of two who wait, each by an epoll of its own, one is woken.
EFFECT(epoll_ctl, EPOLLEXCLUSIVE) {
    int count = eventfd(0, 0), woken = 0;
    pid_t children[2];
    for (int i = 0; i < 2; ++i) {
        children[i] = forked();
        if (children[i] == 0) {
            struct epoll_event event;
            poller = epoll_create1(0);
            epoll_ctl(poller, EPOLL_CTL_ADD, count, &(struct epoll_event){.events = EPOLLIN | EPOLLET | flag});
            _exit(epoll_wait(poller, &event, 1, 400) == 1);
        }
    }
    for (int i = 0; i < 2; ++i) await_state(children[i], "S");
    write(count, &(uint64_t){1}, 8);
    for (int i = 0; i < 2; ++i) woken += ended_with(wait_for(children[i]), 1);
    saw("%d woken", woken);
}
NO_EFFECT(epoll_ctl, EPOLLWAKEUP, "the machine never sleeps")
EFFECT(epoll_ctl, EPOLL_CTL_ADD) {
    make_event(POLLIN);
    poller = epoll_create1(0);
    if (on) epoll_ctl(poller, flag, watched, &(struct epoll_event){.events = EPOLLIN});
    see_look();
}
EFFECT(epoll_ctl, EPOLL_CTL_MOD) {
    make_event(POLLIN);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){.events = EPOLLIN});
    if (on) epoll_ctl(poller, flag, watched, &(struct epoll_event){.events = EPOLLOUT});
    see_look();
}
EFFECT(epoll_ctl, EPOLL_CTL_DEL) {
    make_event(POLLIN);
    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){.events = EPOLLIN});
    if (on) epoll_ctl(poller, flag, watched, NULL);
    see_look();
}

// ---------------------------------------------------------------- message queues, random numbers

struct attributes { long flags, most, size, count, unused[4]; };
static char const queue_name[] = "aubrac_flag_effects";
static long open_queue(int flags) {
    struct attributes few = {.most = 1, .size = 8};
    return syscall(SYS_mq_open, queue_name, flags, 0600, &few);
}
static void see_queue(long fd) {
    saw("send %s", result(syscall(SYS_mq_timedsend, fd, "a", 1, 0, NULL)));
    saw("receive %s", result(syscall(SYS_mq_timedreceive, fd, block, 8, NULL, NULL)));
}
EFFECT(mq_open, O_CREAT) {
    saw("%s", open_queue(O_RDWR | flag) < 0 ? result(-1) : "opened");
    syscall(SYS_mq_unlink, queue_name);
}
EFFECT(mq_open, O_EXCL) {
    open_queue(O_RDWR | O_CREAT);
    saw("%s", open_queue(O_RDWR | O_CREAT | flag) < 0 ? result(-1) : "opened");
    syscall(SYS_mq_unlink, queue_name);
}
SHARED_BODY(see_queue_rights) {
    open_queue(O_RDWR | O_CREAT);
    see_queue(open_queue((int)flag | O_NONBLOCK));
    syscall(SYS_mq_unlink, queue_name);
}
EFFECT_BY(see_queue_rights, mq_open, O_WRONLY)
EFFECT_BY(see_queue_rights, mq_open, O_RDWR)
EFFECT(mq_open, O_NONBLOCK) {
    long fd = open_queue(O_RDWR | O_CREAT | flag);
    syscall(SYS_mq_unlink, queue_name);
    do_not_wait();
    saw("receive %s", result(syscall(SYS_mq_timedreceive, fd, block, 8, NULL, NULL)));
}
NO_EFFECT(mq_open, O_CLOEXEC, "a queue is closed on exec anyway")
EFFECT(mq_getsetattr, O_NONBLOCK) {
    struct attributes wanted = {.flags = flag}, now;
    long fd = open_queue(O_RDWR | O_CREAT);
    syscall(SYS_mq_unlink, queue_name);
    if (on) saw("%s", result(syscall(SYS_mq_getsetattr, fd, &wanted, NULL)));
    syscall(SYS_mq_getsetattr, fd, NULL, &now);
    saw("flags %lo", now.flags);
    do_not_wait();
    saw("receive %s", result(syscall(SYS_mq_timedreceive, fd, block, 8, NULL, NULL)));
}
NO_EFFECT(getrandom, GRND_NONBLOCK, "the generator is ready before the first program")
EFFECT(getrandom, GRND_RANDOM) { saw("%s", result(syscall(SYS_getrandom, block, 4, GRND_INSECURE | flag))); }   // alone it is the same
EFFECT(getrandom, GRND_INSECURE) { saw("%s", result(syscall(SYS_getrandom, block, 4, GRND_RANDOM | flag))); }
