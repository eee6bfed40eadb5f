// SPDX-License-Identifier: MIT
// Processes: who may become whom, signal whom, change whose priority and limits, look into whose /proc; what
// set-user-ID programs get. Runs as root in its own folder.
// timeout: 60
#include "permissions.h"

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void show_ids(void) {
    unsigned r, e, s, gr, ge, gs;
    syscall(SYS_getresuid, &r, &e, &s);
    syscall(SYS_getresgid, &gr, &ge, &gs);
    say("  uids %d %d %d fs %ld, gids %d %d %d fs %ld\n", r, e, s, syscall(SYS_setfsuid, -1), gr, ge, gs, syscall(SYS_setfsgid, -1));
}

#define CHILD(what) \
    for (pid_t child_ = (say(" %s\n", what), fork()), once_ = 1; once_; \
         once_ = 0, child_ == 0 ? _exit(failures != 0) : (void)CHECK(ended_with(wait_for(child_), 0))) \
        if (child_ == 0)

#define IDS(call) do { TELL(call); show_ids(); } while (0)

TEST(becoming_another) {
    CHILD("setuid as root") { IDS(syscall(SYS_setuid, ALICE)); IDS(syscall(SYS_setuid, 0)); IDS(syscall(SYS_setuid, ALICE)); TELL(syscall(SYS_setuid, -1)); }
    CHILD("setgid as root") { IDS(syscall(SYS_setgid, TEAM)); IDS(syscall(SYS_setuid, ALICE)); IDS(syscall(SYS_setgid, 0)); TELL(syscall(SYS_setgid, -1)); }
    CHILD("setuid to a saved one") {
        syscall(SYS_setresuid, ALICE, BOB, 5);
        IDS(syscall(SYS_setuid, BOB));
        IDS(syscall(SYS_setuid, 5));
        IDS(syscall(SYS_setuid, ALICE));
        IDS(syscall(SYS_setuid, BOB));
    }
    CHILD("setreuid") {
        IDS(syscall(SYS_setreuid, -1, ALICE));
        IDS(syscall(SYS_setreuid, -1, 0));
        IDS(syscall(SYS_setreuid, ALICE, -1));
        IDS(syscall(SYS_setreuid, ALICE, BOB));
        IDS(syscall(SYS_setreuid, BOB, ALICE));
        IDS(syscall(SYS_setreuid, -1, BOB));
        IDS(syscall(SYS_setreuid, 0, -1));
        IDS(syscall(SYS_setreuid, -1, 0));
        IDS(syscall(SYS_setreuid, -1, -1));
    }
    CHILD("setregid") {
        IDS(syscall(SYS_setregid, TEAM, OTHERS));
        syscall(SYS_setresuid, ALICE, ALICE, ALICE);
        IDS(syscall(SYS_setregid, OTHERS, TEAM));
        IDS(syscall(SYS_setregid, -1, OTHERS));
        IDS(syscall(SYS_setregid, 0, -1));
    }
    CHILD("setresuid") {
        IDS(syscall(SYS_setresuid, 1, 2, 3));
        IDS(syscall(SYS_setresuid, 3, 1, 2));
        IDS(syscall(SYS_setresuid, -1, 4, -1));
        IDS(syscall(SYS_setresuid, 1, -1, 4));
        IDS(syscall(SYS_setresuid, -1, 3, -1));
        TELL(syscall(SYS_getresuid, 8, 8, 8));
    }
    CHILD("setresgid") {
        IDS(syscall(SYS_setresgid, 1, 2, 3));
        syscall(SYS_setresuid, 1, 1, 1);
        IDS(syscall(SYS_setresgid, 3, 3, 1));
        IDS(syscall(SYS_setresgid, 2, -1, -1));
    }
    CHILD("setfsuid") {
        SHOW(syscall(SYS_setfsuid, ALICE));
        show_ids();
        SHOW(syscall(SYS_setfsgid, TEAM));
        show_ids();
        IDS(syscall(SYS_setresuid, 1, 2, 3));
        SHOW(syscall(SYS_setfsuid, 3));
        SHOW(syscall(SYS_setfsuid, 4));
        show_ids();
        IDS(syscall(SYS_setreuid, -1, -1));
    }
}

static pid_t victim(unsigned real, unsigned effective, unsigned saved, int own_session) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, SIG_IGN);
        signal(SIGRTMIN, SIG_IGN);
        if (own_session) setsid();
        syscall(SYS_setresuid, real, effective, saved);
        write(ready[1], "x", 1);
        for (;;) pause();
    }
    char c;
    REQUIRE(read(ready[0], &c, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}
static void finish(pid_t child) {
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(killed_by(wait_for(child), SIGKILL));
}

static long queue_info(pid_t pid, int number, int code) {
    siginfo_t info = {0};
    info.si_signo = number;
    info.si_code = code;
    return syscall(SYS_rt_sigqueueinfo, pid, number, &info);
}
static long queue_to_thread(pid_t group, pid_t tid, int number, int code) {
    siginfo_t info = {0};
    info.si_code = code;
    return syscall(SYS_rt_tgsigqueueinfo, group, tid, number, &info);
}

static void try_signals(pid_t target) {
    TELL(kill(target, 0));
    TELL(kill(target, SIGUSR1));
    TELL(kill(target, SIGCONT));
    TELL(kill(target, 65));
    TELL(syscall(SYS_tkill, target, SIGUSR1));
    TELL(syscall(SYS_tgkill, target, target, SIGUSR1));
    TELL(queue_info(target, SIGRTMIN, SI_QUEUE));
    TELL(queue_info(target, SIGRTMIN, SI_USER));
    TELL(queue_info(target, SIGRTMIN, SI_TKILL));
    TELL(queue_to_thread(target, target, SIGRTMIN, SI_QUEUE));
    TELL(queue_to_thread(target, target, SIGRTMIN, SI_TKILL));
}

TEST(who_may_signal) {
    struct { unsigned real, effective, saved; int session; char const* name; } const rows[] = {
        {ALICE, ALICE, ALICE, 0, "alice"}, {BOB, BOB, BOB, 0, "bob in the same session"}, {BOB, BOB, BOB, 1, "bob elsewhere"},
        {BOB, ALICE, BOB, 1, "effective alice"}, {BOB, BOB, ALICE, 1, "saved alice"}, {ALICE, BOB, BOB, 1, "real alice"}, {0, 0, 0, 1, "root"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; ++i) {
        pid_t target = victim(rows[i].real, rows[i].effective, rows[i].saved, rows[i].session);
        say(" to %s\n", rows[i].name);
        AS(ALICE, ALICE, "a user") try_signals(target);
        if (i == 1) {
            CHILD("real alice, effective stranger") {
                syscall(SYS_setresuid, ALICE, 3000, 3000);
                TELL(kill(target, SIGUSR1));
            }
            CHILD("real stranger, effective bob") {
                syscall(SYS_setresuid, 3000, BOB, 3000);
                TELL(kill(target, SIGUSR1));
            }
            CHILD("saved bob only") {
                syscall(SYS_setresuid, 3000, 3000, BOB);
                TELL(kill(target, SIGUSR1));
            }
            say(" as root\n");
            try_signals(target);
        }
        finish(target);
    }
    TELL(queue_info(0, SIGRTMIN, SI_QUEUE));
    TELL(queue_info(-1, SIGRTMIN, SI_QUEUE));
    TELL(queue_info(1 << 30, SIGRTMIN, SI_QUEUE));
    TELL(queue_info(getpid(), 65, SI_QUEUE));
    TELL(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, 8));
    TELL(queue_to_thread(0, 1, SIGRTMIN, SI_QUEUE));
    TELL(queue_to_thread(getpid(), 1 << 30, SIGRTMIN, SI_QUEUE));
    TELL(queue_to_thread(getpid() + 1, getpid(), SIGRTMIN, SI_QUEUE));
}

TEST(what_a_signal_says) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    siginfo_t info = {0}, got;
    info.si_code = SI_QUEUE;
    info.si_pid = 77;
    info.si_uid = 88;
    info.si_value.sival_ptr = (void*)0x123456789a;
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) == 0);
    CHECK(sigwaitinfo(&set, &got) == SIGRTMIN);
    say(" %d %d %d %d %lx\n", got.si_signo == SIGRTMIN, got.si_code, got.si_pid, got.si_uid, (long)got.si_value.sival_ptr);
    info.si_code = SI_TKILL;
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info) == 0);
    CHECK(sigwaitinfo(&set, &got) == SIGUSR1);
    say(" %d %d %d\n", got.si_code, got.si_pid, got.si_uid);
}

TEST(priorities_and_limits) {
    struct { unsigned real, effective, saved; } const rows[] = {{ALICE, ALICE, ALICE}, {BOB, BOB, BOB}, {ALICE, BOB, BOB}, {BOB, ALICE, BOB}, {0, 0, 0}};
    struct rlimit limit = {1000, 4096}, old;
    for (unsigned i = 0; i < 5; ++i) {
        pid_t target = victim(rows[i].real, rows[i].effective, rows[i].saved, 1);
        say(" of %d %d %d\n", rows[i].real, rows[i].effective, rows[i].saved);
        AS(ALICE, 0, "a user") {
            TELL(setpriority(PRIO_PROCESS, target, 5));
            TELL(setpriority(PRIO_PROCESS, target, 5));
            TELL(setpriority(PRIO_PROCESS, target, 4));
            TELL(prlimit(target, RLIMIT_CORE, NULL, &old));
            limit.rlim_cur = 0, limit.rlim_max = 0;
            TELL(prlimit(target, RLIMIT_CORE, &limit, NULL));
            limit.rlim_max = 1;
            TELL(prlimit(target, RLIMIT_CORE, &limit, NULL));
            TELL(syscall(SYS_prlimit64, target, RLIMIT_CORE, 8, NULL));
        }
        TELL(setpriority(PRIO_PROCESS, target, -5));
        finish(target);
    }
    AS(ALICE, ALICE, "itself") {
        TELL(setpriority(PRIO_PROCESS, 0, -1));
        TELL(setpriority(PRIO_PROCESS, 0, 3));
        TELL(setpriority(PRIO_PROCESS, 0, 2));
        TELL(nice(-1));
    }
}

static void show_layout(pid_t pid);
static void try_proc(pid_t pid) {
    show_layout(pid);
    static char const* const files[] = {"environ", "auxv", "maps", "stat", "status", "cmdline", "comm", "fd", "limits"};
    char path[64], text[64];
    for (unsigned i = 0; i < sizeof files / sizeof *files; ++i) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        int fd = open(path, O_RDONLY);
        say("  open %s: %s\n", files[i], fd < 0 ? error_name(errno) : "ok");
        close(fd);
    }
    static char const* const links[] = {"exe", "cwd", "root", "fd/1"};
    for (unsigned i = 0; i < sizeof links / sizeof *links; ++i) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
        say("  readlink %s: %s\n", links[i], readlink(path, text, sizeof text) < 0 ? error_name(errno) : "ok");
        say("  stat %s: %s\n", links[i], stat(path, &(struct stat){0}) < 0 ? error_name(errno) : "ok");
    }
}
/// Whether stat tells where the process's arguments and environment lie (fields 48 to 51 of proc(5)).
static void show_layout(pid_t pid) {
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY), shown = 0, field = 2;
    read(fd, text, sizeof text - 1);
    close(fd);
    char* rest = strrchr(text, ')');
    for (char* word = rest ? strtok(rest + 1, " \n") : NULL; word; word = strtok(NULL, " \n"))
        if (++field >= 48 && field <= 51) shown += strcmp(word, "0") != 0;
    say("  stat shows %d addresses\n", shown);
}
static void show_owners(pid_t pid) {
    static char const* const names[] = {"", "/stat", "/environ", "/exe"};
    struct stat s;
    char path[64];
    for (int i = 0; i < 4; ++i) {
        snprintf(path, sizeof path, "/proc/%d%s", pid, names[i]);
        CHECK(lstat(path, &s) == 0);
        say("  owner of PID%s: %d:%d\n", names[i], s.st_uid, s.st_gid);
    }
}

/// Run by exec as another program of this file: `wait FD` says ready and waits.
void when_executed(int argument_count, char** arguments) {
    if (argument_count < 2) return;
    if (!strcmp(arguments[1], "--wait")) {
        write(atoi(arguments[2]), "x", 1);
        for (;;) pause();
    }
    if (!strcmp(arguments[1], "--report")) {
        show_ids();
        say("  secure %ld, dumpable %d\n", getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
        say("  aux ids %ld %ld %ld %ld\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID));
        say("  death signal %d\n", (prctl(PR_GET_PDEATHSIG, &argument_count), argument_count));
        show_owners(getpid());
        _exit(0);
    }
}

static pid_t start_program(char const* path, unsigned uid, unsigned gid) {
    int ready[2];
    char number[12], c;
    REQUIRE(pipe(ready) == 0);
    snprintf(number, sizeof number, "%d", ready[1]);
    pid_t child = fork();
    if (child == 0) {
        become(uid, gid);
        execl(path, path, "--wait", number, (char*)0);
        _exit(9);
    }
    REQUIRE(read(ready[0], &c, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

TEST(looking_into_others) {
    copy_self("program", 0, 0, 0755);
    copy_self("secret", 0, 0, 0711);
    copy_self("suid", BOB, BOB, 04755);
    pid_t alice = start_program("./program", ALICE, ALICE), secret = start_program("./secret", ALICE, ALICE);
    pid_t suid = start_program("./suid", ALICE, ALICE), changed = victim(ALICE, ALICE, ALICE, 1);
    pid_t const all[] = {alice, secret, suid, changed, getpid()};
    char const* const names[] = {"a program", "one that cannot be read", "a set-user-ID one", "one that changed its user", "root's"};
    for (int i = 0; i < 5; ++i) {
        say(" %s\n", names[i]);
        show_owners(all[i]);
        AS(ALICE, ALICE, "its user") try_proc(all[i]);
        AS(BOB, BOB, "another") try_proc(all[i]);
        AS(ALICE, TEAM, "its user in another group") try_proc(all[i]);
    }
    say(" as root\n");
    try_proc(suid);
    say(" itself after a change\n");
    AS(ALICE, ALICE, "changed") {
        SHOW(prctl(PR_GET_DUMPABLE));
        try_proc(getpid());
        TELL(prctl(PR_SET_DUMPABLE, 1));
        try_proc(getpid());
        TELL(prctl(PR_SET_DUMPABLE, 2));
    }
    for (int i = 0; i < 4; ++i) finish(all[i]);
}

static void report(char const* path, unsigned uid, unsigned gid, int no_new) {
    say(" %s as %d:%d%s\n", path, uid, gid, no_new ? ", no new privileges" : "");
    pid_t child = fork();
    if (child == 0) {
        become(uid, gid);
        prctl(PR_SET_PDEATHSIG, SIGUSR2);
        if (no_new) TELL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        execl(path, path, "--report", (char*)0);
        say("  exec: %s\n", error_name(errno));
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
}

TEST(set_user_id_programs) {
    copy_self("plain", BOB, BOB, 0755);
    copy_self("setuid", BOB, BOB, 04755);
    copy_self("setgid", BOB, TEAM, 02755);
    copy_self("setgid_lock", BOB, TEAM, 02745);
    copy_self("both", 0, 0, 06755);
    copy_self("private", BOB, BOB, 04711);
    copy_self("not_mine", BOB, BOB, 04700);
    copy_self("no_execute", 0, 0, 04644);
    char const* const paths[] = {"./plain", "./setuid", "./setgid", "./setgid_lock", "./both", "./private", "./not_mine", "./no_execute"};
    for (int i = 0; i < 8; ++i) {
        report(paths[i], ALICE, ALICE, 0);
        report(paths[i], BOB, BOB, 0);
        report(paths[i], 0, 0, 0);
    }
    report("./both", ALICE, ALICE, 1);
    TELL(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TELL(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    TELL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int fd = open("script", O_CREAT | O_WRONLY, 0755);
    dprintf(fd, "#!./setuid --report\n");
    fchown(fd, 0, 0);
    fchmod(fd, 06755);
    close(fd);
    report("./script", ALICE, ALICE, 0);
}

TEST(what_takes_privilege) {
    AS(ALICE, ALICE, "a user") {
        TELL(sethostname("x", 1));
        TELL(chroot("."));
        TELL(syscall(SYS_mount, "none", ".", "tmpfs", 0, NULL));
        TELL(syscall(SYS_umount2, ".", 0));
        struct timespec t = {1, 0};
        TELL(clock_settime(CLOCK_REALTIME, &t));
        TELL(syscall(SYS_setdomainname, "x", 1));
        TELL(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0));
    }
}
