// SPDX-License-Identifier: MIT
// The flags of calls that make processes and threads and wait for them, each by what it does (flag_effects.h).
#include "flag_effects.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000
#endif

static int volatile step;
static int word;
static void leave(int code) { syscall(SYS_exit, code); }

// ---------------------------------------------------------------- clone

/// Runs `body` in a new task with these flags; its id.
static int start(int (*body)(void*), unsigned long flags, void* argument) {
    return clone(body, stack + sizeof stack, flags, argument, &word, NULL, &word);
}
static int sets_step(void* unused) {
    step = 7;
    leave(unused != NULL);
    return 0;
}
static int ends[2];
static int writes_late(void* unused) {
    sleep_ms(60);
    write(ends[1], "", 1);
    leave(unused != NULL);
    return 0;
}
EFFECT(clone, CSIGNAL) {
    install(SIGUSR1, 0);
    REQUIRE(start(sets_step, on ? SIGUSR1 : 0, NULL) > 0);   // a mask of bits: one number
    while (waitpid(-1, NULL, __WALL) == -1 && errno == EINTR) { }
    saw("SIGUSR1 %d times", handled);
}
EFFECT(clone, CLONE_VM) {
    waitpid(start(sets_step, flag | SIGCHLD, NULL), NULL, 0);
    saw("step %d", step);
}
static int changes_mask(void* unused) {
    umask(0123);
    return unused != NULL;
}
EFFECT(clone, CLONE_FS) {
    umask(022);
    waitpid(start(changes_mask, flag | SIGCHLD, NULL), NULL, 0);
    saw("umask %o", umask(0));
}
static int opens(void* unused) {
    dup2(1, 300);
    return unused != NULL;
}
EFFECT(clone, CLONE_FILES) {
    waitpid(start(opens, flag | SIGCHLD, NULL), NULL, 0);
    saw("descriptor %s", result(fcntl(300, F_GETFD)));
}
static int handles(void* unused) {
    signal(SIGUSR1, SIG_IGN);
    return unused != NULL;
}
EFFECT(clone, CLONE_SIGHAND) {
    waitpid(start(handles, CLONE_VM | flag | SIGCHLD, NULL), NULL, 0);
    saw("%s", signal(SIGUSR1, SIG_DFL) == SIG_IGN ? "ignored" : "default");
}
NO_EFFECT(clone, CLONE_PTRACE, "nobody traces")
NO_EFFECT(clone, CLONE_UNTRACED, "nobody traces")
NO_EFFECT(clone, CLONE_DETACHED, "ignored since Linux 2.6")
NO_EFFECT(clone, CLONE_IO, "it is about a disk's queue")
EFFECT(clone, CLONE_VFORK) {
    char byte;
    pipe2(ends, O_NONBLOCK);
    start(writes_late, flag | SIGCHLD, NULL);
    saw("it %s", read(ends[0], &byte, 1) == 1 ? "has ended" : "runs");
}
EFFECT(clone, CLONE_PARENT) {
    if (fork() == 0) _exit(start(sets_step, flag | SIGCHLD, NULL) < 0);
    int count = 0;
    while (waitpid(-1, NULL, 0) > 0) ++count;
    saw("%d children", count);
}
static int shows_ids(void* unused) {
    step = getpid() == (int)syscall(SYS_gettid) ? 1 : 2;
    leave(unused != NULL);
    return 0;
}
EFFECT(clone, CLONE_THREAD) {
    int id = start(shows_ids, CLONE_VM | CLONE_SIGHAND | flag | (on ? 0 : SIGCHLD), NULL);
    while (step == 0) sched_yield();
    sleep_ms(5);
    saw("%s, wait %s", step == 1 ? "a process" : "a thread", waitpid(id, NULL, __WALL) == id ? "ended" : result(-1));
}
static int semaphores;
static int takes_back(void* unused) {
    struct sembuf up = {0, 1, SEM_UNDO};
    semop(semaphores, &up, 1);
    leave(unused != NULL);
    return 0;
}
/// What is to be undone is undone when the last of those who share it ends.
EFFECT(clone, CLONE_SYSVSEM) {
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    waitpid(start(takes_back, flag | SIGCHLD, NULL), NULL, 0);
    saw("value %d", semctl(semaphores, 0, GETVAL));
    semctl(semaphores, 0, IPC_RMID);
}
EFFECT(clone, CLONE_PARENT_SETTID) {
    int id = start(sets_step, flag | SIGCHLD, NULL);
    saw("%s", word == id ? "written" : "not written");
    wait(NULL);
}
static int shows_word(void* unused) {
    step = word == (int)syscall(SYS_gettid);
    leave(unused != NULL);
    return 0;
}
EFFECT(clone, CLONE_CHILD_SETTID) {
    int* shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int id = clone(shows_word, stack + sizeof stack, flag | SIGCHLD, NULL, shared, NULL, shared);
    waitpid(id, NULL, 0);
    saw("%s", *shared == id ? "written" : "not written");
}
EFFECT(clone, CLONE_CHILD_CLEARTID) {
    word = 5;
    start(sets_step, CLONE_VM | flag | SIGCHLD, NULL);
    wait(NULL);
    saw("%d", word);
}
/// The thread's own data begins with its address.
static int shows_base(void* unused) {
    unsigned long base;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(base));
    step = base == *(unsigned long*)(stack + 1024) ? 1 : 2;
    syscall(SYS_exit, unused != NULL);
    return 0;
}
EFFECT(clone, CLONE_SETTLS) {
    unsigned long* data = (unsigned long*)(stack + 1024);
    *data = (unsigned long)data;
    clone(shows_base, stack + sizeof stack, CLONE_VM | flag | SIGCHLD, NULL, NULL, data, NULL);
    wait(NULL);
    saw("%s", step == 1 ? "its own" : "the parent's");
}
EFFECT(clone3, CLONE_CLEAR_SIGHAND) {
    struct { unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } request = {.flags = flag, .exit_signal = SIGCHLD};
    install(SIGUSR1, 0);
    long child = syscall(SYS_clone3, &request, sizeof request);
    if (child == 0) _exit(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
    saw("%s", ended_with(wait_for(child), 1) ? "default" : "handled");
}

// ---------------------------------------------------------------- unshare: in a process that shares

static unsigned long unshared;
static int unshares(void* unused) {
    step = unshare(unshared) ? 2 : 1;
    changes_mask(NULL);
    opens(NULL);
    leave(unused != NULL);
    return 0;
}
SHARED_BODY(see_unshared) {
    unshared = flag;
    umask(022);
    waitpid(start(unshares, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL), NULL, 0);
    saw("%s, umask %o", step == 1 ? "done" : "refused", umask(022));
    saw("descriptor %s", result(fcntl(300, F_GETFD)));
    step = 0;
    start(unshares, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL);
    while (step == 0) sched_yield();
    saw("in a thread %s", step == 1 ? "done" : "refused");
    sleep_ms(2);
}
EFFECT_BY(see_unshared, unshare, CLONE_VM)
EFFECT_BY(see_unshared, unshare, CLONE_FS)
EFFECT_BY(see_unshared, unshare, CLONE_FILES)
EFFECT_BY(see_unshared, unshare, CLONE_SIGHAND)
EFFECT_BY(see_unshared, unshare, CLONE_THREAD)

/// What a thread leaves to be undone, which shares it or not, or shares it no more.
EFFECT(unshare, CLONE_SYSVSEM) {
    for (int shares = 0; shares < 2; ++shares) {
        semaphores = semget(IPC_PRIVATE, 1, 0600);
        if (fork() == 0) {
            step = 0;
            start(takes_back, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | (shares ? CLONE_SYSVSEM : 0), NULL);
            while (*(int volatile*)&word) sched_yield();
            sleep_ms(5);
            saw("thread's %d", semctl(semaphores, 0, GETVAL));
            semop(semaphores, &(struct sembuf){0, 2, SEM_UNDO}, 1);
            REQUIRE(unshare(flag) == 0);
            saw("then %d", semctl(semaphores, 0, GETVAL));
            semop(semaphores, &(struct sembuf){0, 4, SEM_UNDO}, 1);
            _exit(0);
        }
        wait(NULL);
        saw("at last %d", semctl(semaphores, 0, GETVAL));
        semctl(semaphores, 0, IPC_RMID);
    }
}

// ---------------------------------------------------------------- wait4, waitid

static char const* waited(long got) { return got > 0 ? "a child" : result(got); }
static pid_t make_child(int stops) {
    pid_t child = forked();
    if (child == 0) for (;;) pause();
    await_state(child, "S");
    if (stops) kill(child, SIGSTOP), await_state(child, "T");
    return child;
}
EFFECT(wait4, WNOHANG) {
    make_child(0);
    do_not_wait();
    saw("%s", waited(wait4(-1, NULL, flag, NULL)));
}
EFFECT(wait4, WUNTRACED) {
    int status = 0;
    make_child(1);
    saw("%s", waited(wait4(-1, &status, WNOHANG | flag, NULL)));
    saw("%#x", status);
}
EFFECT(wait4, WCONTINUED) {
    int status = 0;
    pid_t child = make_child(1);
    kill(child, SIGCONT);
    await_state(child, "S");
    saw("%s", waited(wait4(-1, &status, WNOHANG | flag, NULL)));
    saw("%#x", status);
}
/// Of the children that a thread has made, and of one that ends with no SIGCHLD.
static unsigned long asked_options;
static int asks(void* unused) {
    saw("%s", waited(wait4(-1, NULL, WNOHANG | asked_options, NULL)));
    step = 1;
    leave(unused != NULL);
    return 0;
}
static int asks_by_id(void* unused) {
    siginfo_t info;
    info.si_pid = 0;
    long const answer = syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG | WEXITED | asked_options, NULL);
    saw("%s", answer ? result(answer) : info.si_pid ? "a child" : "none yet");
    step = 1;
    leave(unused != NULL);
    return 0;
}
static void see_by_thread(int (*body)(void*), unsigned long flag) {
    pid_t child = forked();
    if (child == 0) _exit(0);
    await_state(child, "Z");
    asked_options = flag;
    start(body, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES | CLONE_FS, NULL);
    while (step == 0) sched_yield();
    sleep_ms(2);
}
EFFECT(wait4, __WNOTHREAD) { see_by_thread(asks, flag); }
EFFECT(waitid, __WNOTHREAD) { see_by_thread(asks_by_id, flag); }
static void see_by_kind(int by_id, unsigned long flag) {
    siginfo_t info;
    for (int exit_signal = 0; exit_signal <= SIGCHLD; exit_signal += SIGCHLD) {
        pid_t child = syscall(SYS_clone, (long)exit_signal, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        await_state(child, "Z");
        info.si_pid = 0;
        if (by_id) saw("%s", syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG | WEXITED | flag, NULL) ? result(-1) : info.si_pid ? "a child" : "none yet");
        else saw("%s", waited(wait4(-1, NULL, WNOHANG | flag, NULL)));
        waitpid(-1, NULL, WNOHANG | __WALL);
    }
}
EFFECT(wait4, __WCLONE) { see_by_kind(0, flag); }
EFFECT(wait4, __WALL) { see_by_kind(0, flag); }
EFFECT(waitid, __WCLONE) { see_by_kind(1, flag); }
EFFECT(waitid, __WALL) { see_by_kind(1, flag); }
static void see_waitid(int options) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    saw("%s", result(syscall(SYS_waitid, P_ALL, 0, &info, options, NULL)));
    saw("code %d status %d", info.si_code, info.si_status);
}
EFFECT(waitid, WNOHANG) {
    make_child(0);
    do_not_wait();
    see_waitid(WEXITED | flag);
}
EFFECT(waitid, WSTOPPED) {
    make_child(1);
    see_waitid(WNOHANG | WEXITED | flag);
}
EFFECT(waitid, WCONTINUED) {
    pid_t child = make_child(1);
    kill(child, SIGCONT);
    await_state(child, "S");
    see_waitid(WNOHANG | WEXITED | flag);
}
EFFECT(waitid, WEXITED) {
    pid_t child = make_child(0);
    kill(child, SIGKILL);
    await_state(child, "Z");
    see_waitid(WNOHANG | WSTOPPED | flag);
}
EFFECT(waitid, WNOWAIT) {
    pid_t child = make_child(0);
    kill(child, SIGKILL);
    await_state(child, "Z");
    see_waitid(WEXITED | flag);
    saw("again %s", waited(waitpid(-1, NULL, WNOHANG)));
}

// ---------------------------------------------------------------- prctl, arch_prctl

EFFECT(prctl, PR_SET_NAME) {
    char name[32] = "";
    if (on) prctl(flag, "another");
    read(open("/proc/self/comm", O_RDONLY), name, 31);
    saw("%s", !strcmp(name, "another\n") ? "another" : "the program's");
}
EFFECT(prctl, PR_GET_NAME) {
    char name[32] = "";
    prctl(PR_SET_NAME, "a name of more than fifteen bytes");
    if (on) prctl(flag, name);
    saw("%s", name);
}
static unsigned owner_of_self(void) {
    struct stat now;
    REQUIRE(stat("/proc/self/environ", &now) == 0);
    return now.st_uid;
}
EFFECT(prctl, PR_SET_DUMPABLE) {
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    prctl(PR_SET_DUMPABLE, 1);
    if (on) prctl(flag, 0);
    saw("of %u", owner_of_self());
}
EFFECT(prctl, PR_GET_DUMPABLE) {
    prctl(PR_SET_DUMPABLE, 0);
    if (on) saw("%s", result(prctl(flag)));
    prctl(PR_SET_DUMPABLE, 1);
    if (on) saw("%s", result(prctl(flag)));
}
EFFECT(prctl, PR_SET_PDEATHSIG) {
    char byte = 0;
    pipe(ends);
    pid_t middle = forked();
    if (middle == 0) {
        middle = getpid();
        if (fork() == 0) {
            install(SIGUSR1, 0);
            if (on) prctl(flag, SIGUSR1);
            write(ends[1], "r", 1);
            while (getppid() == middle) sleep_ms(1);
            sleep_ms(10);
            write(ends[1], handled ? "y" : "n", 1);
            _exit(0);
        }
        read(ends[0], &byte, 1);
        _exit(0);
    }
    wait_for(middle);
    read(ends[0], &byte, 1);
    saw("told %c", byte);
}
EFFECT(prctl, PR_GET_PDEATHSIG) {
    int number = -1;
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (on) prctl(flag, &number);
    saw("%d", number);
}
EFFECT(prctl, PR_SET_CHILD_SUBREAPER) {
    if (on) prctl(flag, 1);
    pid_t middle = forked();
    if (middle == 0) {
        if (fork() == 0) _exit((sleep_ms(15), 0));
        _exit(0);
    }
    wait_for(middle);
    saw("%s", waited(waitpid(-1, NULL, 0)));
}
EFFECT(prctl, PR_GET_CHILD_SUBREAPER) {
    int is = -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (on) prctl(flag, &is);
    saw("%d", is);
}
/// A program that is setuid root says whose it is.
void when_executed(int count, char** words) {
    if (count > 1 && !strcmp(words[1], "--who")) _exit(geteuid() == 0 ? 40 : 41);
}
EFFECT(prctl, PR_SET_NO_NEW_PRIVS) {
    char image[65536];
    long got;
    int from = open("/proc/self/exe", O_RDONLY), to = open("a", O_WRONLY | O_CREAT, 0755);
    while ((got = read(from, image, sizeof image)) > 0) write(to, image, got);
    close(to);
    REQUIRE(chmod("a", 04755) == 0);
    pid_t child = forked();
    if (child == 0) {
        REQUIRE(setresuid(1000, 1000, 1000) == 0);
        if (on) prctl(flag, 1, 0, 0, 0);
        execl("./a", "a", "--who", (char*)NULL);
        _exit(1);
    }
    saw("%d", WEXITSTATUS(wait_for(child)));
}
EFFECT(prctl, PR_GET_NO_NEW_PRIVS) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (on) saw("%s", result(prctl(flag, 0, 0, 0, 0)));
}
/// With the thread's own data moved, no library: the system calls in one piece.
EFFECT(arch_prctl, ARCH_SET_FS) {
    unsigned long data[8] = {0x77}, old = 0, read_back = 0, seen_there = 0, number = SYS_arch_prctl;
    if (!on) return;
    syscall(SYS_arch_prctl, ARCH_GET_FS, &old);
    __asm__ volatile("syscall\n\tmov %%fs:0, %1" : "+a"(number), "=&r"(seen_there) : "D"(flag), "S"(data) : "rcx", "r11", "memory");
    number = SYS_arch_prctl;
    __asm__ volatile("syscall" : "+a"(number) : "D"(ARCH_GET_FS), "S"(&read_back) : "rcx", "r11", "memory");
    number = SYS_arch_prctl;
    __asm__ volatile("syscall" : "+a"(number) : "D"(flag), "S"(old) : "rcx", "r11", "memory");
    saw("%#lx, %s", seen_there, read_back == (unsigned long)data ? "told" : "not told");
}
EFFECT(arch_prctl, ARCH_GET_FS) {
    unsigned long base = 0, self;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(self));
    if (on) syscall(SYS_arch_prctl, flag, &base);
    saw("%s", base == self ? "the thread's" : "nothing");
}
EFFECT(arch_prctl, ARCH_SET_GS) {
    unsigned long data[8] = {0x77}, there = 0;
    REQUIRE(syscall(SYS_arch_prctl, ARCH_SET_GS, stack) == 0);
    if (on) syscall(SYS_arch_prctl, flag, data);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(there) : : "memory");
    saw("%#lx", there);
}
EFFECT(arch_prctl, ARCH_GET_GS) {
    unsigned long base = 1;
    syscall(SYS_arch_prctl, ARCH_SET_GS, 0x5000);
    if (on) syscall(SYS_arch_prctl, flag, &base);
    saw("%#lx", base);
}
