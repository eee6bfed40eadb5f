// SPDX-License-Identifier: MIT
// Flags and commands by what they do. EFFECT(call, FLAG) { … saw("…") … } runs twice, each time in a child and a folder of its
// own: with `flag` 0 and `on` 0, and with `flag` as it is named and `on` 1. What it saw must differ, and with the flag be
// Linux's. tools/check-flags holds these cases against kernel/syscall/flags.def: each that is honoured has one.
//   EFFECT_BY(function, call, FLAG)      a case whose body is shared
//   NO_EFFECT(call, FLAG, "reason")      nothing to see, on Linux neither
#pragma once
#include "test.h"
#include "task_state.h"

#include <dirent.h>
#include <sys/time.h>

#include "../../kernel/syscall/flag_values.h"

typedef void see_function(char const* call, unsigned long flag, int on);
struct effect { char const *call, *name; unsigned long flag; see_function* see; char const* reason; };
extern struct effect const __start_flag_effects[], __stop_flag_effects[];

#define EFFECT(call, flag_name)                                                                      \
    static see_function see_##call##_##flag_name;                                                    \
    __attribute__((section("flag_effects"), used, aligned(8)))                                       \
    static struct effect const effect_##call##_##flag_name = {#call, #flag_name, flag_name, see_##call##_##flag_name, NULL}; \
    static void see_##call##_##flag_name(char const* call_name __attribute__((unused)), unsigned long flag __attribute__((unused)), int on __attribute__((unused)))
#define EFFECT_BY(function, call, flag_name)                                                         \
    __attribute__((section("flag_effects"), used, aligned(8)))                                       \
    static struct effect const effect_##call##_##flag_name = {#call, #flag_name, flag_name, function, NULL};
#define NO_EFFECT(call, flag_name, why)                                                              \
    __attribute__((section("flag_effects"), used, aligned(8)))                                       \
    static struct effect const effect_##call##_##flag_name = {#call, #flag_name, 0, NULL, why};
#define SHARED_BODY(name) static void name(char const* call_name __attribute__((unused)), unsigned long flag __attribute__((unused)), int on __attribute__((unused)))

enum { SEEN = 300 };
static char* seen;

static void saw(char const* format, ...) __attribute__((format(printf, 1, 2), unused));
static void saw(char const* format, ...) {
    size_t const used = strlen(seen);
    va_list arguments;
    va_start(arguments, format);
    if (used) strcat(seen, ", ");
    vsnprintf(seen + strlen(seen), SEEN - strlen(seen), format, arguments);
    va_end(arguments);
}

/// The number, or the name of the error. Four may be in one line.
static char const* result(long value) __attribute__((unused));
static char const* result(long value) {
    static char texts[4][24];
    static int next;
    static struct { int number; char const* name; } const names[] = {
        {EAGAIN, "EAGAIN"}, {EINVAL, "EINVAL"}, {EEXIST, "EEXIST"}, {EINTR, "EINTR"}, {ENOENT, "ENOENT"}, {EPERM, "EPERM"}, {EACCES, "EACCES"},
        {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"}, {EFAULT, "EFAULT"}, {ENOSYS, "ENOSYS"}, {EBADF, "EBADF"}, {ENOMEM, "ENOMEM"},
        {EPIPE, "EPIPE"}, {EMSGSIZE, "EMSGSIZE"}, {ECHILD, "ECHILD"}, {EBUSY, "EBUSY"}, {E2BIG, "E2BIG"}, {ENOTEMPTY, "ENOTEMPTY"},
        {ETIMEDOUT, "ETIMEDOUT"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {EROFS, "EROFS"}, {ENODEV, "ENODEV"}, {ENXIO, "ENXIO"}, {ENOMSG, "ENOMSG"},
        {ESRCH, "ESRCH"}, {EDEADLK, "EDEADLK"}, {ESPIPE, "ESPIPE"}, {ECANCELED, "ECANCELED"}, {ECONNRESET, "ECONNRESET"}, {ENOTSOCK, "ENOTSOCK"},
        {EIDRM, "EIDRM"}, {EAFNOSUPPORT, "EAFNOSUPPORT"}, {ERANGE, "ERANGE"}, {ENOPROTOOPT, "ENOPROTOOPT"}, {ETXTBSY, "ETXTBSY"}, {ENOSPC, "ENOSPC"},
    };
    char* const text = texts[next++ % 4];
    int const error = errno;
    if (value == -1) {
        for (unsigned i = 0; i < sizeof names / sizeof *names; ++i)
            if (names[i].number == error) return names[i].name;
        snprintf(text, sizeof *texts, "errno %d", error);
    } else {
        snprintf(text, sizeof *texts, "%ld", value);
    }
    return text;
}

static void interrupts(int number) { (void)number; }
/// From now on a call that sleeps ends with EINTR, soon.
static void do_not_wait(void) __attribute__((unused));
static void do_not_wait(void) {
    struct sigaction action = {.sa_handler = interrupts};
    struct itimerval const often = {{0, 20000}, {0, 20000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static int make_file(char const* name, char const* text) __attribute__((unused));
static int make_file(char const* name, char const* text) {
    int const fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

/// Never -1, which kill(2) would take for all.
static pid_t forked(void) {
    pid_t const child = fork();
    REQUIRE(child >= 0);
    return child;
}

/// Until the task is in one of these states (proc(5)), or has ended, or two seconds have passed.
static void await_state(pid_t task, char const* states) __attribute__((unused));
static void await_state(pid_t task, char const* states) {
    for (int turn = 0; turn < 2000; ++turn) {
        char const state = state_of(task);
        if (state == 0 || state == 'Z' || strchr(states, state)) return;
        struct timespec const rest = {0, 1000000};
        nanosleep(&rest, NULL);
    }
}
static char stack[65536] __attribute__((aligned(16), unused));
static volatile sig_atomic_t handled __attribute__((unused));
static void count_signal(int number) {
    (void)number;
    ++handled;
}
static void install(int number, int flags) __attribute__((unused));
static void install(int number, int flags) {
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};
    REQUIRE(sigaction(number, &action, NULL) == 0);
}

/// Until it is so, or as long as what must not happen is waited for.
#define UNTIL(condition) for (int turn_ = 0; turn_ < 120 && !(condition); ++turn_) sleep_ms(1)

static void run_in_folder(struct effect const* effect, int on) {
    REQUIRE(mkdir("flag", 0777) == 0);
    pid_t const child = forked();
    if (child == 0) {
        failures = 0;
        setpgid(0, 0);
        REQUIRE(chdir("flag") == 0);
        effect->see(effect->call, on ? effect->flag : 0, on);
        _exit(failures != 0);
    }
    setpgid(child, child);
    int status = -1;
    for (int tick = 0; waitpid(child, &status, WNOHANG) == 0; ++tick) {
        if (tick == 10000) {
            strcat(seen, " hangs");
            kill(-child, SIGKILL);
        }
        struct timespec const rest = {0, tick < 20 ? 100000 : 1000000};
        nanosleep(&rest, NULL);
    }
    kill(-child, SIGKILL);
    if (WIFSIGNALED(status)) saw("ends by signal %d", WTERMSIG(status));
    else if (status) saw("fails");
    DIR* folder = opendir("flag");
    for (struct dirent* entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0)) unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
    }
    closedir(folder);
    CHECK(rmdir("flag") == 0);
}

TEST(effects) {
    seen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char const* const only = getenv("FLAG");
    for (struct effect const* effect = __start_flag_effects; effect != __stop_flag_effects; ++effect) {
        if (only && strcmp(only, effect->name)) continue;
        if (!effect->see) {
            say("%s %s: no effect, %s\n", effect->call, effect->name, effect->reason);
            continue;
        }
        char without[SEEN];
        *seen = 0;
        run_in_folder(effect, 0);
        strcpy(without, seen);
        *seen = 0;
        run_in_folder(effect, 1);
        say("%s %s: %s (without: %s)\n", effect->call, effect->name, seen, without);
        CHECK(strcmp(seen, without) != 0 && !strstr(seen, "hangs") && !strstr(seen, "fails") && !strstr(without, "fails"));
    }
}
