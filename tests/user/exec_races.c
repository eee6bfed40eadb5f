// SPDX-License-Identifier: MIT
// exec while other threads of the process run: what they do at the same time never reaches into the new program, and none of them can
// keep it from coming. Each race has a bounded number of rounds and counts its hits, of which there are none.
// timeout: 60
#include "test.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/personality.h>

enum { ALICE = 1234, ROUNDS = 40, IDLE = 60, SECRET = 700 };

static struct { int go, ready, hits, shared; } volatile* board;

/// In the new program.
void when_executed(int count, char** words) {
    if (count < 2) return;
    if (!strcmp(words[1], "--keep")) {           // opens what nobody else may read, as su and passwd do, and goes on for a while
        int fd = open("secret", O_RDWR);
        if (fd >= 0) dup2(fd, SECRET);
        sleep_ms(12);
        _exit(fd < 0);
    }
    if (!strcmp(words[1], "--where")) {
        say("%p %p %lx\n", (void*)&count, sbrk(0), (long)personality(0xffffffff));
        _exit(0);
    }
    if (!strcmp(words[1], "--plain")) _exit(0);
    if (!strcmp(words[1], "--hold")) {
        for (;;) pause();
    }
}

static void* idle(void* unused) {
    for (;;) pause();
    return unused;
}
static void start(void* (*body)(void*), int count) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384);
    for (int i = 0; i < count; ++i) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, &attributes, body, NULL) == 0);
    }
}

/// Shares the table, and looks whether what the new program opens comes up in it.
static int look_for_secret(void* unused) {
    (void)unused;
    __sync_fetch_and_add(&board->shared, 1);
    char byte;
    for (int i = 0; i < 25; ++i) {
        if (syscall(SYS_pread64, SECRET, &byte, 1, 0L) == 1) {
            __sync_fetch_and_add(&board->hits, 1);
            break;
        }
        struct timespec ms = {0, 1000000};
        syscall(SYS_nanosleep, &ms, NULL);
    }
    syscall(SYS_exit, 0);
    return 0;
}

static void* share_tables(void* unused) {
    static char stacks[64][4096];
    board->ready = 1;
    while (!board->go) sched_yield();
    for (int i = 0; i < 64; ++i)
        if (clone(look_for_secret, stacks[i] + sizeof stacks[i] - 64, CLONE_VM | CLONE_FILES, NULL) < 0) break;
    for (;;) pause();
    return unused;
}

TEST(exec_against_clone_of_descriptors) {
    board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open("secret", O_CREAT | O_RDWR, 0600);
    CHECK(write(fd, "secret", 6) == 6);
    close(fd);
    for (int round = 0; round < ROUNDS; ++round) {
        board->go = board->ready = 0;
        pid_t child = fork();
        if (child == 0) {
            start(idle, IDLE);
            start(share_tables, 1);
            while (!board->ready) sched_yield();
            board->go = 1;
            for (volatile int wait = 0; wait < round * 400; ++wait) { }
            execl("/proc/self/exe", "exec_races", "--keep", (char*)NULL);
            _exit(9);
        }
        CHECK(ended_with(wait_for(child), 0));
        while (waitpid(-1, NULL, __WALL) > 0) { }
    }
    SHOW(board->hits);
    unlink("secret");
}

/// Everything that a process of another user can look at, of one that becomes root's again and again.
static int reads_something(char const* directory, char const* name) {
    char path[64], byte[16];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    ssize_t got = read(fd, byte, sizeof byte);
    close(fd);
    return got > 0;
}

static void become_alice(void) {
    REQUIRE(setresgid(ALICE, ALICE, ALICE) == 0 && setresuid(ALICE, ALICE, ALICE) == 0);
}

static void ask_for_old_places(void) {
    become_alice();
    CHECK(personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | MMAP_PAGE_ZERO | STICKY_TIMEOUTS) == 0);
}

/// Runs this program as `path`, after `before`: its line about where things are.
static void say_where(char const* path, void (*before)(void), char line[128]) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        if (before) before();
        execl(path, path, "--where", (char*)NULL);
        _exit(9);
    }
    close(ends[1]);
    CHECK(read(ends[0], line, 127) > 0);
    close(ends[0]);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(set_user_id_program_keeps_its_places) {
    copy_self("set_id", 0, 0, 04755);
    char line[2][128] = {{0}};
    for (int i = 0; i < 2; ++i) say_where("set_id", ask_for_old_places, line[i]);
    CHECK(strcmp(line[0], line[1]) != 0);
    say("personality there: %s", strrchr(line[0], ' '));
    unlink("set_id");
}

TEST(personality_is_remembered) {
    static unsigned long const values[] = {ADDR_NO_RANDOMIZE, ADDR_LIMIT_3GB, PER_LINUX32, STICKY_TIMEOUTS | WHOLE_SECONDS, PER_BSD, 0x12345678, PER_LINUX};
    unsigned long last = 0;
    for (unsigned i = 0; i < sizeof values / sizeof *values; ++i) {
        CHECK((unsigned)personality(values[i]) == last && (unsigned)personality(0xffffffff) == values[i]);
        last = values[i];
    }
    personality(ADDR_NO_RANDOMIZE);
    pid_t child = fork();
    if (child == 0) _exit(personality(0xffffffff) != ADDR_NO_RANDOMIZE);
    CHECK(ended_with(wait_for(child), 0));
    // Without chance the same places come each time.
    char line[2][128] = {{0}};
    for (int i = 0; i < 2; ++i) say_where("/proc/self/exe", NULL, line[i]);
    CHECK(strcmp(line[0], line[1]) == 0);
}

TEST(proc_against_exec_of_set_user_id_program) {
    enum { EXECS = 150 };
    board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    copy_self("set_id", 0, 0, 04755);
    pid_t runner = fork();
    if (runner == 0) {
        become_alice();
        for (int i = 0; i < EXECS; ++i) {
            pid_t child = fork();
            if (child == 0) {
                board->go = getpid();
                execl("set_id", "set_id", "--plain", (char*)NULL);
                _exit(9);
            }
            CHECK(ended_with(wait_for(child), 0));
            board->ready = i + 1;
        }
        _exit(failures != 0);
    }
    // Alice too: before the exec they are hers to read; what she reads is of her own program then. What root's program has is told by
    // its auxiliary vector: AT_SECURE.
    pid_t reader = fork();
    if (reader == 0) {
        become_alice();
        while (board->ready < EXECS) {
            unsigned long vector[64] = {0};
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/auxv", board->go);
            int fd = open(path, O_RDONLY);
            if (fd < 0) continue;
            ssize_t got = read(fd, vector, sizeof vector);
            close(fd);
            for (int i = 0; got > 0 && i + 1 < 64 && vector[i]; i += 2)
                if (vector[i] == AT_SECURE && vector[i + 1]) __sync_fetch_and_add(&board->hits, 1);
        }
        _exit(0);
    }
    CHECK(ended_with(wait_for(runner), 0));
    board->ready = EXECS;
    CHECK(ended_with(wait_for(reader), 0));
    SHOW(board->hits);
    unlink("set_id");
}

TEST(open_proc_file_against_exec) {
    // What was opened while it was allowed shows nothing of the next program.
    char const* const names[] = {"environ", "auxv", "maps"};
    char directory[32], byte;
    int ends[2], fds[3];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(read(ends[0], &byte, 1) == 1);
        execl("/proc/self/exe", "exec_races", "--hold", (char*)NULL);
        _exit(9);
    }
    snprintf(directory, sizeof directory, "/proc/%d", child);
    for (int i = 0; i < 3; ++i) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        CHECK((fds[i] = open(path, O_RDONLY)) >= 0);
        CHECK(pread(fds[i], &byte, 1, 0) == 1);
    }
    CHECK(write(ends[1], "x", 1) == 1);
    for (int i = 0; i < 500; ++i) {              // until it runs the new one
        char comm[32] = {0}, path[64];
        snprintf(path, sizeof path, "%s/cmdline", directory);
        int fd = open(path, O_RDONLY);
        ssize_t got = read(fd, comm, sizeof comm);
        close(fd);
        if (got > 11 && !memcmp(comm + 11, "--hold", 6)) break;
        sleep_ms(2);
    }
    for (int i = 0; i < 3; i += 2) say("%s after exec: %ld\n", names[i], (long)pread(fds[i], &byte, 1, 0));
    for (int i = 0; i < 3; ++i) CHECK(reads_something(directory, names[i]));
    kill(child, SIGKILL);
    CHECK(killed_by(wait_for(child), SIGKILL));
}

/// A thread waits for its vfork's child, which waits for `end` to become readable.
static void* wait_in_vfork(void* end) {
    pid_t child = vfork();
    if (child == 0) {
        char byte;
        board->ready = 1;
        (void)!read((int)(long)end, &byte, 1);
        _exit(0);
    }
    return NULL;
}

enum way { BY_KILL, BY_TERM, BY_EXIT, BY_EXEC, BY_CAUGHT };

static void ends_although_it_waits(enum way way) {
    static char const* const words[] = {"SIGKILL", "SIGTERM", "exit_group of another thread", "exec of another thread", "a signal that is caught"};
    int ends[2];
    CHECK(pipe(ends) == 0);
    board = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        if (way == BY_EXIT || way == BY_EXEC) {
            pthread_t thread;
            pthread_create(&thread, NULL, wait_in_vfork, (void*)(long)ends[0]);
            while (!board->ready) sched_yield();
            sleep_ms(20);
            if (way == BY_EXIT) _exit(0);
            execl("/proc/self/exe", "exec_races", "--plain", (char*)NULL);
        }
        if (way == BY_CAUGHT) signal(SIGUSR1, _exit);
        wait_in_vfork((void*)(long)ends[0]);
        _exit(3);
    }
    while (!board->ready) sleep_ms(1);
    sleep_ms(20);
    if (way == BY_KILL) kill(child, SIGKILL);
    if (way == BY_TERM) kill(child, SIGTERM);
    if (way == BY_CAUGHT) kill(child, SIGUSR1);
    int status = 0;
    pid_t got = 0;
    for (int i = 0; i < 150 && got == 0; ++i, sleep_ms(2)) got = waitpid(child, &status, WNOHANG);
    say("%s: %s\n", words[way], got == 0 ? "waits on" : WIFSIGNALED(status) ? "killed" : "exited");
    CHECK(write(ends[1], "x", 1) == 1);          // the child of the vfork goes
    if (got == 0) say("  then %x\n", wait_for(child));
}

TEST(vfork_ends_by_kill) { ends_although_it_waits(BY_KILL); }
TEST(vfork_ends_by_term) { ends_although_it_waits(BY_TERM); }
TEST(vfork_ends_by_exit_group) { ends_although_it_waits(BY_EXIT); }
TEST(vfork_ends_by_exec) { ends_although_it_waits(BY_EXEC); }
TEST(vfork_goes_on_after_a_caught_signal) { ends_although_it_waits(BY_CAUGHT); }
