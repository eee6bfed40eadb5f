// SPDX-License-Identifier: MIT
// fork, exec, exit, wait: status codes, the tree, zombies, reparenting, vfork.
#include "test.h"

TEST(exit_codes) {
    static int const codes[] = {0, 1, 7, 127, 128, 255, 256, 511, -1};
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; ++i) {
        pid_t child = fork();
        if (child == 0) _exit(codes[i]);
        int status = wait_for(child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == (codes[i] & 255));
        CHECK(!WIFSIGNALED(status) && !WIFSTOPPED(status));
        CHECK(status == (codes[i] & 255) << 8);
    }
}

TEST(killed_by_each_signal) {
    static int const numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV,
                                  SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGSYS, 34, 64};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        pid_t child = fork();
        if (child == 0) {
            kill(getpid(), numbers[i]);
            for (;;) sleep_ms(1000);
        }
        int status = wait_for(child);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == numbers[i]);
    }
}

TEST(signals_ignored_by_default) {
    static int const numbers[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) CHECK(kill(getpid(), numbers[i]) == 0);
}

TEST(wait_errors) {
    int status;
    CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
    CHECK_ERRNO(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_ERRNO(waitpid(1, &status, WNOHANG), ECHILD);
    CHECK_ERRNO(waitpid(-1, &status, 0x12345678), EINVAL);
    CHECK_ERRNO(kill(INT_MAX, 0), ESRCH);
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
    CHECK_ERRNO(kill(getpid(), -1), EINVAL);
}

TEST(wait_no_hang) {
    int gate[2];
    char byte;
    REQUIRE(pipe2(gate, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(gate[1]);
        read(gate[0], &byte, 1);
        _exit(3);
    }
    close(gate[0]);
    int status = 12345;
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(status == 12345);
    close(gate[1]);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(ended_with(status, 3));
    CHECK_ERRNO(waitpid(child, &status, 0), ECHILD);
}

TEST(wait_by_pid_and_any) {
    pid_t children[5];
    for (int i = 0; i < 5; ++i)
        if ((children[i] = fork()) == 0) _exit(i + 10);
    int status;
    CHECK(waitpid(children[3], &status, 0) == children[3] && ended_with(status, 13));
    int seen = 0;
    for (int i = 0; i < 4; ++i) {
        pid_t got = waitpid(-1, &status, 0);
        for (int j = 0; j < 5; ++j)
            if (children[j] == got && ended_with(status, j + 10)) seen |= 1 << j;
    }
    CHECK(seen == 0x17);
    CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
}

TEST(zombie_can_be_signalled) {
    int gate[2];
    char byte;
    REQUIRE(pipe2(gate, 0) == 0);
    pid_t child = fork();
    if (child == 0) _exit(0);
    close(gate[1]);
    CHECK(read(gate[0], &byte, 1) == 0);   // the child's end of the pipe is gone: it has exited
    CHECK(kill(child, 0) == 0);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK_ERRNO(kill(child, 0), ESRCH);
}

TEST(orphan_goes_to_another_parent) {
    int answer[2];
    REQUIRE(pipe2(answer, 0) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t self = getpid();
        if (fork() == 0) {
            while (getppid() == self) sleep_ms(2);
            char changed = 'c';
            write(answer[1], &changed, 1);
            _exit(0);
        }
        _exit(0);
    }
    CHECK(ended_with(wait_for(middle), 0));
    close(answer[1]);
    char byte = 0;
    CHECK(read(answer[0], &byte, 1) == 1 && byte == 'c');
    CHECK(read(answer[0], &byte, 1) == 0);
    CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

TEST(pids_and_parent) {
    pid_t self = getpid();
    pid_t child = fork();
    if (child == 0) {
        CHECK(getppid() == self);
        CHECK(getpid() != self);
        _exit(failures);
    }
    CHECK(child > 0 && child != self);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(syscall(SYS_gettid) == self);
}

TEST(memory_is_private_after_fork) {
    static int data = 1;
    static int zeroed[4096];
    int local = 2;
    int* heap = malloc(100 * PAGE);
    memset(heap, 0x11, 100 * PAGE);
    pid_t child = fork();
    if (child == 0) {
        data = 100;
        local = 200;
        zeroed[4000] = 300;
        memset(heap, 0x22, 100 * PAGE);
        _exit(heap[5000] == 0x22222222 ? 0 : 1);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(data == 1 && local == 2 && zeroed[4000] == 0);
    for (int i = 0; i < 100 * PAGE / 4; ++i)
        if (heap[i] != 0x11111111) { CHECK(!"the child's write came through"); break; }
}

TEST(parent_writes_do_not_reach_the_child) {
    int to_child[2];
    REQUIRE(pipe2(to_child, 0) == 0);
    char* block = malloc(64 * PAGE);
    memset(block, 'a', 64 * PAGE);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(to_child[1]);
        read(to_child[0], &byte, 1);
        for (int i = 0; i < 64 * PAGE; ++i)
            if (block[i] != 'a') _exit(1);
        _exit(0);
    }
    memset(block, 'b', 64 * PAGE);
    close(to_child[1]);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(block[0] == 'b' && block[64 * PAGE - 1] == 'b');
}

TEST(deep_chain_of_forks) {
    static unsigned char block[32 * PAGE];
    for (int i = 0; i < 32; ++i) block[i * PAGE] = i;
    int depth = 0;
    for (; depth < 12; ++depth) {
        pid_t child = fork();
        if (child > 0) {
            int status = wait_for(child);
            _exit(failures || !WIFEXITED(status) ? 1 : WEXITSTATUS(status));
        }
        CHECK(block[depth * PAGE] == depth);
        block[depth * PAGE] = 100 + depth;
    }
    for (int i = 0; i < 32; ++i) CHECK(block[i * PAGE] == (i < 12 ? 100 + i : i));
}

TEST(vfork_shares_memory_and_waits) {
    volatile int seen = 0;
    pid_t child = vfork();
    if (child == 0) {
        seen = 42;
        _exit(5);
    }
    CHECK(seen == 42);
    CHECK(ended_with(wait_for(child), 5));
}

TEST(many_children_at_once) {
    enum { COUNT = 100 };
    static pid_t children[COUNT];
    for (int i = 0; i < COUNT; ++i) {
        children[i] = fork();
        if (children[i] == 0) _exit(i);
        REQUIRE(children[i] > 0);
    }
    for (int i = COUNT - 1; i >= 0; --i) CHECK(ended_with(wait_for(children[i]), i));
}

TEST(groups_and_sessions_are_inherited) {
    pid_t group = getpgrp();
    pid_t child = fork();
    if (child == 0) {
        CHECK(getpgrp() == group);
        CHECK(setsid() == getpid());
        CHECK(getpgrp() == getpid());
        CHECK_ERRNO(setsid(), EPERM);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
}

TEST(kill_a_group) {
    int ready[2];
    char byte;
    REQUIRE(pipe2(ready, 0) == 0);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        for (int i = 0; i < 3; ++i)
            if (fork() == 0) break;
        write(ready[1], "x", 1);
        for (;;) sleep_ms(1000);
    }
    close(ready[1]);
    for (int i = 0; i < 4; ++i) CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(kill(-leader, SIGTERM) == 0);
    CHECK(killed_by(wait_for(leader), SIGTERM));
    CHECK(read(ready[0], &byte, 1) == 0);   // nobody holds the other end any more
}
