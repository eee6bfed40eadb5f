// SPDX-License-Identifier: MIT
// POSIX message queues: mq_overview(7).
#include "test.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static char name[40], other_name[40];
static void set_names(void) {
    snprintf(name, sizeof name, "/aubrac-%d", (int)getpid());
    snprintf(other_name, sizeof other_name, "/aubrac-%d-other", (int)getpid());
}
/// A queue whose name is gone already.
static mqd_t make(long messages, long size) {
    struct mq_attr wanted = {.mq_maxmsg = messages, .mq_msgsize = size};
    set_names();
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &wanted);
    REQUIRE(queue >= 0);
    REQUIRE(mq_unlink(name) == 0);
    return queue;
}
static int events(int fd) {
    struct pollfd entry = {fd, POLLIN | POLLOUT, 0};
    return poll(&entry, 1, 0) >= 0 ? entry.revents : -1;
}
static struct timespec in_ms(long milliseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_nsec += milliseconds % 1000 * 1000000;
    now.tv_sec += milliseconds / 1000 + now.tv_nsec / 1000000000;
    now.tv_nsec %= 1000000000;
    return now;
}
static volatile sig_atomic_t got_signal, got_value, got_code, got_pid;
static void note(int number, siginfo_t* info, void* context) {
    (void)context;
    got_signal = number;
    got_value = info->si_value.sival_int;
    got_code = info->si_code;
    got_pid = info->si_pid;
}

TEST(the_highest_priority_comes_first_and_the_oldest_of_it) {
    mqd_t queue = make(8, 16);
    unsigned priorities[] = {1, 32767, 0, 1, 7, 32767, 0, 1};
    for (int i = 0; i < 8; ++i) {
        char text[2] = {(char)('a' + i), 0};
        CHECK(mq_send(queue, text, 2, priorities[i]) == 0);
    }
    CHECK_ERRNO(mq_send(queue, "", 0, 32768), EINVAL);
    for (int i = 0; i < 8; ++i) {
        char text[16];
        unsigned priority = 77;
        CHECK(mq_receive(queue, text, sizeof text, &priority) == 2);
        say("%s %u\n", text, priority);
    }
    CHECK(mq_send(queue, "", 0, 3) == 0);
    char text[16];
    CHECK(mq_receive(queue, text, sizeof text, NULL) == 0);
}

TEST(opening) {
    set_names();
    struct mq_attr attributes = {.mq_maxmsg = 3, .mq_msgsize = 20};
    CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
    CHECK_ERRNO(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT);
    CHECK_ERRNO(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    CHECK_ERRNO(syscall(SYS_mq_open, ".", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    CHECK_ERRNO(syscall(SYS_mq_open, "..", O_RDWR, 0, NULL), EACCES);
    CHECK_ERRNO(syscall(SYS_mq_open, (void*)8, O_RDWR, 0, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_mq_open, name + 1, O_RDWR | O_CREAT, 0600, (void*)8), EFAULT);
    char long_name[300];
    memset(long_name, 'x', 299);
    long_name[299] = 0;
    CHECK_ERRNO(syscall(SYS_mq_open, long_name, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
    struct mq_attr wrong = {.mq_maxmsg = 0, .mq_msgsize = 20};
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &wrong), EINVAL);
    wrong = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = -1};
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &wrong), EINVAL);
    wrong = (struct mq_attr){.mq_maxmsg = 65537, .mq_msgsize = 1};
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &wrong), EINVAL);

    umask(027);
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0666, &attributes);
    REQUIRE(queue >= 0);
    CHECK(fcntl(queue, F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(queue, F_GETFL) & O_ACCMODE) == O_RDWR);
    struct stat status;
    CHECK(fstat(queue, &status) == 0 && S_ISREG(status.st_mode));
    say("mode %o size %ld links %ld\n", status.st_mode & 07777, (long)status.st_size, (long)status.st_nlink);
    CHECK_ERRNO(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
    CHECK_ERRNO(mq_open(name, O_ACCMODE), EINVAL);
    mqd_t writer = mq_open(name, O_WRONLY | O_NONBLOCK), reader = mq_open(name, O_RDONLY | O_CREAT, 0, NULL);
    REQUIRE(writer >= 0 && reader >= 0);
    char text[20];
    CHECK(mq_send(writer, "one", 3, 0) == 0);
    CHECK_ERRNO(mq_send(reader, "one", 3, 0), EBADF);
    CHECK_ERRNO(mq_receive(writer, text, 20, NULL), EBADF);
    CHECK_ERRNO(mq_receive(reader, text, 19, NULL), EMSGSIZE);
    CHECK_ERRNO(mq_send(writer, "longer than twenty bytes", 21, 0), EMSGSIZE);
    CHECK_ERRNO(mq_send(writer, (void*)8, 4, 0), EFAULT);
    CHECK_ERRNO(mq_send(1, "x", 1, 0), EBADF);
    CHECK_ERRNO(mq_receive(999, text, 20, NULL), EBADF);
    struct mq_attr seen;
    CHECK(mq_getattr(writer, &seen) == 0);
    say("flags %#lx messages %ld size %ld now %ld\n", seen.mq_flags, seen.mq_maxmsg, seen.mq_msgsize, seen.mq_curmsgs);
    CHECK_ERRNO(write(queue, "x", 1), EINVAL);
    CHECK(mq_unlink(name) == 0);
    CHECK_ERRNO(mq_unlink(name), ENOENT);
    CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
    CHECK_ERRNO(syscall(SYS_mq_unlink, ""), ENOENT);
    CHECK_ERRNO(syscall(SYS_mq_unlink, "a/b"), EACCES);
    CHECK(mq_receive(reader, text, 20, NULL) == 3 && !memcmp(text, "one", 3));
}

TEST(attributes) {
    mqd_t queue = make(2, 10);
    struct mq_attr before, to = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 77};
    CHECK(mq_setattr(queue, &to, &before) == 0);
    say("before %#lx, now %#x\n", before.mq_flags, fcntl(queue, F_GETFL) & O_NONBLOCK);
    char text[10];
    CHECK_ERRNO(mq_receive(queue, text, 10, NULL), EAGAIN);
    CHECK(mq_send(queue, "1", 1, 0) == 0 && mq_send(queue, "2", 1, 0) == 0);
    CHECK_ERRNO(mq_send(queue, "3", 1, 0), EAGAIN);
    CHECK(mq_getattr(queue, &before) == 0 && before.mq_maxmsg == 2 && before.mq_curmsgs == 2 && before.mq_flags == O_NONBLOCK);
    to.mq_flags = O_NONBLOCK | O_APPEND;
    CHECK_ERRNO(mq_setattr(queue, &to, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_mq_getsetattr, queue, (void*)8, NULL), EFAULT);
    CHECK_ERRNO(syscall(SYS_mq_getsetattr, queue, NULL, (void*)8), EFAULT);
    CHECK_ERRNO(syscall(SYS_mq_getsetattr, 1, NULL, NULL), EBADF);
    CHECK(syscall(SYS_mq_getsetattr, queue, NULL, NULL) == 0);
    set_names();
    mqd_t usual = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
    CHECK(mq_getattr(usual, &before) == 0 && mq_unlink(name) == 0);
    say("default %ld of %ld\n", before.mq_maxmsg, before.mq_msgsize);
}

TEST(timeouts) {
    mqd_t queue = make(1, 10);
    char text[10];
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, past = {1, 0}, soon = in_ms(60);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, &bad), EINVAL);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, &negative), EINVAL);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, &past), ETIMEDOUT);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, (void*)8), EFAULT);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, &soon), ETIMEDOUT);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
    CHECK(mq_timedsend(queue, "x", 1, 0, &past) == 0);
    CHECK_ERRNO(mq_timedsend(queue, "x", 1, 0, &past), ETIMEDOUT);
    CHECK_ERRNO(mq_timedsend(queue, "x", 1, 0, &bad), EINVAL);
    soon = in_ms(60);
    CHECK_ERRNO(mq_timedsend(queue, "x", 1, 0, &soon), ETIMEDOUT);
    CHECK(mq_timedreceive(queue, text, 10, NULL, &past) == 1);
    CHECK_ERRNO(mq_timedreceive(queue, text, 10, NULL, &past), ETIMEDOUT);
}

static void interrupt(int number) { (void)number; }

TEST(signals_interrupt_a_wait) {
    mqd_t queue = make(1, 10);
    char text[10];
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGUSR1, &action, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (;;) {
            sleep_ms(30);
            if (kill(parent, SIGUSR1)) _exit(0);
        }
    }
    CHECK_ERRNO(mq_receive(queue, text, 10, NULL), EINTR);
    CHECK(mq_send(queue, "x", 1, 0) == 0);
    CHECK_ERRNO(mq_send(queue, "y", 1, 0), EINTR);
    kill(child, SIGKILL);
    wait_for(child);
    CHECK(mq_receive(queue, text, 10, NULL) == 1 && text[0] == 'x');
}

TEST(notification) {
    mqd_t queue = make(4, 10);
    char text[10];
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    CHECK(mq_notify(queue, &event) == 0);
    CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
    pid_t child = fork();
    if (child == 0) {
        CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
        CHECK(mq_notify(queue, NULL) == 0);              // not its own: nothing happens
        CHECK(mq_close(queue) == 0);
        _exit(failures);
    }
    CHECK(wait_for(child) == 0 && got_signal == 0);
    char line[100] = "";
    CHECK(read(queue, line, sizeof line - 1) > 0);
    char* pid = strstr(line, "NOTIFY_PID:");
    CHECK(pid && atoi(pid + 11) == getpid());
    if (pid) *pid = 0;
    say("%s\n", line);
    child = fork();
    if (child == 0) _exit(mq_send(queue, "abc", 3, 0) != 0);
    CHECK(wait_for(child) == 0);
    CHECK(got_signal == SIGUSR1 && got_value == 42 && got_code == SI_MESGQ && got_pid == child);
    got_signal = 0;
    CHECK(mq_notify(queue, &event) == 0);                // there is a message: nothing until it is empty again
    CHECK(mq_send(queue, "x", 1, 0) == 0 && got_signal == 0);
    CHECK(mq_receive(queue, text, 10, NULL) == 3 && mq_receive(queue, text, 10, NULL) == 1);
    CHECK(mq_send(queue, "x", 1, 0) == 0 && got_signal == SIGUSR1);
    got_signal = 0;
    CHECK(mq_notify(queue, &event) == 0 && mq_notify(queue, NULL) == 0 && mq_notify(queue, NULL) == 0);
    CHECK(mq_receive(queue, text, 10, NULL) == 1 && mq_send(queue, "x", 1, 0) == 0 && got_signal == 0);
    event.sigev_notify = SIGEV_NONE;
    CHECK(mq_notify(queue, &event) == 0);
    CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
    int copy = dup(queue);
    CHECK(close(copy) == 0 && mq_notify(queue, &event) == 0);   // any close of the queue ends the wish
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    CHECK_ERRNO(mq_notify(queue, &event), EINVAL);
    event.sigev_notify = 77;
    CHECK_ERRNO(mq_notify(queue, &event), EINVAL);
    event.sigev_notify = SIGEV_NONE;
    CHECK_ERRNO(mq_notify(1, &event), EBADF);
    CHECK_ERRNO(syscall(SYS_mq_notify, queue, (void*)8), EFAULT);
    char cookie[32] = "";
    event = (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_signo = queue, .sigev_value.sival_ptr = cookie};
    CHECK_ERRNO(syscall(SYS_mq_notify, queue, &event), ENOTSOCK);
    event.sigev_signo = 999;
    CHECK_ERRNO(syscall(SYS_mq_notify, queue, &event), EBADF);
}

TEST(a_waiting_receiver_comes_before_notification) {
    mqd_t queue = make(4, 10);
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    pid_t child = fork();
    if (child == 0) {
        char text[10];
        _exit(mq_receive(queue, text, 10, NULL) != 1);
    }
    sleep_ms(150);
    CHECK(mq_notify(queue, &event) == 0 && mq_send(queue, "x", 1, 0) == 0);
    CHECK(wait_for(child) == 0 && got_signal == 0);
    CHECK(mq_send(queue, "x", 1, 0) == 0 && got_signal == SIGUSR1);
}

TEST(polling) {
    mqd_t queue = make(2, 10);
    char text[10];
    CHECK(events(queue) == POLLOUT);
    CHECK(mq_send(queue, "x", 1, 0) == 0 && events(queue) == (POLLIN | POLLOUT));
    CHECK(mq_send(queue, "x", 1, 0) == 0 && events(queue) == POLLIN);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 5}, got;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event) == 0);
    CHECK(epoll_wait(epoll, &got, 1, 1000) == 1 && got.data.u32 == 5 && epoll_wait(epoll, &got, 1, 0) == 0);
    CHECK(mq_receive(queue, text, 10, NULL) == 1 && mq_receive(queue, text, 10, NULL) == 1);
    CHECK(events(queue) == POLLOUT);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(60);
        _exit(mq_send(queue, "late", 4, 9) != 0);
    }
    struct pollfd entry = {queue, POLLIN, 0};
    CHECK(poll(&entry, 1, 10000) == 1 && entry.revents == POLLIN);
    CHECK(wait_for(child) == 0);
}

TEST(rights_and_limits) {
    set_names();
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
    mqd_t mine = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0640, &attributes);
    mqd_t open_to_all = mq_open(other_name, O_CREAT | O_EXCL | O_RDWR, 0, &attributes);
    REQUIRE(mine >= 0 && open_to_all >= 0 && fchmod(open_to_all, 0602) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {100000, 100000};
        CHECK(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
        REQUIRE(setgid(12345) == 0 && setuid(54321) == 0);
        CHECK_ERRNO(mq_open(name, O_RDONLY), EACCES);
        CHECK_ERRNO(mq_open(other_name, O_RDWR), EACCES);
        CHECK_ERRNO(mq_open(other_name, O_RDONLY), EACCES);
        mqd_t writer = mq_open(other_name, O_WRONLY);
        CHECK(writer >= 0 && mq_send(writer, "x", 1, 0) == 0);
        CHECK_ERRNO(syscall(SYS_mq_unlink, other_name + 1), EPERM);
        char own[60];
        snprintf(own, sizeof own, "%s-own", name);
        attributes = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8192};
        mqd_t first = mq_open(own, O_CREAT | O_RDWR, 0, &attributes);
        CHECK(first >= 0);
        CHECK_ERRNO(mq_open(own, O_RDWR), EACCES);
        char more[60];
        snprintf(more, sizeof more, "%s-more", name);
        CHECK_ERRNO(mq_open(more, O_CREAT | O_RDWR, 0600, &attributes), EMFILE);
        attributes.mq_maxmsg = 11;
        CHECK_ERRNO(mq_open(more, O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
        attributes = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 8193};
        CHECK_ERRNO(mq_open(more, O_CREAT | O_RDWR, 0600, &attributes), EINVAL);
        CHECK(mq_unlink(own) == 0);
        attributes = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8192};
        CHECK_ERRNO(mq_open(more, O_CREAT | O_RDWR, 0600, &attributes), EMFILE);   // the first one is still open
        CHECK(mq_close(first) == 0);
        first = mq_open(more, O_CREAT | O_RDWR, 0600, &attributes);
        CHECK(first >= 0 && mq_unlink(more) == 0);
        _exit(failures);
    }
    CHECK(wait_for(child) == 0);
    CHECK(mq_unlink(name) == 0 && mq_unlink(other_name) == 0);
    char const* files[] = {"msg_default", "msg_max", "msgsize_default", "msgsize_max", "queues_max"};
    for (int i = 0; i < 5; ++i) {
        char path[60], line[20] = "";
        snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", files[i]);
        int fd = open(path, O_RDONLY);
        CHECK(fd >= 0 && read(fd, line, sizeof line - 1) > 0);
        say("%s %s", files[i], line);
        close(fd);
    }
    struct stat status;
    CHECK(stat("/proc/sys/fs/mqueue/msg_max", &status) == 0 && (status.st_mode & 07777) == 0644);
}

enum { PRODUCERS = 3, CONSUMERS = 2, EACH = 400 };

TEST(producers_and_consumers) {
    mqd_t queue = make(5, sizeof(long));
    int sums[2];
    REQUIRE(pipe(sums) == 0);
    for (int p = 0; p < PRODUCERS; ++p)
        if (fork() == 0) {
            for (long i = 1; i <= EACH; ++i)
                if (mq_send(queue, (char*)&i, sizeof i, (unsigned)(i % 7))) _exit(1);
            _exit(0);
        }
    for (int c = 0; c < CONSUMERS; ++c)
        if (fork() == 0) {
            long value, sum = 0;
            while (mq_receive(queue, (char*)&value, sizeof value, NULL) == sizeof value && value) sum += value;
            _exit(write(sums[1], &sum, sizeof sum) != sizeof sum);
        }
    int status, bad = 0;
    for (int p = 0; p < PRODUCERS; ++p) bad |= wait(&status) < 0 || status;
    long end = 0, total = 0;
    for (int c = 0; c < CONSUMERS; ++c) CHECK(mq_send(queue, (char*)&end, sizeof end, 0) == 0);
    for (int c = 0; c < CONSUMERS; ++c) bad |= wait(&status) < 0 || status;
    for (int c = 0; c < CONSUMERS; ++c) {
        long sum = 0;
        CHECK(read(sums[0], &sum, sizeof sum) == sizeof sum);
        total += sum;
    }
    CHECK(!bad && total == (long)PRODUCERS * EACH * (EACH + 1) / 2);
}

static struct timespec in_us(long microseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_nsec += microseconds * 1000;
    now.tv_sec += now.tv_nsec / 1000000000;
    now.tv_nsec %= 1000000000;
    return now;
}

TEST(nothing_is_lost_between_time_and_message) {
    mqd_t queue = make(1, sizeof(long));
    long* sums = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PRODUCERS + CONSUMERS];
    for (int p = 0; p < PRODUCERS; ++p)
        if ((children[p] = fork()) == 0) {
            for (long i = 1; i <= EACH;) {
                struct timespec soon = in_us(i * 37 % 300);
                if (mq_timedsend(queue, (char*)&i, sizeof i, 1, &soon) == 0) ++i;
                else if (errno != ETIMEDOUT) _exit(1);
            }
            _exit(0);
        }
    for (int c = 0; c < CONSUMERS; ++c)
        if ((children[PRODUCERS + c] = fork()) == 0) {
            for (long value = 1, round = 0; value; ++round) {
                struct timespec soon = in_us(round * 53 % 300);
                ssize_t got = mq_timedreceive(queue, (char*)&value, sizeof value, NULL, &soon);
                if (got == sizeof value) sums[c] += value;
                else if (got != -1 || errno != ETIMEDOUT) _exit(1);
            }
            _exit(0);
        }
    for (int p = 0; p < PRODUCERS; ++p) CHECK(wait_for(children[p]) == 0);
    long end = 0;
    for (int c = 0; c < CONSUMERS; ++c) CHECK(mq_send(queue, (char*)&end, sizeof end, 0) == 0);
    for (int c = 0; c < CONSUMERS; ++c) CHECK(wait_for(children[PRODUCERS + c]) == 0);
    CHECK(sums[0] + sums[1] == (long)PRODUCERS * EACH * (EACH + 1) / 2);
}
