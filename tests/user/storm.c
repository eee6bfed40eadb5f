// SPDX-License-Identifier: MIT
// storm SECONDS: storms of fork, exec, mmap, mprotect, pipes, POSIX and System V messages, semaphores, futexes and
// signals side by side, each of which checks its own results. Prints a line of counters each second and, at the end,
// NAME COUNT ERRORS of each. Exit code 0: no errors, and none stood still for 30 s. tools/soak runs it on Aubrac.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, STILL_S = 30, MOST = 16 };

struct progress { _Atomic unsigned long count, errors; _Atomic int skipped; };
struct board { _Atomic int stop; struct progress of[MOST]; };
static struct board* board;
static struct progress* mine;

static void bad(char const* what, int line) {
    if (mine->errors++ < 5) dprintf(1, "storm: line %d: %s (errno %d)\n", line, what, errno);
}
#define MUST(condition) ((condition) ? 1 : (bad(#condition, __LINE__), 0))

static unsigned seed = 12345;
static unsigned random_below(unsigned end) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % end;
}
static int exit_of(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

// ---- each does one round
static void storm_fork(void) {
    static volatile int shared_page[PAGE / 4];
    enum { CHILDREN = 6 };
    pid_t children[CHILDREN];
    shared_page[0] = 77;
    for (int i = 0; i < CHILDREN; ++i) {
        children[i] = fork();
        if (children[i] == 0) {
            shared_page[0] += i;   // its own copy
            if (i % 2) {           // and a grandchild
                pid_t grandchild = fork();
                if (grandchild == 0) _exit(shared_page[0] - 77);
                _exit(exit_of(grandchild));
            }
            _exit(shared_page[0] - 77);
        }
        if (!MUST(children[i] > 0)) children[i] = 0;
    }
    for (int i = 0; i < CHILDREN; ++i)
        if (children[i]) MUST(exit_of(children[i]) == i);
    MUST(shared_page[0] == 77);
}

static void storm_exec(void) {
    char number[8];
    int wanted = random_below(200);
    snprintf(number, sizeof number, "%d", wanted);
    char* arguments[] = {"storm", "--answer", number, NULL};
    pid_t child = wanted % 2 ? vfork() : fork();
    if (child == 0) {
        execve("/proc/self/exe", arguments, NULL);
        _exit(255);
    }
    if (MUST(child > 0)) MUST(exit_of(child) == wanted);
}

static void storm_map(void) {
    size_t pages = 1 + random_below(64);
    unsigned* at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!MUST(at != MAP_FAILED)) return;
    for (size_t i = 0; i < pages; ++i) at[i * PAGE / 4] = (unsigned)(i * 2654435761u);
    if (pages > 2) MUST(munmap((char*)at + PAGE, PAGE) == 0);
    size_t more = pages + random_below(64);
    if (pages == 1) {
        unsigned* moved = mremap(at, PAGE, more * PAGE, MREMAP_MAYMOVE);
        if (MUST(moved != MAP_FAILED)) at = moved, pages = more;
        MUST(at[0] == 0);
        for (size_t i = 1; i < pages; ++i) MUST(at[i * PAGE / 4] == 0);
    } else {
        for (size_t i = pages > 2 ? 2 : 1; i < pages; ++i) MUST(at[i * PAGE / 4] == (unsigned)(i * 2654435761u));
        if (random_below(4) == 0) {   // a child sees it and changes only its own
            pid_t child = fork();
            if (child == 0) {
                at[(pages - 1) * PAGE / 4] = 1;
                _exit(at[0] == 0 ? 0 : 1);
            }
            if (MUST(child > 0)) MUST(exit_of(child) == 0);
            MUST(at[(pages - 1) * PAGE / 4] == (unsigned)((pages - 1) * 2654435761u));
        }
    }
    MUST(munmap(at, pages * PAGE) == 0);
}

static sigjmp_buf after_fault;
static void on_fault(int number) { (void)number; siglongjmp(after_fault, 1); }
static void storm_protect(void) {
    static char* volatile area;
    static volatile int faults;
    if (!area) {
        area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        signal(SIGSEGV, on_fault);
    }
    int const page = random_below(16);
    area[page * PAGE] = (char)page;
    MUST(mprotect(area + page * PAGE, PAGE, PROT_READ) == 0);
    faults = 0;
    if (sigsetjmp(after_fault, 1) == 0) area[page * PAGE] = 99;
    else faults = 1;
    MUST(faults == 1);
    MUST(area[page * PAGE] == page);
    MUST(mprotect(area, 16 * PAGE, PROT_READ | PROT_WRITE) == 0);
    area[page * PAGE] = 3;
}

static void storm_pipe(void) {
    int ends[2];
    if (!MUST(pipe(ends) == 0)) return;
    size_t const size = 20000 + random_below(200000);
    pid_t child = fork();
    if (child == 0) {
        unsigned char block[5000];
        close(ends[0]);
        for (size_t done = 0; done < size;) {
            size_t length = size - done < sizeof block ? size - done : sizeof block;
            for (size_t i = 0; i < length; ++i) block[i] = (unsigned char)((done + i) * 7);
            ssize_t written = write(ends[1], block, length);
            if (written <= 0) _exit(1);
            done += written;
        }
        _exit(0);
    }
    close(ends[1]);
    static unsigned char block[7777];
    size_t done = 0;
    int wrong = 0;
    for (ssize_t got; (got = read(ends[0], block, sizeof block)) > 0; done += got)
        for (ssize_t i = 0; i < got; ++i) wrong |= block[i] != (unsigned char)((done + i) * 7);
    close(ends[0]);
    if (MUST(child > 0)) MUST(exit_of(child) == 0 && done == size && !wrong);
}

static void storm_mq(void) {
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
    snprintf(name, sizeof name, "/storm-%d", getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    if (queue == (mqd_t)-1 && errno == ENOSYS) {
        mine->skipped = 1;
        return;
    }
    if (!MUST(queue != (mqd_t)-1)) return;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 40; ++i)
            if (mq_send(queue, (char*)&i, sizeof i, i % 3) != 0) _exit(1);
        _exit(0);
    }
    long sum = 0;
    for (int i = 0, value[16]; i < 40 && MUST(mq_receive(queue, (char*)value, 64, NULL) == sizeof(int)); ++i) sum += value[0];
    MUST(sum == 780);
    if (MUST(child > 0)) MUST(exit_of(child) == 0);
    MUST(mq_close(queue) == 0 && mq_unlink(name) == 0);
}

static void storm_system_v(void) {
    enum { ROUNDS = 30 };
    int messages = msgget(IPC_PRIVATE, 0600), semaphores = semget(IPC_PRIVATE, 2, 0600), memory = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
    if (!MUST(messages >= 0 && semaphores >= 0 && memory >= 0)) return;
    int volatile* shared = shmat(memory, NULL, 0);
    MUST(shared != (void*)-1);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < ROUNDS; ++i) {
            struct sembuf down = {0, -1, 0}, up = {1, 1, 0};
            struct { long type; int value; } message = {1 + i % 2, i};
            if (semop(semaphores, &down, 1) != 0 || shared[0] != i) _exit(1);
            shared[PAGE / 4] = i * 3;
            if (msgsnd(messages, &message, sizeof(int), 0) != 0 || semop(semaphores, &up, 1) != 0) _exit(2);
        }
        _exit(0);
    }
    for (int i = 0; i < ROUNDS; ++i) {
        struct sembuf up = {0, 1, 0}, down = {1, -1, 0};
        struct { long type; int value; } message;
        shared[0] = i;
        if (!MUST(semop(semaphores, &up, 1) == 0 && semop(semaphores, &down, 1) == 0)) break;
        MUST(shared[PAGE / 4] == i * 3);
        MUST(msgrcv(messages, &message, sizeof(int), 1 + i % 2, 0) == sizeof(int) && message.value == i);
    }
    if (MUST(child > 0)) MUST(exit_of(child) == 0);
    MUST(shmdt((void*)shared) == 0 && shmctl(memory, IPC_RMID, NULL) == 0 && semctl(semaphores, 0, IPC_RMID) == 0 && msgctl(messages, IPC_RMID, NULL) == 0);
}

enum { THREADS = 4, TURNS = 300 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_comes = PTHREAD_COND_INITIALIZER;
static long total;
static int turn;
static void* count_up(void* argument) {
    int const me = (int)(intptr_t)argument;
    for (int i = 0; i < TURNS; ++i) {
        pthread_mutex_lock(&mutex);
        if (i % 30 == 0) {   // strictly in turn from time to time
            while (turn % THREADS != me) pthread_cond_wait(&turn_comes, &mutex);
            ++turn;
            pthread_cond_broadcast(&turn_comes);
        }
        ++total;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}
static void storm_futex(void) {
    pthread_t threads[THREADS];
    int started = 0;
    total = turn = 0;
    for (int i = 0; i < THREADS; ++i) started += MUST(pthread_create(&threads[i], NULL, count_up, (void*)(intptr_t)i) == 0);
    if (started != THREADS) _exit(1);
    for (int i = 0; i < THREADS; ++i) {
        void* result;
        MUST(pthread_join(threads[i], &result) == 0 && (intptr_t)result == i);
    }
    MUST(total == THREADS * TURNS);
}

static volatile sig_atomic_t values, signals;
static void on_value(int number, siginfo_t* info, void* context) {
    (void)number, (void)context;
    values += info->si_value.sival_int;
    ++signals;
}
static void storm_signal(void) {
    enum { COUNT = 50 };
    struct sigaction action = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t wanted, old;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &wanted, &old);
    sigaction(SIGRTMIN, &action, NULL);
    values = signals = 0;
    pid_t const parent = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < COUNT; ++i)
            if (sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i}) != 0) _exit(1);
        for (;;) pause();
    }
    if (!MUST(child > 0)) return;
    while (signals < COUNT) sigsuspend(&old);
    MUST(values == COUNT * (COUNT - 1) / 2);
    MUST(kill(child, SIGKILL) == 0 && exit_of(child) == 256 + SIGKILL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static struct { char const* name; void (*round)(void); } const storms[] = {
    {"fork", storm_fork}, {"exec", storm_exec},         {"map", storm_map},     {"protect", storm_protect}, {"pipe", storm_pipe},
    {"mq", storm_mq},     {"systemv", storm_system_v}, {"futex", storm_futex}, {"signal", storm_signal},
};
enum { STORMS = sizeof storms / sizeof *storms };

static long now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void work(int which) {
    mine = &board->of[which];
    seed += which * 7919;
    alarm(0);
    while (!board->stop && !mine->skipped) {
        storms[which].round();
        ++mine->count;
    }
    _exit(0);
}

static void show_line(long elapsed) {
    char line[400];
    int length = snprintf(line, sizeof line, "storm %ld", elapsed);
    for (int i = 0; i < STORMS; ++i) length += snprintf(line + length, sizeof line - length, " %s=%lu", storms[i].name, board->of[i].count);
    dprintf(1, "%s\n", line);
}

/// Watches the counters until the time is over; the number of storms that stood still.
static int watch(long seconds) {
    unsigned long last[STORMS] = {0};
    long moved[STORMS], start = now_s();
    int hung = 0;
    for (int i = 0; i < STORMS; ++i) moved[i] = start;
    for (long now; (now = now_s()) - start < seconds && !hung; sleep(1)) {
        show_line(now - start);
        for (int i = 0; i < STORMS; ++i) {
            if (board->of[i].count != last[i] || board->of[i].skipped) moved[i] = now, last[i] = board->of[i].count;
            if (now - moved[i] < STILL_S) continue;
            dprintf(1, "storm: %s has stood still for %d s\n", storms[i].name, STILL_S);
            ++hung;
        }
    }
    return hung;
}

int main(int count, char** arguments) {
    if (count == 3 && !strcmp(arguments[1], "--answer")) return atoi(arguments[2]);
    long const seconds = count > 1 ? atol(arguments[1]) : 10;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) return 2;
    pid_t workers[STORMS];
    for (int i = 0; i < STORMS; ++i) {
        workers[i] = fork();
        if (workers[i] == 0) {
            setpgid(0, 0);
            work(i);
        }
        if (workers[i] < 0) return 2;
        setpgid(workers[i], workers[i]);
    }
    int failed = watch(seconds) != 0;
    board->stop = 1;
    long const stopped = now_s();
    for (int i = 0; i < STORMS; ++i) {
        int status = 0;
        pid_t got;
        while ((got = waitpid(workers[i], &status, WNOHANG)) == 0 && now_s() - stopped < STILL_S) usleep(20000);
        int const ended = got == workers[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (got == 0) {
            dprintf(1, "storm: %s does not end\n", storms[i].name);
            kill(-workers[i], SIGKILL);
            waitpid(workers[i], &status, 0);
        }
        struct progress const* of = &board->of[i];
        if (of->skipped) dprintf(1, "result %s SKIPPED: the kernel answers ENOSYS\n", storms[i].name);
        else dprintf(1, "result %s %lu %lu%s\n", storms[i].name, of->count, of->errors, ended ? "" : " ENDED BADLY");
        failed |= !ended || of->errors != 0;
    }
    dprintf(1, "storm ends %s\n", failed ? "FAILED" : "well");
    return failed;
}
