// SPDX-License-Identifier: MIT
// where: guest
// What a user may make the kernel hold, by effect: the limits of setrlimit(2) that count by user, and those of pipes. Each test
// takes a user number that nobody else has, so that nothing is counted for it before.
#include "test.h"

#include <mqueue.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SOMEBODY = 47200 };   // … and the numbers behind it

static int limit(int which, rlim_t soft, rlim_t hard) {
    struct rlimit wanted = {soft, hard};
    return setrlimit(which, &wanted);
}

static void become(int user) { REQUIRE(setgid(user) == 0 && setuid(user) == 0); }

static void* nap(void* nothing) {
    for (;;) pause();
    return nothing;
}

static pthread_attr_t small_stack(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32768);
    return attributes;
}

/// Threads until one is refused, `most` at most; errno is why.
static int make_threads(int most) {
    pthread_attr_t const attributes = small_stack();
    int count = 0;
    errno = 0;
    while (count < most) {
        pthread_t thread;
        int const error = pthread_create(&thread, &attributes, nap, NULL);
        if (error) {
            errno = error;
            break;
        }
        ++count;
    }
    return count;
}

/// Children that live until the parent's end of the pipe is closed.
static int make_children(int most, int const ends[2]) {
    int count = 0;
    errno = 0;
    while (count < most) {
        pid_t const child = fork();
        if (child == 0) {
            char byte;
            close(ends[1]);
            (void)read(ends[0], &byte, 1);
            _exit(0);
        }
        if (child < 0) break;
        ++count;
    }
    return count;
}

static void end_children(int count, int const ends[2]) {
    int error = errno;
    close(ends[1]);
    while (count-- > 0) CHECK(wait(NULL) > 0);
    close(ends[0]);
    errno = error;
}

// ---------------------------------------------------------------- RLIMIT_NPROC

TEST(threads_count_as_processes_do) {
    become(SOMEBODY + 1);
    REQUIRE(limit(RLIMIT_NPROC, 20, 20) == 0);
    SHOW(make_threads(100));
    CHECK(errno == EAGAIN);
    CHECK_ERRNO(fork(), EAGAIN);
}

TEST(processes_and_threads_together) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    become(SOMEBODY + 2);
    REQUIRE(limit(RLIMIT_NPROC, 10, 10) == 0);
    int const children = make_children(5, ends);
    SHOW(children);
    SHOW(make_threads(100));
    CHECK(errno == EAGAIN);
    end_children(children, ends);
    SHOW(make_threads(100));
}

TEST(a_zombie_counts_until_it_is_waited_for) {
    become(SOMEBODY + 3);
    REQUIRE(limit(RLIMIT_NPROC, 2, 2) == 0);
    pid_t const child = fork();
    if (child == 0) _exit(0);
    REQUIRE(child > 0);
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    CHECK_ERRNO(fork(), EAGAIN);
    CHECK(ended_with(wait_for(child), 0));
    pid_t const next = fork();
    if (next == 0) _exit(3);
    CHECK(next > 0 && ended_with(wait_for(next), 3));
}

static void* end_at_once(void* nothing) { return nothing; }

TEST(ended_threads_give_their_places_back) {
    become(SOMEBODY + 4);
    REQUIRE(limit(RLIMIT_NPROC, 3, 3) == 0);
    int bad = 0;
    for (int i = 0; i < 200; ++i) {
        pthread_attr_t const attributes = small_stack();
        pthread_t thread;
        int error, tries = 0;
        // pthread_join returns a moment before the thread is gone.
        while ((error = pthread_create(&thread, &attributes, end_at_once, NULL)) == EAGAIN && ++tries < 2000) sched_yield();
        if (error) ++bad;
        else pthread_join(thread, NULL);
    }
    SHOW(bad);
}

TEST(root_and_the_privileged_are_not_held) {
    int ends[2];
    REQUIRE(pipe(ends) == 0 && limit(RLIMIT_NPROC, 0, 0) == 0);
    int const children = make_children(3, ends);
    SHOW(children);
    SHOW(make_threads(3));
    end_children(children, ends);
    // A set-user-ID program of root's in the hands of a user.
    REQUIRE(setresuid(SOMEBODY + 5, 0, 0) == 0);
    REQUIRE(pipe(ends) == 0);
    int const more = make_children(3, ends);
    SHOW(more);
    end_children(more, ends);
    // … that drops its rights.
    REQUIRE(setresuid(SOMEBODY + 5, SOMEBODY + 5, SOMEBODY + 5) == 0);
    CHECK_ERRNO(fork(), EAGAIN);
}

TEST(root_as_effective_user_alone_is_another_matter) {
    REQUIRE(limit(RLIMIT_NPROC, 0, 0) == 0 && setresuid(0, SOMEBODY + 6, 0) == 0);
    pid_t const child = fork();   // the real user is root
    if (child == 0) _exit(0);
    CHECK(child > 0 && ended_with(wait_for(child), 0));
}

TEST(a_process_is_its_new_users_after_setuid) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    int const children = make_children(0, ends);
    CHECK(children == 0);
    pid_t helpers[4];
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    for (int i = 0; i < 4; ++i) {
        helpers[i] = fork();
        if (helpers[i]) continue;
        char byte;
        close(ends[1]);
        become(SOMEBODY + 7);
        (void)write(ready[1], "x", 1);
        (void)read(ends[0], &byte, 1);
        _exit(0);
    }
    char byte;
    for (int i = 0; i < 4; ++i) REQUIRE(read(ready[0], &byte, 1) == 1);
    pid_t const user = fork();
    if (user == 0) {
        become(SOMEBODY + 7);
        REQUIRE(limit(RLIMIT_NPROC, 6, 6) == 0);   // four and itself
        SHOW(make_threads(9));
        CHECK(errno == EAGAIN);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(user), 0));
    // Root's processes that became the user's are no longer root's, and the user's are gone with them.
    close(ends[1]);
    for (int i = 0; i < 4; ++i) CHECK(ended_with(wait_for(helpers[i]), 0));
    become(SOMEBODY + 7);
    REQUIRE(limit(RLIMIT_NPROC, 6, 6) == 0);
    SHOW(make_threads(9));
}

/// Linux lets setuid pass where the new user has too many, and refuses the program that comes next.
TEST(exec_of_a_user_with_too_many) {
    int ends[2], ready[2];
    REQUIRE(pipe(ends) == 0 && pipe(ready) == 0);
    pid_t const other = fork();
    if (other == 0) {
        char byte;
        close(ends[1]);
        become(SOMEBODY + 8);
        (void)write(ready[1], "x", 1);
        (void)read(ends[0], &byte, 1);
        _exit(0);
    }
    char byte;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    pid_t const child = fork();
    if (child == 0) {
        char* const arguments[] = {"none", NULL};
        REQUIRE(limit(RLIMIT_NPROC, 0, RLIM_INFINITY) == 0);
        become(SOMEBODY + 8);
        CHECK_ERRNO(execv("/nowhere/none", arguments), EAGAIN);
        CHECK_ERRNO(execv("/nowhere/none", arguments), EAGAIN);
        REQUIRE(limit(RLIMIT_NPROC, 2, RLIM_INFINITY) == 0);
        CHECK_ERRNO(execv("/nowhere/none", arguments), ENOENT);
        REQUIRE(limit(RLIMIT_NPROC, 1, RLIM_INFINITY) == 0);
        CHECK_ERRNO(execv("/nowhere/none", arguments), ENOENT);   // it was let in once
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    close(ends[1]);
    CHECK(ended_with(wait_for(other), 0));
}

// ---------------------------------------------------------------- RLIMIT_SIGPENDING

static int queue_signals(pid_t target, int most) {
    int count = 0;
    union sigval const value = {.sival_int = 1};
    errno = 0;
    while (count < most && sigqueue(target, SIGRTMIN, value) == 0) ++count;
    return count;
}

static void block_realtime(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

TEST(queued_signals_are_of_one_user) {
    int ready[2];
    block_realtime();
    REQUIRE(limit(RLIMIT_SIGPENDING, 10, 10) == 0 && pipe(ready) == 0);
    pid_t const one = fork();
    if (one == 0) {
        become(SOMEBODY + 9);
        (void)write(ready[1], "x", 1);
        nap(NULL);
    }
    // Users whose numbers are alike in their lower bits have nothing to do with each other.
    pid_t const far = fork();
    if (far == 0) {
        become(SOMEBODY + 9 + 1024 * 256);
        (void)write(ready[1], "x", 1);
        nap(NULL);
    }
    pid_t const same = fork();
    if (same == 0) {
        become(SOMEBODY + 9);
        (void)write(ready[1], "x", 1);
        nap(NULL);
    }
    char byte;
    for (int i = 0; i < 3; ++i) REQUIRE(read(ready[0], &byte, 1) == 1);
    SHOW(queue_signals(one, 6));
    SHOW(queue_signals(same, 100));
    CHECK(errno == EAGAIN);
    SHOW(queue_signals(far, 100));
    for (pid_t const* each = (pid_t const[]){one, far, same, 0}; *each; ++each) {
        kill(*each, SIGKILL);
        CHECK(killed_by(wait_for(*each), SIGKILL));
    }
    pid_t const later = fork();
    if (later == 0) {
        become(SOMEBODY + 9);
        (void)write(ready[1], "x", 1);
        nap(NULL);
    }
    REQUIRE(read(ready[0], &byte, 1) == 1);
    SHOW(queue_signals(later, 100));
    kill(later, SIGKILL);
    wait_for(later);
}

// ---------------------------------------------------------------- RLIMIT_MSGQUEUE

TEST(queues_count_for_who_made_them) {
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 1024};
    REQUIRE(limit(RLIMIT_MSGQUEUE, 3 * 10 * (1024 + 96), RLIM_INFINITY) == 0);
    become(SOMEBODY + 10);
    char name[4][40];
    mqd_t queues[4];
    int made = 0;
    for (; made < 4; ++made) {
        snprintf(name[made], sizeof name[made], "/limits_%d_%d", (int)getpid(), made);
        queues[made] = mq_open(name[made], O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
        if (queues[made] == (mqd_t)-1) break;
    }
    CHECK(errno == EMFILE);
    SHOW(made);
    mq_close(queues[0]);
    mq_unlink(name[0]);
    mqd_t const again = mq_open(name[3], O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    CHECK(again != (mqd_t)-1);
    for (int i = 1; i < 4; ++i) mq_unlink(name[i]);
}

// ---------------------------------------------------------------- pipes

static int capacity(int const ends[2]) { return fcntl(ends[0], F_GETPIPE_SZ); }

/// Pipes of 1 MiB until one cannot grow.
static int fill_pipe_pages(int (*pipes)[2], int most) {
    int count = 0;
    for (; count < most; ++count) {
        if (pipe(pipes[count]) != 0) break;
        if (fcntl(pipes[count][1], F_SETPIPE_SZ, 1 << 20) != 1 << 20) break;
    }
    return count;
}

TEST(pipes_of_a_user_have_16384_pages) {
    int pipes[80][2], small[2];
    REQUIRE(limit(RLIMIT_NOFILE, 4096, 4096) == 0);
    pid_t const child = fork();
    if (child == 0) {
        become(SOMEBODY + 11);
        int const count = fill_pipe_pages(pipes, 80);
        SHOW(count);
        CHECK(errno == EPERM);
        SHOW(capacity(pipes[count]));
        // Beyond the limit there are pipes of two pages, which cannot grow.
        REQUIRE(pipe(small) == 0);
        SHOW(capacity(small));
        CHECK_ERRNO(fcntl(small[0], F_SETPIPE_SZ, 65536), EPERM);
        SHOW(fcntl(small[0], F_SETPIPE_SZ, 4096));
        char block[4096] = "";
        SHOW(write(small[1], block, sizeof block));
        // Another user has its own.
        // What is closed, is free again.
        close(pipes[0][0]);
        close(pipes[0][1]);
        SHOW(fcntl(small[0], F_SETPIPE_SZ, 65536));
        // What shrinks, too.
        SHOW(fcntl(pipes[1][0], F_SETPIPE_SZ, 65536));
        CHECK(fcntl(pipes[count][0], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(child), 0));
    pid_t const again = fork();
    if (again == 0) {
        become(SOMEBODY + 11);
        int const count = fill_pipe_pages(pipes, 70);
        SHOW(count);
        _exit(failures != 0);
    }
    CHECK(ended_with(wait_for(again), 0));
}

TEST(root_may_have_more_pipe_pages) {
    int pipes[70][2];
    int const count = fill_pipe_pages(pipes, 70);
    SHOW(count);
    SHOW(fcntl(pipes[0][0], F_SETPIPE_SZ, 2 << 20));
    // Who may is the one who asks, not the one who opened.
    become(SOMEBODY + 12);
    CHECK_ERRNO(fcntl(pipes[0][0], F_SETPIPE_SZ, 4 << 20), EPERM);
    SHOW(fcntl(pipes[0][0], F_SETPIPE_SZ, 0));
    CHECK_ERRNO(fcntl(pipes[0][0], F_SETPIPE_SZ, 1 << 20), EPERM);   // root has too many pages now, and this one does not
    int own[2];
    REQUIRE(pipe(own) == 0);
    SHOW(fcntl(own[0], F_SETPIPE_SZ, 1 << 20));
    CHECK_ERRNO(fcntl(own[0], F_SETPIPE_SZ, 2 << 20), EPERM);
    CHECK_ERRNO(fcntl(own[0], F_SETPIPE_SZ, 0x80000001u), EINVAL);
}

TEST(a_fifo_counts_while_it_is_open) {
    enum { FIFOS = 30 };
    char name[FIFOS][40];
    int files[FIFOS];
    REQUIRE(chmod(".", 01777) == 0);
    become(SOMEBODY + 13);
    for (int i = 0; i < FIFOS; ++i) {
        snprintf(name[i], sizeof name[i], "limit_fifo_%d", i);
        REQUIRE(mkfifo(name[i], 0600) == 0);
    }
    for (int round = 0; round < 4; ++round) {
        int grown = 0;
        for (int i = 0; i < FIFOS; ++i) {
            files[i] = open(name[i], O_RDWR);
            REQUIRE(files[i] >= 0);
            if (round == 1) CHECK(fcntl(files[i], F_GETPIPE_SZ) == 65536);   // as new
            grown += fcntl(files[i], F_SETPIPE_SZ, 1 << 20) == 1 << 20;
        }
        CHECK(grown == FIFOS);
        for (int i = 0; i < FIFOS; ++i) close(files[i]);
    }
    for (int i = 0; i < FIFOS; ++i) unlink(name[i]);
}

// ---------------------------------------------------------------- descriptors under way

static int send_descriptor(int socket, int file) {
    char byte = 0;
    struct iovec part = {&byte, 1};
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    return (int)sendmsg(socket, &message, MSG_DONTWAIT);
}

TEST(descriptors_under_way_count_for_their_sender) {
    int pairs[12][2];
    become(SOMEBODY + 14);
    for (int i = 0; i < 12; ++i) REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
    REQUIRE(limit(RLIMIT_NOFILE, 40, 40) == 0);
    int sent = 0, result = 0;
    for (int i = 0; i < 120 && result >= 0; ++i)
        if ((result = send_descriptor(pairs[i % 12][0], 0)) > 0) ++sent;
    CHECK(errno == ETOOMANYREFS);
    SHOW(sent);
    for (int i = 0; i < 12; ++i) close(pairs[i][1]);
    int fresh[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh) == 0);
    CHECK(send_descriptor(fresh[0], 0) == 1);
}

// ---------------------------------------------------------------- the rules of setrlimit(2)

static char const* const names[RLIM_NLIMITS] = {"CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE",
    "MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};

/// Below what the others have, so that it can be lowered to.
static rlim_t some_value(int which) { return which == RLIMIT_NOFILE ? 64 : which == RLIMIT_STACK ? 1 << 23 : 1 << 29; }

TEST(each_limit_is_kept_and_inherited) {
    for (int which = 0; which < RLIM_NLIMITS; ++which) {
        rlim_t const value = some_value(which);
        struct rlimit got;
        if (!CHECK(limit(which, value, value) == 0)) say("of %s\n", names[which]);
        CHECK(getrlimit(which, &got) == 0 && got.rlim_cur == value && got.rlim_max == value);
        CHECK(limit(which, value - 1, value) == 0);
        pid_t const child = fork();
        if (child == 0) {
            CHECK(getrlimit(which, &got) == 0 && got.rlim_cur == value - 1 && got.rlim_max == value);
            _exit(failures != 0);
        }
        CHECK(ended_with(wait_for(child), 0));
        errno = 0;
        CHECK(limit(which, value + 1, value) == -1 && errno == EINVAL);
    }
    CHECK_ERRNO(limit(RLIM_NLIMITS, 1, 1), EINVAL);
    CHECK_ERRNO(limit(-1, 1, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_setrlimit, RLIMIT_CORE, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_getrlimit, RLIMIT_CORE, NULL), EFAULT);
}

TEST(a_user_lowers_and_does_not_raise) {
    for (int which = 0; which < RLIM_NLIMITS; ++which) CHECK(limit(which, some_value(which), some_value(which)) == 0);
    become(SOMEBODY + 15);
    for (int which = 0; which < RLIM_NLIMITS; ++which) {
        rlim_t const value = some_value(which);
        CHECK(limit(which, value - 2, value) == 0);
        CHECK(limit(which, value, value) == 0);
        errno = 0;
        CHECK(limit(which, value, value + 1) == -1 && errno == EPERM);
        errno = 0;
        CHECK(limit(which, RLIM_INFINITY, RLIM_INFINITY) == -1 && errno == EPERM);
        CHECK(limit(which, value - 2, value - 1) == 0);
        errno = 0;
        CHECK(limit(which, value - 2, value) == -1 && errno == EPERM);
    }
}

TEST(root_raises_all_but_the_number_of_files) {
    for (int which = 0; which < RLIM_NLIMITS; ++which) {
        CHECK(limit(which, some_value(which), some_value(which)) == 0);
        errno = 0;
        int const result = limit(which, RLIM_INFINITY, RLIM_INFINITY);
        if (which == RLIMIT_NOFILE) CHECK(result == -1 && errno == EPERM);
        else CHECK(result == 0);
    }
}

TEST(of_another_process) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t const other = fork();
    if (other == 0) {
        struct rlimit got;
        char byte;
        (void)read(ends[0], &byte, 1);
        CHECK(getrlimit(RLIMIT_FSIZE, &got) == 0 && got.rlim_cur == 10 && got.rlim_max == 20);
        int const file = open("limit_other", O_CREAT | O_WRONLY, 0600);
        signal(SIGXFSZ, SIG_IGN);
        SHOW(write(file, "0123456789abcdef", 16));
        unlink("limit_other");
        _exit(failures != 0);
    }
    struct rlimit const wanted = {10, 20};
    struct rlimit old;
    CHECK(prlimit(other, RLIMIT_FSIZE, &wanted, &old) == 0 && old.rlim_cur == RLIM_INFINITY);
    CHECK_ERRNO(prlimit(INT_MAX, RLIMIT_FSIZE, NULL, &old), ESRCH);
    (void)write(ends[1], "x", 1);
    CHECK(ended_with(wait_for(other), 0));
}

// ---------------------------------------------------------------- RLIMIT_FSIZE

static volatile int too_large;
static void on_too_large(int signal) { too_large += signal == SIGXFSZ; }

static int fresh(char const* name, int flags) {
    unlink(name);
    return open(name, O_CREAT | O_RDWR | flags, 0644);
}

static void watch_size(rlim_t most) {
    signal(SIGXFSZ, on_too_large);
    REQUIRE(limit(RLIMIT_FSIZE, most, RLIM_INFINITY) == 0);
}

TEST(files_grow_up_to_the_limit) {
    watch_size(100);
    char text[200] = "";
    int const file = fresh("limit_size", 0);
    SHOW(write(file, text, 60));
    SHOW(write(file, text, 60));
    SHOW(too_large);
    CHECK_ERRNO(write(file, text, 1), EFBIG);
    SHOW(too_large);
    SHOW(write(file, text, 0));
    CHECK_ERRNO(pwrite(file, text, 1, 100), EFBIG);
    CHECK_ERRNO(pwrite(file, text, 1, 5000), EFBIG);
    SHOW(pwrite(file, text, 200, 50));
    SHOW(too_large);
    struct iovec const parts[] = {{text, 40}, {text, 40}, {text, 40}};
    CHECK(lseek(file, 10, SEEK_SET) == 10);
    SHOW(writev(file, parts, 3));
    CHECK_ERRNO(writev(file, parts, 3), EFBIG);
    CHECK(lseek(file, 30, SEEK_SET) == 30);
    SHOW(write(file, text, 30));
    SHOW(pwritev(file, parts, 3, 20));
    SHOW(lseek(file, 0, SEEK_END));
    SHOW(too_large);
    unlink("limit_size");
}

TEST(so_does_what_is_appended) {
    watch_size(100);
    char text[200] = "";
    int const file = fresh("limit_append", O_APPEND);
    SHOW(write(file, text, 90));
    SHOW(write(file, text, 90));
    CHECK_ERRNO(write(file, text, 1), EFBIG);
    SHOW(too_large);
    SHOW(lseek(file, 0, SEEK_END));
    unlink("limit_append");
}

TEST(truncation_asks_too) {
    watch_size(100);
    int const file = fresh("limit_truncate", 0);
    CHECK(ftruncate(file, 100) == 0);
    CHECK_ERRNO(ftruncate(file, 101), EFBIG);
    CHECK_ERRNO(truncate("limit_truncate", 4096), EFBIG);
    SHOW(too_large);
    REQUIRE(limit(RLIMIT_FSIZE, 10, RLIM_INFINITY) == 0);
    CHECK(ftruncate(file, 50) == 0);             // it is larger than the limit, and becomes smaller
    CHECK_ERRNO(ftruncate(file, 51), EFBIG);
    SHOW(too_large);
    unlink("limit_truncate");
}

TEST(copies_within_the_kernel_too) {
    char text[300] = "";
    int const from = fresh("limit_from", 0), to = fresh("limit_to", 0);
    REQUIRE(write(from, text, 300) == 300);
    watch_size(100);
    loff_t in = 0, out = 0;
    SHOW(syscall(SYS_copy_file_range, from, &in, to, &out, 300, 0));
    SHOW(too_large);
    CHECK_ERRNO(syscall(SYS_copy_file_range, from, &in, to, &out, 300, 0), EFBIG);
    SHOW(too_large);
    CHECK(ftruncate(to, 0) == 0);
    off_t start = 0;
    SHOW(syscall(SYS_sendfile, to, from, &start, 300));
    SHOW(lseek(to, 0, SEEK_END));
    start = 0;
    CHECK_ERRNO(syscall(SYS_sendfile, to, from, &start, 300), EFBIG);
    unlink("limit_from");
    unlink("limit_to");
}

TEST(only_regular_files_have_a_size) {
    watch_size(10);
    int ends[2], pair[2];
    char text[100] = "";
    REQUIRE(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    SHOW(write(ends[1], text, 100));
    SHOW(write(pair[0], text, 100));
    int const null = open("/dev/null", O_WRONLY);
    SHOW(write(null, text, 100));
    SHOW(too_large);
}

TEST_THAT_ENDS_BY(the_signal_kills, SIGXFSZ) {
    REQUIRE(limit(RLIMIT_CORE, 0, 0) == 0 && limit(RLIMIT_FSIZE, 4, 4) == 0);
    int const file = fresh("limit_kills", 0);
    unlink("limit_kills");
    SHOW(write(file, "01234567", 8));
    (void)write(file, "0", 1);
    say("still there\n");
}

// ---------------------------------------------------------------- the rest, by effect

TEST(number_of_files) {
    REQUIRE(limit(RLIMIT_NOFILE, 20, 20) == 0);
    int last = -1, file;
    while ((file = open("/dev/null", O_RDONLY)) >= 0) last = file;
    CHECK(errno == EMFILE);
    SHOW(last);
    CHECK_ERRNO(dup2(0, 20), EBADF);
    int ends[2];
    close(19);
    CHECK_ERRNO(pipe(ends), EMFILE);
    CHECK_ERRNO(fcntl(0, F_DUPFD, 20), EINVAL);
}

TEST(address_space_and_data) {
    void* const place = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(place != MAP_FAILED && munmap(place, 64 << 20) == 0);
    REQUIRE(limit(RLIMIT_AS, 32 << 20, 32 << 20) == 0);
    errno = 0;
    CHECK(mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED && errno == ENOMEM);
    REQUIRE(limit(RLIMIT_DATA, 4 << 20, 4 << 20) == 0);
    errno = 0;
    CHECK(mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);   // data is what is written to
    errno = 0;
    CHECK(sbrk(8 << 20) == (void*)-1 && errno == ENOMEM);
}

static int depth(int left) {
    volatile char page[PAGE];
    page[0] = (char)left;
    return left == 0 ? page[0] : depth(left - 1) + page[0];
}

TEST_THAT_ENDS_BY(the_stack_grows_up_to_its_limit, SIGSEGV) {
    REQUIRE(limit(RLIMIT_STACK, 1 << 20, 1 << 20) == 0 && limit(RLIMIT_CORE, 0, 0) == 0);
    CHECK(depth(180) != 1 << 30);
    say("deep\n");
    CHECK(depth(400) != 1 << 30);
    say("too deep\n");
}

/// No core is written, and its limit is only kept; RSS and LOCKS hold nobody on Linux either.
TEST(limits_that_hold_nobody) {
    REQUIRE(limit(RLIMIT_RSS, 4096, 4096) == 0 && limit(RLIMIT_LOCKS, 0, 0) == 0);
    char* const place = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(place, 1, 1 << 20);
    int const file = fresh("limit_locked", 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(fcntl(file, F_SETLK, &lock) == 0);
    unlink("limit_locked");
}

TEST(locked_mappings_want_the_right) {
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED);
    REQUIRE(limit(RLIMIT_MEMLOCK, 1 << 16, 1 << 16) == 0);
    become(SOMEBODY + 16);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED);
    errno = 0;
    CHECK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN);
    REQUIRE(limit(RLIMIT_MEMLOCK, 0, 1 << 16) == 0);
    errno = 0;
    // Not by the library, which makes it ENOMEM.
    CHECK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == -1 && errno == EPERM);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}
