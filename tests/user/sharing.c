// SPDX-License-Identifier: MIT
// Each flag of clone, unshare and close_range by its effect: what two threads or processes have in common, one changes and the other sees.
#include "test.h"

#include <sys/prctl.h>

enum { SHARED_VM = CLONE_VM, THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD };

static char stack[65536] __attribute__((aligned(16)));
static int volatile step;
static int tid_word, descriptor;

static void await(int value) {
    while (step != value) sched_yield();
}
static int run(int (*body)(void*), long flags) {
    step = 0;
    return clone(body, stack + sizeof stack, flags, NULL, &tid_word, NULL, &tid_word);
}
static void leave(void) {
    step = 100;
    syscall(SYS_exit, 0);
}
/// Ended: a process is reaped, a thread has cleared its word.
static void join(int id, long flags) {
    if (flags & CLONE_THREAD) {
        await(100);
        sleep_ms(2);
    } else {
        CHECK(waitpid(id, NULL, __WALL) == id);
    }
}

// ---------------------------------------------------------------- CLONE_FILES

static int opens_and_closes(void* unused) {
    int fd = syscall(SYS_dup3, 1, 777, 0);
    syscall(SYS_close, descriptor);
    step = 1 + (fd != 777);
    leave();
    return unused != NULL;
}
static void files(char const* name, long flags) {
    descriptor = dup(1);
    int id = run(opens_and_closes, flags);
    REQUIRE(id > 0);
    join(id, flags);
    say("%s: its new one %s here, the one it closes %s\n", name, fcntl(777, F_GETFD) >= 0 ? "is" : "is not", fcntl(descriptor, F_GETFD) >= 0 ? "stays" : "goes");
    close(777);
    close(descriptor);
}

TEST(clone_files) {
    files("process, CLONE_FILES", CLONE_VM | CLONE_FILES | SIGCHLD);
    files("process without", CLONE_VM | SIGCHLD);
    files("thread, CLONE_FILES", THREAD | CLONE_FILES);
    files("thread without", THREAD);
}

// ---------------------------------------------------------------- CLONE_FS

static int changes_names(void* unused) {
    CHECK(chdir("/") == 0);
    umask(0123);
    leave();
    return unused != NULL;
}
static void names(char const* name, long flags) {
    char before[256], after[256];
    umask(022);
    CHECK(getcwd(before, sizeof before) != NULL);
    int id = run(changes_names, flags);
    REQUIRE(id > 0);
    join(id, flags);
    CHECK(getcwd(after, sizeof after) != NULL);
    say("%s: directory %s, umask %o\n", name, strcmp(after, "/") ? "stays" : "changes", umask(022));
    CHECK(chdir(before) == 0);
}

TEST(clone_fs) {
    names("process, CLONE_FS", CLONE_VM | CLONE_FS | SIGCHLD);
    names("process without", CLONE_VM | SIGCHLD);
    names("thread, CLONE_FS", THREAD | CLONE_FS);
    names("thread without", THREAD);
}

// ---------------------------------------------------------------- CLONE_SIGHAND, CLONE_CLEAR_SIGHAND

static void handler(int number) { (void)number; }
static int changes_action(void* unused) {
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    leave();
    return unused != NULL;
}
static void actions(char const* name, long flags) {
    struct sigaction one, two;
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    int id = run(changes_action, flags);
    REQUIRE(id > 0);
    join(id, flags);
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    say("%s: %s, %s\n", name, one.sa_handler == handler ? "its handler" : "default", two.sa_handler == SIG_IGN ? "ignored" : "default");
}
static int shares_on(void* unused) {
    // A copy of what is in common is not.
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, SIG_IGN);
        _exit(0);
    }
    CHECK(wait_for(child) == 0);
    return changes_action(unused);
}

TEST(clone_sighand) {
    actions("process, CLONE_SIGHAND", CLONE_VM | CLONE_SIGHAND | SIGCHLD);
    actions("process without", CLONE_VM | SIGCHLD);
    actions("thread", THREAD | CLONE_FS | CLONE_FILES);
    signal(SIGUSR1, SIG_DFL);
    int id = run(shares_on, CLONE_VM | CLONE_SIGHAND | SIGCHLD);
    REQUIRE(id > 0);
    signal(SIGHUP, handler);
    join(id, 0);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    CHECK(now.sa_handler == handler);
    // exec and the end of the other leave one's own as it is.
    id = fork();
    if (id == 0) {
        sigaction(SIGHUP, NULL, &now);
        _exit(now.sa_handler != handler);
    }
    CHECK(wait_for(id) == 0);
    struct clone_args { unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } request = {.flags = 0x100000000, .exit_signal = SIGCHLD};
    id = syscall(SYS_clone3, &request, sizeof request);
    if (id == 0) {
        sigaction(SIGHUP, NULL, &now);
        _exit(now.sa_handler != SIG_DFL);
    }
    CHECK(wait_for(id) == 0);
}

// ---------------------------------------------------------------- which combinations there are

static int nothing(void* unused) {
    syscall(SYS_exit, 0);
    return unused != NULL;
}
TEST(clone_combinations) {
    static struct { char const* name; long flags; } const rows[] = {
        {"SIGHAND without VM", CLONE_SIGHAND},
        {"THREAD without SIGHAND", CLONE_THREAD | CLONE_VM},
        {"THREAD without VM", CLONE_THREAD | CLONE_SIGHAND},
        {"VM, SIGHAND", CLONE_VM | CLONE_SIGHAND},
        {"FS", CLONE_FS},
        {"FS, FILES", CLONE_FS | CLONE_FILES},
        {"VM, FS, FILES, SIGHAND", CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND},
        {"SYSVSEM, IO", CLONE_SYSVSEM | CLONE_IO},
        {"DETACHED, UNTRACED, PTRACE", CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE},
        {"PARENT", CLONE_PARENT},
        {"exit signal 65", 65},
        {"exit signal 255", 255},
        {"exit signal 0", 0},
        {"thread", THREAD},
        {"thread, FS", THREAD | CLONE_FS},
        {"thread, FILES", THREAD | CLONE_FILES},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; ++i) {
        errno = 0;
        long signal_number = (rows[i].flags & CSIGNAL) || strstr(rows[i].name, "signal") || (rows[i].flags & CLONE_THREAD) ? 0 : SIGCHLD;
        int id = clone(nothing, stack + sizeof stack, rows[i].flags | signal_number, NULL);
        say("%s: %s\n", rows[i].name, id > 0 ? "made" : errno == EINVAL ? "EINVAL" : "another errno");
        if (id > 0 && !(rows[i].flags & (CLONE_THREAD | CLONE_PARENT))) CHECK(waitpid(id, NULL, __WALL) == id);
        if (id > 0) sleep_ms(2);
    }
}

// ---------------------------------------------------------------- close_range

static int closes_range(void* flags) {
    CHECK(syscall(SYS_close_range, descriptor, descriptor, (int)(long)flags) == 0);
    step = fcntl(descriptor, F_GETFD) + 10;      // 9: closed here; 10, 11: open
    syscall(SYS_exit, 0);
    return 0;
}
static void range(char const* name, long flags, long range_flags) {
    descriptor = dup(1);
    step = 0;
    int id = clone(closes_range, stack + sizeof stack, flags, (void*)range_flags);
    REQUIRE(id > 0);
    while (step == 0) sched_yield();
    if (flags & CLONE_THREAD) sleep_ms(2);
    else CHECK(waitpid(id, NULL, __WALL) == id);
    say("%s: there %d, here %d\n", name, step - 10, fcntl(descriptor, F_GETFD));
    close(descriptor);
}

TEST(close_range_flags) {
    enum { UNSHARE = 2, ON_EXEC = 4 };
    range("process, shared", CLONE_VM | CLONE_FILES | SIGCHLD, 0);
    range("process, UNSHARE", CLONE_VM | CLONE_FILES | SIGCHLD, UNSHARE);
    range("process, UNSHARE and CLOEXEC", CLONE_VM | CLONE_FILES | SIGCHLD, UNSHARE | ON_EXEC);
    range("process, CLOEXEC", CLONE_VM | CLONE_FILES | SIGCHLD, ON_EXEC);
    range("own table, UNSHARE", CLONE_VM | SIGCHLD, UNSHARE);
    range("thread, shared", THREAD | CLONE_FILES | CLONE_FS, 0);
    range("thread, UNSHARE", THREAD | CLONE_FILES | CLONE_FS, UNSHARE);
    CHECK_ERRNO(syscall(SYS_close_range, 9, 8, UNSHARE), EINVAL);
}

// ---------------------------------------------------------------- unshare

static int leaves_common(void* flags) {
    CHECK(unshare((int)(long)flags) == 0);
    return changes_names(NULL) + opens_and_closes(NULL);
}
TEST(unshare_flags) {
    char before[256], after[256];
    CHECK(getcwd(before, sizeof before) != NULL);
    for (int i = 0; i < 2; ++i) {
        long flags = i ? THREAD | CLONE_FS | CLONE_FILES : CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD;
        umask(022);
        step = 0;
        int id = clone(leaves_common, stack + sizeof stack, flags, (void*)(long)(CLONE_FS | CLONE_FILES));
        REQUIRE(id > 0);
        join(id, flags);
        CHECK(getcwd(after, sizeof after) && !strcmp(before, after) && umask(022) == 022 && fcntl(777, F_GETFD) == -1);
    }
    CHECK(unshare(0) == 0 && unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD) == 0);
    CHECK_ERRNO(unshare(CLONE_CHILD_SETTID), EINVAL);
    CHECK_ERRNO(unshare(CSIGNAL), EINVAL);
}

// ---------------------------------------------------------------- exec leaves what it shared

static int executes(void* unused) {
    execl("/proc/self/exe", "sharing", "--close", (char*)NULL);
    _exit(unused != NULL);
}
void when_executed(int count, char** words) {
    if (count > 1 && !strcmp(words[1], "--close")) {
        for (int fd = 3; fd < 20; ++fd) close(fd);
        _exit(0);
    }
}
TEST(exec_has_tables_of_its_own) {
    descriptor = dup(1);
    int id = clone(executes, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, NULL);
    REQUIRE(id > 0);
    CHECK(wait_for(id) == 0);
    CHECK(fcntl(descriptor, F_GETFD) == 0);
}
