// SPDX-License-Identifier: MIT
// libc: musl
// flags: -static -pthread
// Storms side by side for tools/soak: `soak SECONDS` runs every kind in processes of its own; each checks its own
// results, and counts its rounds in shared memory. Prints the rounds of each every ten seconds; ends with 1 if a check
// failed, a storm's process died, or one made no progress for half a minute (a lost wake-up, a hang).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, STALL_S = 30 };

struct storm {
    char const* name;
    void (*run)(int number);
    int copies;
};

static atomic_long* rounds;          // of each process of a storm, shared
static atomic_int* stop;
static char const* what;             // which storm this process is

static void fail(char const* text, int line) {
    printf("FAIL %s: %s (line %d, errno %d)\n", what, text, line, errno);
    fflush(stdout);
    _exit(1);
}
#define MUST(condition) do { if (!(condition)) fail(#condition, __LINE__); } while (0)

static uint64_t next_random(uint64_t* state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

// ---- processes

static void fork_storm(int number) {
    char* const page = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED);
    for (long round = 0; !*stop; ++round, ++rounds[number]) {
        memset(page, (int)round, 8 * PAGE);
        pid_t children[3];
        for (int i = 0; i < 3; ++i) {
            children[i] = fork();
            MUST(children[i] >= 0 || errno == EAGAIN || errno == ENOMEM);
            if (children[i] != 0) continue;
            for (int at = 0; at < 8 * PAGE; at += 512) if (page[at] != (char)round) _exit(2);
            page[i * PAGE] = (char)~round;
            pid_t const grandchild = i == 0 ? fork() : -1;
            if (grandchild == 0) _exit(page[0] == (char)~round ? 0 : 3);
            int status = 0;
            if (grandchild > 0) waitpid(grandchild, &status, 0);
            _exit(status != 0 ? 4 : 5);
        }
        for (int i = 0; i < 3; ++i) {
            int status;
            if (children[i] < 0) continue;
            MUST(waitpid(children[i], &status, 0) == children[i]);
            MUST(WIFEXITED(status) && WEXITSTATUS(status) == 5);
        }
        MUST(page[0] == (char)round && page[2 * PAGE] == (char)round);
    }
}

static void exec_storm(int number) {
    for (; !*stop; ++rounds[number]) {
        int ends[2];
        MUST(pipe(ends) == 0);
        pid_t const child = vfork();
        MUST(child >= 0);
        if (child == 0) {
            dup2(ends[1], 1);
            execl("/proc/self/exe", "soak", "--echo", "storm", (char*)NULL);
            _exit(126);
        }
        close(ends[1]);
        char text[16] = "";
        MUST(read(ends[0], text, sizeof text) == 5 && !memcmp(text, "storm", 5));
        close(ends[0]);
        int status;
        MUST(waitpid(child, &status, 0) == child && status == 0);
    }
}

// ---- memory

static void* touch_memory(void* argument) {
    int const number = (int)(uintptr_t)argument;
    uint64_t state = (uint64_t)number * 77 + 1;
    while (!*stop) {
        size_t const pages = 1 + next_random(&state) % 64;
        char* const start = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) {
            MUST(errno == ENOMEM);
            continue;
        }
        for (size_t i = 0; i < pages; ++i) MUST(start[i * PAGE + 5] == 0);
        for (size_t i = 0; i < pages; ++i) start[i * PAGE + 5] = (char)(number + 1);
        MUST(mprotect(start, pages * PAGE, PROT_READ) == 0);
        for (size_t i = 0; i < pages; ++i) MUST(start[i * PAGE + 5] == (char)(number + 1));
        MUST(mprotect(start + (pages / 2) * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
        start[pages / 2 * PAGE + 5] = 9;
        if (next_random(&state) % 2) {
            MUST(madvise(start, pages * PAGE, MADV_DONTNEED) == 0);
            MUST(start[5] == 0);
        }
        MUST(mprotect(start, pages * PAGE, PROT_READ | PROT_WRITE) == 0);   // one mapping again
        char* const moved = mremap(start, pages * PAGE, (pages + 8) * PAGE, MREMAP_MAYMOVE);
        MUST(moved != MAP_FAILED || errno == ENOMEM);
        MUST(munmap(moved != MAP_FAILED ? moved : start, (moved != MAP_FAILED ? pages + 8 : pages) * PAGE) == 0);
        ++rounds[number];
    }
    return NULL;
}

/// Three threads in one address space, so that every change is shot down on other CPUs.
static void memory_storm(int number) {
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) MUST(pthread_create(&threads[i], NULL, touch_memory, (void*)(uintptr_t)number) == 0);
    touch_memory((void*)(uintptr_t)number);
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}

// ---- page tables: enough memory that fork shares whole tables, which then change hands

enum { REGION = 3 * 512 * PAGE };
static char* region;

/// Counts in every third page: the words at its ends are equal, or the first is one ahead.
static void* count_in_region(void* argument) {
    for (uint64_t count = 1; !*stop; ++count)
        for (size_t at = (uintptr_t)argument * PAGE; at < REGION; at += 3 * PAGE) {
            *(_Atomic uint64_t*)(region + at) = count;
            *(_Atomic uint64_t*)(region + at + PAGE - 8) = count;
        }
    return NULL;
}

static uint64_t first_word(size_t page) { return *(volatile uint64_t*)(region + page * PAGE); }
static uint64_t last_word(size_t page) { return *(volatile uint64_t*)(region + (page + 1) * PAGE - 8); }

/// Changes a range of the region in some way; the rest must stay as it was, nobody else writes here.
static void change_region(uint64_t state, int generation) {
    static uint64_t seen[REGION / PAGE];
    size_t const pages = REGION / PAGE, first = next_random(&state) % pages, count = 1 + next_random(&state) % (pages - first);
    for (size_t page = 0; page < pages; ++page) {
        seen[page] = first_word(page);
        if (seen[page] != last_word(page) && seen[page] != last_word(page) + 1) _exit(2);
    }
    char* const at = region + first * PAGE;
    uint64_t const way = next_random(&state) % 6;
    if (way == 0 && munmap(at, count * PAGE) != 0) _exit(errno == ENOMEM ? 5 : 3);
    if (way == 1 && mprotect(at, count * PAGE, PROT_READ) != 0) _exit(errno == ENOMEM ? 5 : 3);
    if (way == 2 && madvise(at, count * PAGE, MADV_DONTNEED) != 0) _exit(errno == ENOMEM ? 5 : 3);
    if (way == 3 && mremap(at, count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, region + REGION) == MAP_FAILED) _exit(errno == ENOMEM ? 5 : 3);
    for (size_t i = 0; way == 4 && i < count; i += 5) *(volatile uint64_t*)(at + i * PAGE) = *(volatile uint64_t*)(at + (i + 1) * PAGE - 8) = seen[first + i] = state + i;
    pid_t const child = generation < 2 ? fork() : -1;
    if (child == 0 && way >= 4) change_region(state, generation + 1);
    for (size_t page = 0; page < pages; ++page) {
        uint64_t const inside = page >= first && page < first + count;
        if (inside && (way == 0 || way == 3)) continue;
        if (first_word(page) != (inside && way == 2 ? 0 : seen[page])) _exit(4);
    }
    int status = 5 << 8;
    if (child > 0) waitpid(child, &status, 0);
    _exit(status == 5 << 8 ? 5 : 6);
}

static void table_storm(int number) {
    region = mmap(NULL, 2 * REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(region != MAP_FAILED);
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) MUST(pthread_create(&threads[i], NULL, count_in_region, (void*)(uintptr_t)i) == 0);
    uint64_t state = (uint64_t)number * 33 + 7;
    for (; !*stop; ++rounds[number]) {
        pid_t children[2];
        for (int i = 0; i < 2; ++i) {
            children[i] = fork();
            MUST(children[i] >= 0 || errno == EAGAIN || errno == ENOMEM);
            if (children[i] == 0) change_region(next_random(&state) + (uint64_t)i * 1000, 0);
        }
        next_random(&state);
        for (size_t page = 2; page < REGION / PAGE; page += 3) *(volatile uint64_t*)(region + page * PAGE) = *(volatile uint64_t*)(region + (page + 1) * PAGE - 8) = state;
        for (int i = 0; i < 2; ++i) {
            int status;
            if (children[i] < 0) continue;
            MUST(waitpid(children[i], &status, 0) == children[i]);
            MUST(WIFEXITED(status) && WEXITSTATUS(status) == 5);
        }
        for (size_t page = 2; page < REGION / PAGE; page += 3) MUST(first_word(page) == state && last_word(page) == state);
    }
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
}

// ---- communication: a partner process answers; both check the sequence

static void with_partner(int number, void (*ask)(int, long), void (*answer)(int, long)) {
    pid_t const parent = getpid();
    pid_t const partner = fork();
    MUST(partner >= 0);
    if (partner == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(0);
        for (long round = 0;; ++round) answer(number, round);
    }
    for (long round = 0; !*stop; ++round, ++rounds[number]) ask(number, round);
    kill(partner, SIGKILL);
    waitpid(partner, NULL, 0);
}

static int to_partner[2], from_partner[2];
static void ask_pipe(int number, long round) {
    char block[3000];
    (void)number;
    memset(block, (int)round, sizeof block);
    MUST(write(to_partner[1], block, sizeof block) == sizeof block);
    long back;
    MUST(read(from_partner[0], &back, sizeof back) == sizeof back && back == round);
}
static void answer_pipe(int number, long round) {
    char block[3000];
    (void)number;
    for (size_t got = 0; got < sizeof block;) {
        ssize_t const n = read(to_partner[0], block + got, sizeof block - got);
        MUST(n > 0);
        got += (size_t)n;
    }
    MUST(block[0] == (char)round && block[2999] == (char)round);
    MUST(write(from_partner[1], &round, sizeof round) == sizeof round);
}
static void pipe_storm(int number) {
    MUST(pipe(to_partner) == 0 && pipe(from_partner) == 0);
    with_partner(number, ask_pipe, answer_pipe);
}

static mqd_t requests, answers;
static void ask_mq(int number, long round) {
    (void)number;
    MUST(mq_send(requests, (char*)&round, sizeof round, (unsigned)round % 8) == 0);
    long back;
    MUST(mq_receive(answers, (char*)&back, sizeof back, NULL) == sizeof back && back == round);
}
static void answer_mq(int number, long round) {
    (void)number;
    long got;
    unsigned priority;
    MUST(mq_receive(requests, (char*)&got, sizeof got, &priority) == sizeof got && got == round && priority == (unsigned)round % 8);
    MUST(mq_send(answers, (char*)&got, sizeof got, 0) == 0);
}
static void mq_storm(int number) {
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = sizeof(long)};
    snprintf(name, sizeof name, "/soak-%d", number);
    requests = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    MUST(requests != (mqd_t)-1 && mq_unlink(name) == 0);
    answers = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    MUST(answers != (mqd_t)-1 && mq_unlink(name) == 0);
    with_partner(number, ask_mq, answer_mq);
}

static int queue_id;
struct message { long type, value; };
static void ask_system_v(int number, long round) {
    (void)number;
    struct message message = {1, round};
    MUST(msgsnd(queue_id, &message, sizeof message.value, 0) == 0);
    MUST(msgrcv(queue_id, &message, sizeof message.value, 2, 0) == sizeof message.value && message.value == round);
}
static void answer_system_v(int number, long round) {
    (void)number;
    struct message message;
    MUST(msgrcv(queue_id, &message, sizeof message.value, 1, 0) == sizeof message.value && message.value == round);
    message.type = 2;
    MUST(msgsnd(queue_id, &message, sizeof message.value, 0) == 0);
}
static void system_v_storm(int number) {
    queue_id = msgget(IPC_PRIVATE, 0600);
    MUST(queue_id >= 0);
    with_partner(number, ask_system_v, answer_system_v);
    MUST(msgctl(queue_id, IPC_RMID, NULL) == 0);
}

// ---- threads on futexes

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long produced, consumed;
static void* consume(void* argument) {
    int const number = (int)(uintptr_t)argument;
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (consumed == produced && !*stop) pthread_cond_wait(&condition, &mutex);
        if (*stop) break;
        ++consumed;
        ++rounds[number];
        pthread_cond_broadcast(&condition);
    }
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return NULL;
}
static void futex_storm(int number) {
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) MUST(pthread_create(&threads[i], NULL, consume, (void*)(uintptr_t)number) == 0);
    pthread_mutex_lock(&mutex);
    while (!*stop) {
        while (produced - consumed >= 4 && !*stop) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 1;
            pthread_cond_timedwait(&condition, &mutex, &until);
        }
        MUST(produced >= consumed && produced - consumed <= 4);
        ++produced;
        pthread_cond_broadcast(&condition);
    }
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
}

// ---- locks with priority inheritance

static pthread_mutex_t outer, inner;
static int inside;
static void make_inheriting(pthread_mutex_t* lock) {
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes) == 0);
    MUST(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    MUST(pthread_mutex_init(lock, &attributes) == 0);
}
/// 1: it is ours.
static int lock_inheriting(pthread_mutex_t* lock, int wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += wait_ms * 1000000l;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int const result = wait_ms ? pthread_mutex_timedlock(lock, &until) : pthread_mutex_lock(lock);
    MUST(result == 0 || (wait_ms && result == ETIMEDOUT));
    return result == 0;
}
static void* inherit(void* argument) {
    int const number = (int)(uintptr_t)argument;
    uint64_t state = (uintptr_t)&state;
    for (int turn = 0; turn < 1000 && !*stop; ++turn) {
        setpriority(PRIO_PROCESS, 0, (int)(next_random(&state) % 12));
        if (!lock_inheriting(&outer, (int)(next_random(&state) % 4))) continue;
        MUST(inside++ == 0);
        if (lock_inheriting(&inner, 0)) MUST(pthread_mutex_unlock(&inner) == 0);
        MUST(--inside == 0);
        MUST(pthread_mutex_unlock(&outer) == 0);
        ++rounds[number];
    }
    return NULL;
}
static void inherit_storm(int number) {
    make_inheriting(&outer);
    make_inheriting(&inner);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) MUST(pthread_create(&threads[i], NULL, inherit, (void*)(uintptr_t)number) == 0);
    for (int i = 0; !*stop; i = (i + 1) % 4) {
        MUST(pthread_join(threads[i], NULL) == 0);
        MUST(pthread_create(&threads[i], NULL, inherit, (void*)(uintptr_t)number) == 0);
    }
    for (int i = 0; i < 4; ++i) MUST(pthread_join(threads[i], NULL) == 0);
}

static void* end_at_once(void* argument) { return argument; }
static void thread_storm(int number) {
    for (; !*stop; ++rounds[number]) {
        pthread_t threads[4];
        for (uintptr_t i = 0; i < 4; ++i) MUST(pthread_create(&threads[i], NULL, end_at_once, (void*)i) == 0);
        for (uintptr_t i = 0; i < 4; ++i) {
            void* result;
            MUST(pthread_join(threads[i], &result) == 0 && result == (void*)i);
        }
    }
}

// ---- signals

static atomic_long caught;
static void on_signal(int signal) { (void)signal; ++caught; }
static void signal_storm(int number) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, NULL);
    pid_t const parent = getpid();
    pid_t const child = fork();
    MUST(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int got;
            kill(parent, SIGUSR1);
            sigwait(&usr2, &got);
        }
    }
    for (long seen = 0; !*stop; ++rounds[number]) {
        while (caught == seen && !*stop) sched_yield();
        seen = caught;
        kill(child, SIGUSR2);
        if (rounds[number] % 16 == 0) {
            pid_t const victim = fork();
            if (victim == 0) for (;;) pause();
            if (victim > 0) {
                int status;
                kill(victim, rounds[number] % 32 ? SIGTERM : SIGKILL);
                pid_t got;
                do got = waitpid(victim, &status, 0); while (got < 0 && errno == EINTR);
                MUST(got == victim && WIFSIGNALED(status));
            }
        }
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

// ---- files

static void file_storm(int number) {
    char names[2][48];
    for (int i = 0; i < 2; ++i) snprintf(names[i], sizeof names[i], "/tmp/soak-%d-%d", number, i);
    for (long round = 0; !*stop; ++round, ++rounds[number]) {
        int const file = open(names[0], O_RDWR | O_CREAT | O_EXCL, 0600);
        MUST(file >= 0);
        MUST(pwrite(file, &round, sizeof round, round % 20000) == sizeof round);
        MUST(rename(names[0], names[1]) == 0);
        char* const view = mmap(NULL, 6 * PAGE, PROT_READ, MAP_SHARED, file, 0);
        MUST(view != MAP_FAILED);
        MUST(!memcmp(view + round % 20000, &round, sizeof round));
        MUST(munmap(view, 6 * PAGE) == 0);
        MUST(ftruncate(file, 0) == 0 && close(file) == 0 && unlink(names[1]) == 0);
    }
}

static struct storm const storms[] = {
    {"fork", fork_storm, 2},   {"exec", exec_storm, 1},         {"memory", memory_storm, 2}, {"pipe", pipe_storm, 2},
    {"mq", mq_storm, 1},       {"system_v", system_v_storm, 1}, {"futex", futex_storm, 2},   {"thread", thread_storm, 1},
    {"signal", signal_storm, 1}, {"file", file_storm, 1},       {"inherit", inherit_storm, 1},
    {"tables", table_storm, 1},
};
enum { STORMS = sizeof storms / sizeof *storms, MOST = 32 };

int main(int count, char** words) {
    if (count > 2 && !strcmp(words[1], "--echo")) return write(1, words[2], strlen(words[2])) < 0;
    if (count < 2) {
        fprintf(stderr, "usage: soak SECONDS [STORM...]\n");
        return 2;
    }
    char* const shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    rounds = (atomic_long*)shared;
    stop = (atomic_int*)(shared + PAGE / 2);
    pid_t pids[MOST];
    int kind[MOST], processes = 0;
    for (int s = 0; s < STORMS; ++s) {
        int wanted = count == 2;
        for (int i = 2; i < count; ++i) wanted |= !strcmp(words[i], storms[s].name);
        for (int copy = 0; wanted && copy < storms[s].copies; ++copy, ++processes) {
            kind[processes] = s;
            what = storms[s].name;
            pids[processes] = fork();
            if (pids[processes] == 0) {
                storms[s].run(processes);
                _exit(0);
            }
        }
    }
    time_t const end = time(NULL) + atoi(words[1]);
    long last[MOST] = {0};
    int idle_s[MOST] = {0}, bad = 0;
    for (long second = 1; time(NULL) < end && !bad; ++second) {
        sleep(1);
        for (int i = 0; i < processes; ++i) {
            long const now = rounds[i];
            idle_s[i] = now == last[i] ? idle_s[i] + 1 : 0;
            last[i] = now;
            if (idle_s[i] >= STALL_S) printf("STALL %s (process %d, round %ld)\n", storms[kind[i]].name, (int)pids[i], now), bad = 1;
            if (waitpid(pids[i], NULL, WNOHANG) != 0) printf("DIED %s\n", storms[kind[i]].name), bad = 1;
        }
        if (second % 10 && !bad && time(NULL) < end) continue;
        printf("second %ld:", second);
        for (int i = 0; i < processes; ++i) printf(" %s %ld", storms[kind[i]].name, last[i]);
        printf("\n");
        fflush(stdout);
    }
    *stop = 1;
    if (bad) return 1;
    for (int i = 0; i < processes; ++i) {
        int status;
        pid_t const got = waitpid(pids[i], &status, 0);
        if (got != pids[i] || status != 0) printf("ENDED %s with %#x\n", storms[kind[i]].name, status), bad = 1;
    }
    printf(bad ? "soak failed\n" : "soak passed\n");
    return bad;
}
