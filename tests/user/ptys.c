// SPDX-License-Identifier: MIT
// Pseudo-terminals: pty(7), ptmx(4), ioctl_tty(2), job control as a session leader sees it.
// timeout: 120
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int open_master(int flags) {
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | flags);
    REQUIRE(master >= 0);
    return master;
}
static void unlock(int master) { int zero = 0; CHECK(ioctl(master, TIOCSPTLCK, &zero) == 0); }
static int number_of(int master) { int n = -1; CHECK(ioctl(master, TIOCGPTN, &n) == 0); return n; }
static char* name_of(int master) {
    static char name[64];
    snprintf(name, sizeof name, "/dev/pts/%d", number_of(master));
    return name;
}
static int open_slave(int master) {
    unlock(master);
    int slave = open(name_of(master), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    return slave;
}
static int ready(int fd, int events, int timeout) {
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, timeout) == 1 ? p.revents : 0;
}
/// Reads until `size` bytes are there: what is written to one side may take a while to the other.
static int read_whole(int fd, void* buffer, int size) {
    int done = 0;
    while (done < size) {
        int n = read(fd, (char*)buffer + done, size - done);
        if (n <= 0) return done ? done : n;
        done += n;
    }
    return done;
}
static int gives(int fd, char const* text) {
    char buffer[512];
    int length = strlen(text), n = read_whole(fd, buffer, length);
    if (n == length && memcmp(buffer, text, n) == 0) return 1;
    say("wanted %d bytes, got %d:", length, n);
    for (int i = 0; i < n; i++) say(" %02x", (unsigned char)buffer[i]);
    say("\n");
    return 0;
}
static void make_raw(int fd) {
    struct termios t;
    CHECK(tcgetattr(fd, &t) == 0);
    cfmakeraw(&t);
    CHECK(tcsetattr(fd, TCSANOW, &t) == 0);
}
static int ends(pid_t child) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

TEST(a_pair) {
    int master = open_master(0);
    char* name = name_of(master);
    struct stat st, directory;
    CHECK(stat(name, &st) == 0 && S_ISCHR(st.st_mode));
    CHECK(stat("/dev/pts", &directory) == 0 && S_ISDIR(directory.st_mode) && directory.st_dev == st.st_dev && st.st_dev != 0);
    CHECK(major(st.st_rdev) == 136 && (int)minor(st.st_rdev) == number_of(master));
    CHECK(st.st_uid == geteuid() && (st.st_mode & 0700) == 0600 && st.st_nlink == 1);
    CHECK(fstat(master, &st) == 0 && st.st_rdev == makedev(5, 2));
    int locked = -1;
    CHECK(ioctl(master, TIOCGPTLCK, &locked) == 0);
    SHOW(locked);
    CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO);
    int slave = open_slave(master);
    CHECK(isatty(master) && isatty(slave));
    CHECK(gives(master, "") && write(slave, "hello\n", 6) == 6 && gives(master, "hello\r\n"));
    CHECK(write(master, "typed\n", 6) == 6 && gives(slave, "typed\n") && gives(master, "typed\r\n"));
    CHECK_ERRNO(ioctl(slave, TIOCGPTN, &locked), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCSPTLCK, &locked), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCPKT, &locked), ENOTTY);
    CHECK_ERRNO(ioctl(master, TIOCGPTN, (int*)8), EFAULT);
    CHECK_ERRNO(ioctl(master, TIOCSPTLCK, (int*)8), EFAULT);
    CHECK_ERRNO(lseek(master, 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(lseek(slave, 0, SEEK_CUR), ESPIPE);
    char path[64], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", slave);
    int length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    CHECK(strcmp(path, name) == 0);
    close(slave);
    close(master);
    CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
    CHECK_ERRNO(stat(name, &st), ENOENT);
}

TEST(numbers_and_names) {
    int masters[40], seen = 0;
    for (int i = 0; i < 40; i++) masters[i] = open_master(0);
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < i; j++) if (number_of(masters[i]) == number_of(masters[j])) seen++;
    SHOW(seen);
    int middle = number_of(masters[20]);
    CHECK(access(name_of(masters[20]), F_OK) == 0);
    close(masters[20]);
    masters[20] = open_master(0);
    CHECK(number_of(masters[20]) == middle);       // the lowest that is free
    CHECK_ERRNO(open("/dev/pts/99999999", O_RDWR), ENOENT);
    CHECK_ERRNO(open("/dev/pts/x", O_RDWR), ENOENT);
    CHECK_ERRNO(open("/dev/pts/00", O_RDWR), ENOENT);
    for (int i = 0; i < 40; i++) close(masters[i]);
}

TEST(a_slave_keeps_its_number) {
    int master = open_master(0), slave = open_slave(master), number = number_of(master);
    close(master);
    int next = open_master(0);
    CHECK(number_of(next) != number);
    close(slave);
    close(next);
    next = open_master(0);
    CHECK(number_of(next) <= number);
    close(next);
}

TEST(the_peer_of_a_master) {
    int master = open_master(0);
    CHECK_ERRNO(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
    unlock(master);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(slave >= 0);
    CHECK(fcntl(slave, F_GETFD) == FD_CLOEXEC && (fcntl(slave, F_GETFL) & O_ACCMODE) == O_RDWR);
    char path[64] = "", link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", slave);
    CHECK(readlink(link, path, sizeof path - 1) > 0 && strcmp(path, name_of(master)) == 0);
    CHECK(write(slave, "x", 1) == 1 && gives(master, "x"));
    CHECK_ERRNO(ioctl(slave, TIOCGPTPEER, O_RDWR), EIO);
    int file = open("/dev/null", O_RDWR);
    CHECK_ERRNO(ioctl(file, TIOCGPTPEER, O_RDWR), ENOTTY);
}

/// The kernel's own struct: libraries add to theirs.
struct kernel_termios { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; };

TEST(first_settings) {
    int master = open_master(0), slave = open_slave(master);
    struct kernel_termios t, other;
    CHECK(ioctl(slave, TCGETS, &t) == 0 && ioctl(master, TCGETS, &other) == 0);
    CHECK(memcmp(&t, &other, sizeof t) == 0);
    say("%o %o %o %o %d:", t.iflag, t.oflag, t.cflag, t.lflag, t.line);
    for (int i = 0; i < 19; i++) say(" %d", t.cc[i]);
    say("\n");
    t.cflag = (t.cflag & ~(CSIZE | CREAD)) | CS5 | PARENB;
    CHECK(ioctl(master, TCSETS, &t) == 0 && ioctl(slave, TCGETS, &t) == 0);
    SHOW(t.cflag & (CSIZE | PARENB | CREAD));
    t.lflag = 0;
    CHECK(ioctl(slave, TCSETS, &t) == 0);
    close(slave);
    slave = open_slave(master);                    // remembered while the master is open
    CHECK(ioctl(slave, TCGETS, &t) == 0);
    SHOW(t.lflag);
    close(slave);
    close(master);
    master = open_master(0);
    slave = open_slave(master);
    CHECK(ioctl(slave, TCGETS, &t) == 0);
    SHOW(t.lflag & ICANON);
}

TEST(what_waits_in_the_pair) {
    int master = open_master(O_NONBLOCK);
    char byte;
    CHECK_ERRNO(read(master, &byte, 1), EAGAIN);   // nobody has opened the slave yet
    CHECK(ready(master, POLLIN | POLLOUT, 0) == POLLOUT);
    CHECK(write(master, "early\n", 6) == 6);
    int slave = open_slave(master);
    CHECK(gives(slave, "early\n"));
    CHECK(ready(master, POLLIN, -1) == POLLIN);
    fcntl(master, F_SETFL, O_RDWR);
    CHECK(gives(master, "early\r\n"));
    CHECK(ready(master, POLLIN, 0) == 0 && ready(slave, POLLIN, 0) == 0);
    CHECK(ready(slave, POLLOUT, 0) == POLLOUT);
    CHECK(write(slave, "late", 4) == 4);
    close(slave);
    CHECK((ready(master, POLLIN, -1) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP));
    CHECK(gives(master, "late"));
    CHECK_ERRNO(read(master, &byte, 1), EIO);
    CHECK(ready(master, POLLIN, 0) == POLLHUP);
    CHECK(write(master, "kept\n", 5) == 5);
    slave = open_slave(master);
    CHECK(gives(slave, "kept\n") && gives(master, "kept\r\n"));
    CHECK(ready(master, POLLIN, 0) == 0);
}

TEST(a_master_that_waits) {
    int master = open_master(0), slave = open_slave(master);
    pid_t child = fork();
    if (child == 0) {
        close(master);
        write(slave, "from the child", 14);
        _exit(0);
    }
    close(slave);
    CHECK(gives(master, "from the child"));
    char byte;
    CHECK_ERRNO(read(master, &byte, 1), EIO);
    CHECK(ends(child) == 0);
}

TEST(much_output) {
    int master = open_master(0), slave = open_slave(master);
    enum { SIZE = 200000 };
    make_raw(slave);
    pid_t child = fork();
    if (child == 0) {
        close(master);
        char block[1000];
        for (int i = 0; i < SIZE; i += sizeof block) {
            for (unsigned j = 0; j < sizeof block; j++) block[j] = (i + j) * 31 / 7;
            for (unsigned done = 0; done < sizeof block;) {
                int n = write(slave, block + done, sizeof block - done);
                if (n <= 0) _exit(1);
                done += n;
            }
        }
        _exit(0);
    }
    close(slave);
    int place = 0, wrong = 0, n;
    char buffer[3000];
    while ((n = read(master, buffer, sizeof buffer)) > 0)
        for (int i = 0; i < n; i++, place++) wrong += buffer[i] != (char)(place * 31 / 7);
    CHECK(n == -1 && errno == EIO);
    SHOW(place);
    SHOW(wrong);
    CHECK(ends(child) == 0);
}

TEST(much_input) {
    int master = open_master(0), slave = open_slave(master);
    enum { SIZE = 100000 };
    make_raw(slave);
    pid_t child = fork();
    if (child == 0) {
        close(master);
        char buffer[700];
        int place = 0, n;
        while (place < SIZE && (n = read(slave, buffer, sizeof buffer)) > 0)
            for (int i = 0; i < n; i++, place++) if (buffer[i] != (char)(place / 3)) _exit(1);
        _exit(place == SIZE ? 0 : 2);
    }
    char block[1000];
    for (int i = 0; i < SIZE; i += sizeof block) {
        for (unsigned j = 0; j < sizeof block; j++) block[j] = (i + j) / 3;
        for (unsigned done = 0; done < sizeof block;) {
            int n = write(master, block + done, sizeof block - done);
            REQUIRE(n > 0);
            done += n;
        }
    }
    CHECK(ends(child) == 0);
}

TEST(a_writer_that_nobody_reads) {
    int master = open_master(0), slave = open_slave(master);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    char block[4096];
    memset(block, 'x', sizeof block);
    long total = 0, n;
    while ((n = write(slave, block, sizeof block)) > 0) total += n;
    CHECK(n == -1 && errno == EAGAIN && total >= 4096);
    CHECK(ready(slave, POLLOUT, 0) == 0);
    long got = 0;
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    while (ready(master, POLLIN, 100) && (n = read(master, block, sizeof block)) > 0) got += n;
    CHECK(got == total);
    CHECK(ready(slave, POLLOUT, -1) == POLLOUT);
}

TEST(packets) {
    int master = open_master(0), slave = open_slave(master), on = 1, state = -1;
    CHECK(ioctl(master, TIOCGPKT, &state) == 0 && state == 0);
    CHECK_ERRNO(ioctl(master, TIOCPKT, (int*)8), EFAULT);
    CHECK(ioctl(master, TIOCPKT, &on) == 0 && ioctl(master, TIOCGPKT, &state) == 0 && state == 1);
    unsigned char buffer[16];
    CHECK(write(slave, "ab", 2) == 2);
    CHECK(ready(master, POLLIN | POLLPRI, -1) == POLLIN);
    CHECK(read(master, buffer, sizeof buffer) == 3 && memcmp(buffer, "\0ab", 3) == 0);
    CHECK(tcflow(slave, TCOOFF) == 0);
    CHECK(ready(master, POLLIN | POLLPRI, -1) == (POLLIN | POLLPRI));
    CHECK(read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    CHECK(tcflow(slave, TCOON) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    CHECK(tcflush(slave, TCIFLUSH) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    CHECK(tcflush(slave, TCOFLUSH) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    CHECK(tcflush(slave, TCIOFLUSH) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    struct termios t;
    tcgetattr(slave, &t);
    t.c_iflag &= ~IXON;
    CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    t.c_iflag |= IXON;
    CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    t.c_cc[VSTOP] = 1;
    CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && read(master, buffer, sizeof buffer) == 1);
    SHOW(buffer[0]);
    CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && ready(master, POLLIN | POLLPRI, 0) == 0);
    fd_set excepted;
    FD_ZERO(&excepted);
    FD_SET(master, &excepted);
    CHECK(tcflow(slave, TCOOFF) == 0 && select(master + 1, NULL, NULL, &excepted, NULL) == 1);
    CHECK(tcflow(slave, TCOON) == 0);
    on = 0;
    CHECK(ioctl(master, TIOCPKT, &on) == 0);
    CHECK(ready(master, POLLIN | POLLPRI, 0) == 0);
    CHECK(write(slave, "c", 1) == 1 && gives(master, "c"));
}

TEST(window_size) {
    int master = open_master(0), slave = open_slave(master);
    struct winsize w = {1, 1, 1, 1}, got;
    CHECK(ioctl(slave, TIOCGWINSZ, &w) == 0);
    say("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w = (struct winsize){24, 80, 640, 480};
    CHECK(ioctl(master, TIOCSWINSZ, &w) == 0 && ioctl(slave, TIOCGWINSZ, &got) == 0 && memcmp(&w, &got, sizeof w) == 0);
    w.ws_row = 25;
    CHECK(ioctl(slave, TIOCSWINSZ, &w) == 0 && ioctl(master, TIOCGWINSZ, &got) == 0 && memcmp(&w, &got, sizeof w) == 0);
    CHECK_ERRNO(ioctl(master, TIOCSWINSZ, (void*)8), EFAULT);
    CHECK_ERRNO(ioctl(slave, TIOCGWINSZ, (void*)8), EFAULT);
}

// ---------------------------------------------------------------- sessions

static volatile sig_atomic_t caught[65];
static void count(int number) { caught[number]++; }
static void catch(int number) {
    struct sigaction action = {.sa_handler = count};
    sigaction(number, &action, NULL);
}
static void await(int number) {
    for (int i = 0; i < 10000 && !caught[number]; i++) usleep(1000);
}
/// The child leads a session on the slave; the parent keeps the master.
static pid_t lead(int master, void (*run)(int slave)) {
    unlock(master);
    char name[64];
    strcpy(name, name_of(master));
    pid_t child = fork();
    if (child != 0) return child;
    close(master);
    failures = 0;
    setsid();
    int slave = open(name, O_RDWR);
    REQUIRE(slave >= 0);
    run(slave);
    _exit(failures != 0);
}

static void look_at_session(int slave) {
    int value = -1;
    CHECK(ioctl(slave, TIOCGSID, &value) == 0 && value == getpid());
    CHECK(tcgetpgrp(slave) == getpid() && tcgetsid(slave) == getpid());
    int own = open("/dev/tty", O_RDWR);
    CHECK(own >= 0 && tcgetpgrp(own) == getpid());
    CHECK(ioctl(own, TIOCSCTTY, 0) == 0);          // it is already
    CHECK_ERRNO(tcsetpgrp(slave, -1), EINVAL);
    CHECK_ERRNO(tcsetpgrp(slave, 0x3ffffff), ESRCH);
    CHECK_ERRNO(tcsetpgrp(slave, getppid()), EPERM);
    CHECK_ERRNO(ioctl(slave, TIOCSPGRP, (int*)8), EFAULT);
    char line[256];
    int stat = open("/proc/self/stat", O_RDONLY), n = read(stat, line, sizeof line - 1);
    line[n < 0 ? 0 : n] = 0;
    int session = 0, tty = 0;
    char* rest = strrchr(line, ')');
    CHECK(rest && sscanf(rest + 2, "%*c %*d %*d %d %d", &session, &tty) == 2 && session == getpid());
    struct stat st;
    CHECK(fstat(slave, &st) == 0 && tty == (int)st.st_rdev);
    signal(SIGHUP, SIG_IGN);
    CHECK(ioctl(own, TIOCNOTTY) == 0);
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    CHECK_ERRNO(tcgetpgrp(slave), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCNOTTY), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCGSID, &value), ENOTTY);
    CHECK(ioctl(slave, TIOCSCTTY, 0) == 0 && tcgetpgrp(slave) == getpid());
}

TEST(a_session) {
    int master = open_master(0), value;
    CHECK(ioctl(master, TIOCGPGRP, &value) == 0 && value == 0);
    CHECK_ERRNO(ioctl(master, TIOCGSID, &value), ENOTTY);
    CHECK(ends(lead(master, look_at_session)) == 0);
    int slave = open_slave(master);
    CHECK_ERRNO(tcgetpgrp(slave), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM);   // leads no session
}

static void steal(int slave) {
    (void)slave;
    write(slave, "s", 1);
    pause();
}
TEST(a_terminal_has_one_session) {
    int master = open_master(0), value = 0;
    pid_t first = lead(master, steal);
    CHECK(gives(master, "s"));
    CHECK(ioctl(master, TIOCGSID, &value) == 0 && value == first && ioctl(master, TIOCGPGRP, &value) == 0 && value == first);
    pid_t second = fork();
    if (second == 0) {
        setsid();
        int slave = open(name_of(master), O_RDWR);
        CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
        CHECK_ERRNO(ioctl(slave, TIOCSCTTY, 0), EPERM);
        if (geteuid() == 0) CHECK(ioctl(slave, TIOCSCTTY, 1) == 0 && tcgetsid(slave) == getpid());
        _exit(failures != 0);
    }
    CHECK(ends(second) == 0);
    kill(first, SIGKILL);
    ends(first);
}

static void typed_signals(int slave) {
    int signals[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
    for (int i = 0; i < 4; i++) catch(signals[i]);
    write(slave, "ready", 5);
    for (int i = 0; i < 4; i++) await(signals[i]);
    SHOW(caught[SIGINT]);
    SHOW(caught[SIGQUIT]);
    SHOW(caught[SIGTSTP]);
    SHOW(caught[SIGWINCH]);
    write(slave, "done", 4);
    char line[16];
    int n;
    do n = read(slave, line, sizeof line); while (n < 0 && errno == EINTR);
    CHECK(n == 3 && memcmp(line, "ok\n", 3) == 0);
}
TEST(signals_by_typing) {
    int master = open_master(0);
    pid_t child = lead(master, typed_signals);
    CHECK(gives(master, "ready"));
    CHECK(write(master, "lost", 4) == 4 && gives(master, "lost"));
    CHECK(write(master, "\003", 1) == 1 && gives(master, "^C"));
    CHECK(write(master, "\034", 1) == 1 && gives(master, "^\\"));
    CHECK(write(master, "\032", 1) == 1 && gives(master, "^Z"));
    struct winsize w = {10, 20, 0, 0};
    CHECK(ioctl(master, TIOCSWINSZ, &w) == 0);
    CHECK(gives(master, "done"));
    CHECK(write(master, "ok\n", 3) == 3);
    CHECK(ends(child) == 0);
}

static void wait_for_signals(int slave) {
    catch(SIGINT), catch(SIGQUIT), catch(SIGTSTP);
    write(slave, "ready", 5);
    await(SIGINT), await(SIGQUIT), await(SIGTSTP);
    CHECK(caught[SIGINT] == 1 && caught[SIGQUIT] == 1 && caught[SIGTSTP] == 1);
}
TEST(signals_by_ioctl) {
    int master = open_master(0);
    CHECK(ioctl(master, TIOCSIG, SIGINT) == 0);    // nobody is there
    CHECK_ERRNO(ioctl(master, TIOCSIG, SIGTERM), EINVAL);
    CHECK_ERRNO(ioctl(master, TIOCSIG, 0), EINVAL);
    pid_t child = lead(master, wait_for_signals);
    CHECK(gives(master, "ready"));
    CHECK(ioctl(master, TIOCSIG, SIGINT) == 0 && ioctl(master, TIOCSIG, SIGQUIT) == 0 && ioctl(master, TIOCSIG, SIGTSTP) == 0);
    CHECK(ends(child) == 0);
}

static int report_pipe[2];
static void hang(int slave) {
    char byte;
    catch(SIGHUP), catch(SIGCONT);
    write(slave, "ready", 5);
    int n = read(slave, &byte, 1);
    CHECK(n == 0 || (n == -1 && (errno == EINTR || errno == EIO)));
    await(SIGHUP), await(SIGCONT);
    CHECK(caught[SIGHUP] == 1 && caught[SIGCONT] == 1);
    CHECK(read(slave, &byte, 1) == 0);
    CHECK_ERRNO(write(slave, "x", 1), EIO);
    struct termios t;
    int value;
    CHECK_ERRNO(tcgetattr(slave, &t), EIO);
    CHECK_ERRNO(ioctl(slave, TIOCSPGRP, &value), ENOTTY);
    CHECK_ERRNO(ioctl(slave, FIONREAD, &value), EIO);
    int events = ready(slave, POLLIN | POLLOUT, 0);
    CHECK(events == (POLLIN | POLLOUT | POLLERR | POLLHUP));
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    write(report_pipe[1], failures ? "f" : "g", 1);
}
TEST(a_master_that_closes) {
    pipe(report_pipe);
    int master = open_master(0);
    pid_t child = lead(master, hang);
    CHECK(gives(master, "ready"));
    close(master);
    CHECK(gives(report_pipe[0], "g"));
    CHECK(ends(child) == 0);
}

static void leave_child(int slave) {
    pid_t child = fork();
    if (child == 0) {
        catch(SIGHUP);
        setpgid(0, 0);
        write(report_pipe[1], "r", 1);
        while (!caught[SIGHUP]) usleep(1000);
        char byte;
        write(report_pipe[1], "h", 1);
        CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
        CHECK(write(slave, "w", 1) == 1);          // a pty is not hung up by its session's end
        CHECK(read(slave, &byte, 1) == 1);
        write(report_pipe[1], failures ? "f" : "g", 1);
        _exit(0);
    }
    setpgid(child, child);
    CHECK(gives(report_pipe[0], "r"));
    CHECK(tcsetpgrp(slave, child) == 0);
}
TEST(a_leader_that_ends) {
    pipe(report_pipe);
    int master = open_master(0);
    pid_t child = lead(master, leave_child);
    CHECK(ends(child) == 0);
    CHECK(gives(report_pipe[0], "h"));
    CHECK(gives(master, "w"));
    CHECK(write(master, "\n", 1) == 1);
    CHECK(gives(report_pipe[0], "g"));
}

static void background(int slave) {
    signal(SIGTTOU, SIG_IGN);
    struct termios t;
    tcgetattr(slave, &t);
    for (int round = 0; round < 5; round++) {
        pid_t child = fork();
        if (child == 0) {
            setpgid(0, 0);
            signal(SIGTTOU, SIG_DFL);
            failures = 0;
            char byte;
            if (round == 0) read(slave, &byte, 1);
            if (round == 1) tcsetattr(slave, TCSANOW, &t);
            if (round == 2) tcsetpgrp(slave, getpid());
            if (round == 3) {
                signal(SIGTTIN, SIG_IGN), signal(SIGTTOU, SIG_IGN);
                CHECK_ERRNO(read(slave, &byte, 1), EIO);
                CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && write(slave, "b", 1) == 1);
                CHECK(tcsetpgrp(slave, getpid()) == 0 && tcgetpgrp(slave) == getpid());
            }
            if (round == 4) {
                CHECK(write(slave, "b", 1) == 1);
                t.c_lflag |= TOSTOP;
                signal(SIGTTOU, SIG_IGN);
                CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
                signal(SIGTTOU, SIG_DFL);
                write(slave, "c", 1);
            }
            _exit(failures != 0);
        }
        setpgid(child, child);
        int status = -1;
        CHECK(waitpid(child, &status, WUNTRACED) == child);
        say("round %d: %s %d\n", round, WIFSTOPPED(status) ? "stopped by" : "ended with", WIFSTOPPED(status) ? WSTOPSIG(status) : WEXITSTATUS(status));
        if (WIFSTOPPED(status)) {
            kill(child, SIGKILL);
            ends(child);
        }
        tcsetpgrp(slave, getpid());
    }
}
TEST(in_the_background) {
    int master = open_master(0);
    CHECK(ends(lead(master, background)) == 0);
}

static void orphans(int slave) {
    if (fork() == 0) {
        setpgid(0, 0);
        pid_t parent = getppid();
        write(report_pipe[1], "r", 1);
        (void)parent;
        pid_t child = fork();
        if (child != 0) _exit(0);
        usleep(1);
        while (getppid() != 1 && access("/proc/self", F_OK) == 0 && kill(getpgrp(), 0) == 0) usleep(1000);
        char byte;
        CHECK_ERRNO(read(slave, &byte, 1), EIO);   // nobody could continue it
        CHECK_ERRNO(tcsetpgrp(slave, getpgrp()), ENOTTY);
        struct termios t;
        tcgetattr(slave, &t);
        CHECK_ERRNO(tcsetattr(slave, TCSANOW, &t), EIO);
        write(report_pipe[1], failures ? "f" : "g", 1);
        _exit(0);
    }
    CHECK(gives(report_pipe[0], "r"));
    while (wait(NULL) > 0) {}
    CHECK(gives(report_pipe[0], "g"));
}
TEST(an_orphaned_group) {
    pipe(report_pipe);
    int master = open_master(0);
    CHECK(ends(lead(master, orphans)) == 0);
}

static void hang_up_self(int slave) {
    signal(SIGHUP, SIG_IGN);
    char byte;
    if (geteuid() == 0) {
        CHECK(syscall(SYS_vhangup) == 0);
        CHECK(read(slave, &byte, 1) == 0);
        CHECK_ERRNO(write(slave, "x", 1), EIO);
        CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    }
    setuid(65534);
    CHECK_ERRNO(syscall(SYS_vhangup), EPERM);
}
TEST(vhangup) {
    int master = open_master(0);
    CHECK(ends(lead(master, hang_up_self)) == 0);
    int slave = open_slave(master);                // it can be opened again
    CHECK(write(slave, "x", 1) == 1 && gives(master, "x"));
}

TEST(exclusive_use) {
    int master = open_master(0), slave = open_slave(master), value = -1;
    char name[64];
    strcpy(name, name_of(master));
    CHECK(ioctl(slave, TIOCGEXCL, &value) == 0 && value == 0);
    CHECK(ioctl(slave, TIOCEXCL) == 0 && ioctl(slave, TIOCGEXCL, &value) == 0 && value == 1);
    chmod(name, 0666);
    pid_t child = fork();
    if (child == 0) {
        setuid(65534);
        CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EBUSY);
        _exit(failures != 0);
    }
    CHECK(ends(child) == 0);
    CHECK(ioctl(slave, TIOCNXCL) == 0);
    child = fork();
    if (child == 0) {
        setuid(65534);
        CHECK(open(name, O_RDWR | O_NOCTTY) >= 0);
        _exit(failures != 0);
    }
    CHECK(ends(child) == 0);
}

TEST(rights_of_a_slave) {
    int master = open_master(0);
    unlock(master);
    char name[64];
    strcpy(name, name_of(master));
    CHECK(chmod(name, 0600) == 0);
    pid_t child = fork();
    if (child == 0) {
        setgid(65534), setuid(65534);
        CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EACCES);
        int mine = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        struct stat st;
        CHECK(mine >= 0 && stat(name_of(mine), &st) == 0 && st.st_uid == 65534);
        _exit(failures != 0);
    }
    CHECK(ends(child) == 0);
    CHECK(chmod(name, 0622) == 0 && chown(name, 1234, 1235) == 0);
    struct stat st;
    CHECK(stat(name, &st) == 0 && st.st_uid == 1234 && st.st_gid == 1235 && (st.st_mode & 0777) == 0622);
}

TEST(watched_by_epoll) {
    int master = open_master(0), slave = open_slave(master), set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = master}, got;
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, master, &event) == 0);
    event.data.fd = slave;
    CHECK(epoll_ctl(set, EPOLL_CTL_ADD, slave, &event) == 0);
    CHECK(epoll_wait(set, &got, 1, 0) == 0);
    write(slave, "x", 1);
    CHECK(epoll_wait(set, &got, 1, -1) == 1 && got.data.fd == master && got.events == EPOLLIN);
    CHECK(gives(master, "x"));
    make_raw(slave);
    write(master, "y", 1);
    CHECK(epoll_wait(set, &got, 1, -1) == 1 && got.data.fd == slave && got.events == EPOLLIN);
    CHECK(gives(slave, "y"));
    close(master);
    CHECK(epoll_wait(set, &got, 1, -1) == 1 && got.data.fd == slave && (got.events & EPOLLHUP));
}

TEST(many_at_once) {
    for (int round = 0; round < 20; round++) {
        pid_t children[8];
        for (int i = 0; i < 8; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                for (int j = 0; j < 5; j++) {
                    int master = open_master(0), slave = open_slave(master);
                    write(slave, "abc", 3);
                    if (!gives(master, "abc")) _exit(1);
                    if (j & 1) close(slave), close(master);
                    else close(master), close(slave);
                }
                _exit(failures != 0);
            }
        }
        for (int i = 0; i < 8; i++) CHECK(ends(children[i]) == 0);
    }
}

