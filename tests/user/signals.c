// SPDX-License-Identifier: MIT
// Signals: handlers, masks, sigsuspend, SIGCHLD, EINTR and SA_RESTART, faults of the CPU,
// registers across handlers.
#include "test.h"

#include <ucontext.h>

static volatile sig_atomic_t count, last_signal, order[16];
static volatile siginfo_t last_info;

static void on_signal(int number) { order[count % 16] = number; last_signal = number; count++; }
static void on_info(int number, siginfo_t* info, void* context) { (void)context; last_info = *info; last_signal = number; count++; }

static void install(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    REQUIRE(sigaction(number, &action, NULL) == 0);
}
static void install_info(int number, void (*handler)(int, siginfo_t*, void*), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    REQUIRE(sigaction(number, &action, NULL) == 0);
}
static sigset_t set_of(int number) {
    sigset_t set;
    sigemptyset(&set);
    if (number) sigaddset(&set, number);
    return set;
}

TEST(a_handler_runs) {
    install(SIGUSR1, on_signal, 0);
    for (int i = 0; i < 1000; ++i) kill(getpid(), SIGUSR1);
    SHOW(count);
    CHECK(last_signal == SIGUSR1);
}

TEST(siginfo_of_kill) {
    install_info(SIGUSR2, on_info, 0);
    kill(getpid(), SIGUSR2);
    CHECK(count == 1 && last_info.si_signo == SIGUSR2 && last_info.si_code == SI_USER && last_info.si_pid == getpid());
    CHECK(last_info.si_uid == getuid());
}

TEST(old_action_is_given_back) {
    struct sigaction old;
    install(SIGUSR1, on_signal, SA_RESTART);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
    CHECK(old.sa_handler == on_signal && (old.sa_flags & SA_RESTART));
    CHECK(signal(SIGUSR1, SIG_IGN) == on_signal);
    CHECK(kill(getpid(), SIGUSR1) == 0 && count == 0);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK_ERRNO(sigaction(SIGKILL, &old, NULL), EINVAL);
    CHECK_ERRNO(sigaction(SIGSTOP, &old, NULL), EINVAL);
    CHECK_ERRNO(sigaction(65, &old, NULL), EINVAL);
    CHECK_ERRNO(sigaction(0, &old, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
}

TEST(reset_hand) {
    install(SIGUSR1, on_signal, SA_RESETHAND);
    kill(getpid(), SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    CHECK(count == 1 && now.sa_handler == SIG_DFL);
}

static volatile sig_atomic_t depth, deepest;
static void nested(int number) {
    if (++depth > deepest) deepest = depth;
    if (count++ < 3) kill(getpid(), number);
    depth--;
}
TEST(its_own_signal_is_blocked_in_a_handler) {
    install(SIGUSR1, nested, 0);
    kill(getpid(), SIGUSR1);
    CHECK(deepest == 1 && count == 4);
    depth = deepest = count = 0;
    install(SIGUSR1, nested, SA_NODEFER);
    kill(getpid(), SIGUSR1);
    CHECK(deepest == 4 && count == 4);
}

TEST(blocked_signals_wait) {
    install(SIGUSR1, on_signal, 0);
    install(SIGUSR2, on_signal, 0);
    sigset_t both = set_of(SIGUSR1), old, pending;
    sigaddset(&both, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &both, &old) == 0);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(count == 0);
    if (sigpending(&pending) == 0) CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGHUP));
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    SHOW(count);
    sigset_t all;
    sigfillset(&all);
    CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &old) == 0);
    CHECK(!sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP) && sigismember(&old, SIGTERM));
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 99, &all, NULL, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 4), EINVAL);
}

TEST(mask_of_the_handler) {
    struct sigaction action = {.sa_handler = nested};
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    void second(int number) { (void)number; order[0] = depth; }
    install(SIGUSR2, second, 0);
    order[0] = 77;
    void first(int number) { (void)number; depth = 1; kill(getpid(), SIGUSR2); CHECK(order[0] == 77); depth = 0; }
    action.sa_handler = first;
    sigaction(SIGUSR1, &action, NULL);
    kill(getpid(), SIGUSR1);
    CHECK(order[0] == 0);
}

TEST(realtime_signals_queue_in_order) {
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    for (int number = 36; number <= 38; ++number) install(number, on_signal, 0);
    kill(getpid(), 38);
    kill(getpid(), 36);
    kill(getpid(), 37);
    kill(getpid(), 36);
    CHECK(count == 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    SHOW(count);
}

TEST(sigsuspend_waits) {
    sigset_t block = set_of(SIGUSR1), none = set_of(0), now;
    install(SIGUSR1, on_signal, 0);
    sigprocmask(SIG_BLOCK, &block, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sleep_ms(20);
        kill(parent, SIGUSR1);
        _exit(0);
    }
    CHECK(sigsuspend(&none) == -1 && errno == EINTR);
    CHECK(count == 1);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1));
    wait_for(child);
    kill(parent, SIGUSR1);
    CHECK(count == 1);
    CHECK(sigsuspend(&none) == -1 && errno == EINTR && count == 2);
}

TEST(sigchld_tells_the_child) {
    install_info(SIGCHLD, on_info, 0);
    sigset_t block = set_of(SIGCHLD), none = set_of(0);
    sigprocmask(SIG_BLOCK, &block, NULL);
    pid_t child = fork();
    if (child == 0) _exit(9);
    sigsuspend(&none);
    CHECK(count == 1 && last_info.si_pid == child && last_info.si_code == CLD_EXITED && last_info.si_status == 9);
    CHECK(ended_with(wait_for(child), 9));
    child = fork();
    if (child == 0) {
        kill(getpid(), SIGTERM);
        _exit(1);
    }
    sigsuspend(&none);
    CHECK(count == 2 && last_info.si_pid == child && last_info.si_code == CLD_KILLED && last_info.si_status == SIGTERM);
    CHECK(killed_by(wait_for(child), SIGTERM));
}

TEST(ignored_sigchld_leaves_no_zombie) {
    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork();
    if (child == 0) _exit(9);
    CHECK_ERRNO(waitpid(child, NULL, 0), ECHILD);
}

/// Sends SIGUSR1 to the parent some times, then writes a byte into the pipe.
static pid_t send_then_write(int fd) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; ++i) {
            sleep_ms(30);
            kill(parent, SIGUSR1);
        }
        sleep_ms(30);
        write(fd, "x", 1);
        _exit(0);
    }
    return child;
}

TEST(eintr_and_restart) {
    int ends[2];
    char byte;
    REQUIRE(pipe2(ends, 0) == 0);
    install(SIGUSR1, on_signal, 0);
    pid_t child = send_then_write(ends[1]);
    int interrupted = 0;
    while (read(ends[0], &byte, 1) == -1 && errno == EINTR) ++interrupted;
    CHECK(interrupted >= 1);
    wait_for(child);
    count = 0;
    install(SIGUSR1, on_signal, SA_RESTART);
    child = send_then_write(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(count >= 1);
    wait_for(child);
}

TEST(wait_is_interrupted) {
    install(SIGUSR1, on_signal, 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sleep_ms(30);
        kill(parent, SIGUSR1);
        sleep_ms(100);
        _exit(4);
    }
    int status;
    CHECK_ERRNO(waitpid(child, &status, 0), EINTR);
    install(SIGUSR1, on_signal, SA_RESTART);
    CHECK(waitpid(child, &status, 0) == child && ended_with(status, 4));
}

TEST(sleep_is_interrupted_and_tells_the_rest) {
    install(SIGUSR1, on_signal, SA_RESTART);   // clock_nanosleep is never restarted behind a handler
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sleep_ms(50);
        kill(parent, SIGUSR1);
        _exit(0);
    }
    struct timespec wanted = {30, 0}, rest = {0, 0};
    long result = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wanted, &rest);
    CHECK(result == -1 && errno == EINTR);
    CHECK(rest.tv_sec >= 10 && rest.tv_sec < 30);
    wait_for(child);
}

TEST(inherited_and_reset) {
    signal(SIGUSR1, SIG_IGN);
    install(SIGUSR2, on_signal, 0);
    sigset_t block = set_of(SIGTERM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action;
        sigaction(SIGUSR2, NULL, &action);
        CHECK(action.sa_handler == on_signal);
        if (failures) _exit(1);
        execl("/proc/self/exe", "signals", "--inherited", NULL);
        _exit(50);
    }
    CHECK(ended_with(wait_for(child), 0));
}

void when_executed(int words, char** text) {
    if (words != 2 || strcmp(text[1], "--inherited")) return;
    struct sigaction one, two;
    sigset_t mask;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    _exit(one.sa_handler == SIG_IGN && two.sa_handler == SIG_DFL && sigismember(&mask, SIGTERM) ? 0 : 1);
}

TEST(pending_is_not_inherited_by_fork) {
    sigset_t block = set_of(SIGUSR1), pending;
    sigprocmask(SIG_BLOCK, &block, NULL);
    kill(getpid(), SIGUSR1);
    pid_t child = fork();
    if (child == 0) {
        if (sigpending(&pending) == 0) CHECK(!sigismember(&pending, SIGUSR1));
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
}

// ---------------------------------------------------------------- faults of the CPU

static void exit_with_code(int number, siginfo_t* info, void* context) { (void)context; _exit(number * 8 + info->si_code % 8); }
#define FAULT_STATUS(body)                                            \
    ({                                                                \
        pid_t child_ = fork();                                        \
        if (child_ == 0) {                                            \
            install_info(SIGILL, exit_with_code, 0);                  \
            install_info(SIGFPE, exit_with_code, 0);                  \
            install_info(SIGSEGV, exit_with_code, 0);                 \
            install_info(SIGTRAP, exit_with_code, 0);                 \
            install_info(SIGBUS, exit_with_code, 0);                  \
            body;                                                     \
            _exit(0);                                                 \
        }                                                             \
        int status_ = wait_for(child_);                               \
        WIFEXITED(status_) ? WEXITSTATUS(status_) : 1000 + WTERMSIG(status_); \
    })

TEST(illegal_instruction) {
    SHOW(FAULT_STATUS(asm volatile("ud2")));
    CHECK(killed_by(({ pid_t c = fork(); if (c == 0) asm volatile("ud2"); wait_for(c); }), SIGILL));
}

TEST(division) {
    SHOW(FAULT_STATUS(({ int zero = 0, one = 1; asm volatile("cltd; idivl %1" : "+a"(one) : "r"(zero) : "edx"); })));
    SHOW(FAULT_STATUS(({ int least = INT_MIN, minus = -1; asm volatile("cltd; idivl %1" : "+a"(least) : "r"(minus) : "edx"); })));
}

TEST(privileged_instructions) {
    SHOW(FAULT_STATUS(asm volatile("cli")));
    SHOW(FAULT_STATUS(asm volatile("sti")));
    SHOW(FAULT_STATUS(asm volatile("hlt")));
    SHOW(FAULT_STATUS(asm volatile("inb $0x60, %%al" : : : "eax")));
    SHOW(FAULT_STATUS(asm volatile("outb %%al, $0x80" : : : "eax")));
    SHOW(FAULT_STATUS(asm volatile("movq %%cr0, %%rax" : : : "rax")));
    SHOW(FAULT_STATUS(asm volatile("movq %%rax, %%cr3" : : "a"(0))));
    SHOW(FAULT_STATUS(asm volatile("wrmsr" : : "a"(0), "d"(0), "c"(0xc0000080))));
    SHOW(FAULT_STATUS(asm volatile("invlpg (%%rax)" : : "a"(0))));
    SHOW(FAULT_STATUS(asm volatile("wbinvd")));
    SHOW(FAULT_STATUS(asm volatile("swapgs")));
    SHOW(FAULT_STATUS(asm volatile("clts")));
    SHOW(FAULT_STATUS(asm volatile("lgdt (%%rsp)" : : : "memory")));
}

TEST(traps) {
    SHOW(FAULT_STATUS(asm volatile("int3")));
    SHOW(FAULT_STATUS(asm volatile("int $0x20")));
    SHOW(FAULT_STATUS(asm volatile("int $0x0e")));
    SHOW(FAULT_STATUS(asm volatile("int $0xff")));
    SHOW(FAULT_STATUS(asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "memory", "cc")));
}

TEST(jumps_to_wrong_places) {
    SHOW(FAULT_STATUS(((void (*)(void))0)()));
    SHOW(FAULT_STATUS(((void (*)(void))0xffffffff80100000)()));
    SHOW(FAULT_STATUS(((void (*)(void))0x8000000000000000)()));
    SHOW(FAULT_STATUS(asm volatile("movq $0x8000000000000000, %%rsp; pushq %%rax" : : : "memory")));
}

static void skip_ud2(int number, siginfo_t* info, void* context) {
    ucontext_t* user = context;
    (void)number; (void)info;
    user->uc_mcontext.gregs[REG_RIP] += 2;
    user->uc_mcontext.gregs[REG_RBX] = 0x1234;
    count++;
}

TEST(a_handler_may_change_registers) {
    install_info(SIGILL, skip_ud2, 0);
    long got;
    asm volatile("xorl %%ebx, %%ebx; ud2; movq %%rbx, %0" : "=r"(got) : : "rbx");
    CHECK(count == 1 && got == 0x1234);
}

TEST(registers_survive_a_handler) {
    install(SIGUSR1, on_signal, 0);
    long pid = getpid(), bad;
    asm volatile(
        "movq $11, %%rbx; movq $12, %%r12; movq $13, %%r13; movq $14, %%r14; movq $15, %%r15\n"
        "movq $8, %%r8; movq $9, %%r9; movq $10, %%r10\n"
        "movq $0x3ff0000000000000, %%rax; movq %%rax, %%xmm7\n"
        "movl $62, %%eax; movq %1, %%rdi; movl $10, %%esi; syscall\n"
        "xorq $11, %%rbx; xorq $12, %%r12; xorq $13, %%r13; xorq $14, %%r14; xorq $15, %%r15\n"
        "xorq $8, %%r8; xorq $9, %%r9; xorq $10, %%r10\n"
        "orq %%r12, %%rbx; orq %%r13, %%rbx; orq %%r14, %%rbx; orq %%r15, %%rbx; orq %%r8, %%rbx; orq %%r9, %%rbx; orq %%r10, %%rbx\n"
        "movq %%xmm7, %%rdx; movq $0x3ff0000000000000, %%rcx; xorq %%rcx, %%rdx; orq %%rdx, %%rbx; orq %%rax, %%rbx\n"
        "movq %%rbx, %0"
        : "=r"(bad) : "r"(pid)
        : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm7", "memory");
    CHECK(count == 1);
    SHOW(bad);
}

TEST(wild_sigreturn_frames_are_harmless) {
    // A made-up frame: the process may die by SIGSEGV, the system must not.
    for (int kind = 0; kind < 8; ++kind) {
        pid_t child = fork();
        if (child == 0) {
            static unsigned long frame[200];
            for (int i = 0; i < 200; ++i) frame[i] = kind == 0 ? 0 : kind == 1 ? ~0ul : kind == 2 ? 0xffffffff80100000 : kind == 3 ? 0x8000000000000000 : (unsigned long)rand() << 33 ^ rand();
            asm volatile("movq %0, %%rsp; movl $15, %%eax; syscall; ud2" : : "r"(kind == 4 ? (void*)8 : (void*)(frame + 20)) : "rax", "memory");
        }
        int status = wait_for(child);
        CHECK(WIFSIGNALED(status));
    }
}

TEST(awaited_signals_count_though_they_would_be_ignored) {
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(50);   // the parent waits by then, or finds the signal pending: either is right
        _exit(3);
    }
    struct timespec limit = {20, 0};
    CHECK(sigtimedwait(&set, &info, &limit) == SIGCHLD && info.si_pid == child && info.si_status == 3);
    CHECK(ended_with(wait_for(child), 3));
}
