// SPDX-License-Identifier: MIT
// Locks with priority inheritance, without a library between: LOCK_PI, TRYLOCK_PI, UNLOCK_PI and what they refuse, dead
// owners, circles. The words lie in shared memory, those who wait are processes, unless the test is of private words.
#include "test.h"
#include "task_state.h"

// musl comes without Linux's own headers: futex(2), and the kernel's robust-futex-ABI.
enum {
    FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_LOCK_PI2 = 13,
    FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
};
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
struct robust_list { struct robust_list* next; };
struct robust_list_head { struct robust_list list; long futex_offset; struct robust_list* list_op_pending; };

typedef unsigned volatile word_t;

static long futex(word_t* word, int operation, unsigned value, void const* timeout) {
    return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}
static long lock(word_t* word) { return futex(word, FUTEX_LOCK_PI, 0, NULL); }
static long unlock(word_t* word) { return futex(word, FUTEX_UNLOCK_PI, 0, NULL); }
static long try_lock(word_t* word) { return futex(word, FUTEX_TRYLOCK_PI, 0, NULL); }

static word_t* shared_words(void) {
    void* memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return memory;
}
static struct timespec from_now(clockid_t clock, long ms) {
    struct timespec time;
    clock_gettime(clock, &time);
    long const ns = time.tv_nsec + ms * 1000000 + 1000000000;   // ms may be negative
    time.tv_sec += ns / 1000000000 - 1;
    time.tv_nsec = ns % 1000000000;
    return time;
}
/// Until the word has the bit: then who waits sleeps, or is about to.
static void until_waited_for(word_t* word) {
    while (!(*word & FUTEX_WAITERS)) sched_yield();
}
/// Until the process sleeps.
static void until_asleep(pid_t child) {
    for (char state = 0; state != 'S'; sched_yield()) REQUIRE((state = state_of(child)) != 0);
}

TEST(alone) {
    word_t word = 0;
    unsigned const self = getpid();
    CHECK(lock(&word) == 0 && word == self);
    CHECK_ERRNO(lock(&word), EDEADLK);
    CHECK_ERRNO(try_lock(&word), EDEADLK);
    CHECK(unlock(&word) == 0 && word == 0);
    CHECK_ERRNO(unlock(&word), EPERM);
    CHECK(try_lock(&word) == 0 && word == self);
    CHECK(futex(&word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL) == 0 && word == 0);
    CHECK(futex(&word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, NULL) == 0 && word == self);
    word |= FUTEX_WAITERS;                                 // there are none
    CHECK(unlock(&word) == 0 && word == 0);
    word = FUTEX_OWNER_DIED;
    CHECK(lock(&word) == 0 && word == (FUTEX_OWNER_DIED | self));
    CHECK(unlock(&word) == 0 && word == 0);
    word = FUTEX_OWNER_DIED | FUTEX_WAITERS;
    CHECK(try_lock(&word) == 0 && word == (FUTEX_OWNER_DIED | self));
    // A wake of a lock that nobody waits for wakes nobody.
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
}

TEST(errors) {
    word_t* words = shared_words();
    struct timespec wrong = {0, 1000000000};
    CHECK_ERRNO(lock((void*)((char*)words + 2)), EINVAL);
    CHECK_ERRNO(lock(NULL), EFAULT);
    CHECK_ERRNO(unlock(NULL), EFAULT);
    CHECK_ERRNO(lock((void*)0xffff888000000000), EFAULT);
    CHECK_ERRNO(futex(words, FUTEX_LOCK_PI, 0, &wrong), EINVAL);
    CHECK_ERRNO(futex(words, FUTEX_LOCK_PI, 0, (void*)8), EFAULT);
    CHECK_ERRNO(futex(words, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL), ENOSYS);
    CHECK_ERRNO(futex(words, FUTEX_TRYLOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL), ENOSYS);
    CHECK(*words == 0);
    CHECK(mprotect((void*)words, PAGE, PROT_READ) == 0);
    CHECK_ERRNO(lock(words), EFAULT);
    CHECK_ERRNO(try_lock(words), EFAULT);
    CHECK(mprotect((void*)words, PAGE, PROT_READ | PROT_WRITE) == 0);
    words[0] = 0x3ffffffe;                                 // no such thread
    CHECK_ERRNO(lock(words), ESRCH);
    CHECK_ERRNO(try_lock(words), ESRCH);
    CHECK(words[0] == (0x3ffffffe | FUTEX_WAITERS));
    CHECK_ERRNO(unlock(words), EPERM);
    // One who ended without a robust list.
    pid_t child = fork();
    if (child == 0) _exit(lock(&words[1]) ? errno : 0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(words[1] == (unsigned)child);
    CHECK_ERRNO(lock(&words[1]), ESRCH);
    // Who waits without inheritance is not waited for with it.
    child = fork();
    if (child == 0) _exit(futex(&words[2], FUTEX_WAIT, 0, NULL) ? errno : 0);
    until_asleep(child);
    CHECK_ERRNO(lock(&words[2]), EINVAL);
    CHECK(futex(&words[2], FUTEX_WAKE, 1, NULL) == 1);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(taken) {
    word_t* words = shared_words();
    unsigned const self = getpid();
    CHECK(lock(words) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct timespec const past = from_now(CLOCK_REALTIME, -10), soon = from_now(CLOCK_REALTIME, 20);
        struct timespec const soon2 = from_now(CLOCK_MONOTONIC, 20);
        CHECK_ERRNO(try_lock(words), EAGAIN);
        CHECK(words[0] == (self | FUTEX_WAITERS));
        CHECK_ERRNO(futex(words, FUTEX_LOCK_PI, 0, &past), ETIMEDOUT);
        CHECK_ERRNO(futex(words, FUTEX_LOCK_PI, 0, &soon), ETIMEDOUT);
        CHECK_ERRNO(futex(words, FUTEX_LOCK_PI2, 0, &soon2), ETIMEDOUT);
        CHECK_ERRNO(futex(words, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &soon), ETIMEDOUT);
        CHECK_ERRNO(unlock(words), EPERM);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(words[0] == (self | FUTEX_WAITERS));
    CHECK(unlock(words) == 0 && words[0] == 0);

    CHECK(lock(words) == 0);
    child = fork();
    if (child == 0) {
        CHECK(lock(words) == 0);
        CHECK((words[0] & ~FUTEX_WAITERS) == (unsigned)getpid());
        words[1] = 1;
        CHECK(unlock(words) == 0);
        _exit(failures);
    }
    until_asleep(child);
    CHECK_ERRNO(futex(words, FUTEX_WAKE, 1, NULL), EINVAL);
    CHECK(words[1] == 0);
    CHECK(unlock(words) == 0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(words[1] == 1 && words[0] == 0);
    // The word says something else than those who wait know.
    CHECK(lock(words) == 0);
    child = fork();
    if (child == 0) _exit(lock(words) ? errno : 0);
    until_asleep(child);
    pid_t other = fork();
    if (other == 0) {
        words[0] = getppid() + 100000;
        CHECK_ERRNO(lock(words), EINVAL);
        words[0] = getpid();
        CHECK_ERRNO(unlock(words), EINVAL);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(other), 0));
    words[0] = self | FUTEX_WAITERS;
    CHECK(unlock(words) == 0);
    CHECK(ended_with(wait_for(child), 0));
}

static int handled;
static void handle(int signal) { (void)signal; ++handled; }

/// A handler without SA_RESTART runs, and the wait goes on.
TEST(signals) {
    word_t* words = shared_words();
    CHECK(lock(words) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_handler = handle};
        sigaction(SIGUSR1, &action, NULL);
        words[1] = 1;
        CHECK(lock(words) == 0);
        CHECK(handled == 1);
        CHECK(unlock(words) == 0);
        _exit(failures);
    }
    while (!words[1]) sched_yield();
    until_waited_for(words);
    until_asleep(child);
    CHECK(kill(child, SIGUSR1) == 0);
    until_asleep(child);
    CHECK(unlock(words) == 0);
    CHECK(ended_with(wait_for(child), 0));
    // One who is killed as it waits leaves nothing behind.
    CHECK(lock(words) == 0);
    child = fork();
    if (child == 0) _exit(lock(words) ? errno : 0);
    until_asleep(child);
    CHECK(kill(child, SIGKILL) == 0);
    int status = wait_for(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(unlock(words) == 0 && words[0] == 0);
}

struct robust_lock { struct robust_list list; word_t word; };

/// The owner ends, or executes: whoever waits gets the lock, and the bit that says so.
TEST(dead_owners) {
    struct robust_lock* locks = (void*)shared_words();
    for (int way = 0; way < 4; ++way) {
        int const robust = way & 1, executes = way & 2;
        memset(locks, 0, PAGE);
        word_t* const word = &locks[0].word;
        word_t* const go = &locks[1].word;
        pid_t owner = fork();
        if (owner == 0) {
            struct robust_list_head head = {{&head.list}, (char*)&locks[0].word - (char*)&locks[0].list, NULL};
            if (robust) {
                locks[0].list.next = (void*)((uintptr_t)&head.list);
                head.list.next = (void*)((uintptr_t)&locks[0].list | 1);
                syscall(SYS_set_robust_list, &head, sizeof head);
            }
            if (lock(word)) _exit(errno);
            while (!*go) sched_yield();
            if (executes) {
                char* words[] = {"/proc/self/exe", "--end", NULL};
                execv(words[0], words);
            }
            _exit(0);
        }
        while (!*word) sched_yield();
        pid_t waiters[3];
        for (int i = 0; i < 3; ++i) {
            waiters[i] = fork();
            if (waiters[i] == 0) {
                CHECK(lock(word) == 0);
                CHECK((*word & ~(FUTEX_WAITERS | FUTEX_OWNER_DIED)) == (unsigned)getpid());
                unsigned const died = __atomic_add_fetch(&locks[2].word, 1, __ATOMIC_SEQ_CST) == 1 ? FUTEX_OWNER_DIED : 0;
                CHECK((*word & FUTEX_OWNER_DIED) == died);
                CHECK(unlock(word) == 0);
                _exit(failures);
            }
            until_asleep(waiters[i]);
        }
        *go = 1;
        CHECK(ended_with(wait_for(owner), 0));
        for (int i = 0; i < 3; ++i) CHECK(ended_with(wait_for(waiters[i]), 0));
        CHECK(*word == 0);
        CHECK(locks[2].word == 3);
    }
    // Nobody waits: the mark alone.
    memset(locks, 0, PAGE);
    pid_t owner = fork();
    if (owner == 0) {
        struct robust_list_head head = {{(void*)((uintptr_t)&locks[0].list | 1)}, (char*)&locks[0].word - (char*)&locks[0].list, NULL};
        locks[0].list.next = &head.list;
        syscall(SYS_set_robust_list, &head, sizeof head);
        _exit(lock(&locks[0].word) ? errno : 0);
    }
    CHECK(ended_with(wait_for(owner), 0));
    CHECK(locks[0].word == FUTEX_OWNER_DIED);
    CHECK(lock(&locks[0].word) == 0);
    CHECK(locks[0].word == (FUTEX_OWNER_DIED | (unsigned)getpid()));
    CHECK(unlock(&locks[0].word) == 0 && locks[0].word == 0);
}

void when_executed(int count, char** words) {
    if (count == 2 && !strcmp(words[1], "--end")) _exit(0);
}

/// Each of a ring owns a lock and wants the next one's: who closes the circle is refused.
TEST(circles) {
    word_t* words = shared_words();
    enum { RING = 5 };
    word_t* const ready = words + RING;
    pid_t ring[RING];
    for (int i = 0; i < RING; ++i) {
        ring[i] = fork();
        if (ring[i] != 0) {
            while (*ready == (unsigned)i) sched_yield();
            continue;
        }
        CHECK(lock(&words[i]) == 0);
        __atomic_add_fetch(ready, 1, __ATOMIC_SEQ_CST);
        while (*ready != RING) sched_yield();
        int const refused = lock(&words[(i + 1) % RING]) != 0;
        if (refused) {
            CHECK(errno == EDEADLK);
            __atomic_add_fetch(&words[RING + 1], 1, __ATOMIC_SEQ_CST);
        } else {
            CHECK(unlock(&words[(i + 1) % RING]) == 0);
        }
        CHECK(unlock(&words[i]) == 0);
        _exit(failures);
    }
    for (int i = 0; i < RING; ++i) CHECK(ended_with(wait_for(ring[i]), 0));
    CHECK(words[RING + 1] >= 1);
    for (int i = 0; i < RING; ++i) CHECK(words[i] == 0);
}

/// Many processes, one lock, as a library takes it: a lost wake-up would hang, a broken lock would miscount.
TEST(crowd) {
    word_t* words = shared_words();
    enum { CREW = 6, TURNS = 500 };
    pid_t crew[CREW];
    for (int i = 0; i < CREW; ++i) {
        crew[i] = fork();
        if (crew[i] != 0) continue;
        unsigned const self = getpid();
        for (int turn = 0; turn < TURNS; ++turn) {
            unsigned expected = 0;
            if (!__atomic_compare_exchange_n(words, &expected, self, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
                struct timespec const soon = from_now(CLOCK_REALTIME, turn % 3);
                while (futex(words, FUTEX_LOCK_PI, 0, turn % 7 == 0 ? &soon : NULL) != 0) {
                    REQUIRE(errno == ETIMEDOUT);
                    if (try_lock(words) == 0) break;
                    REQUIRE(errno == EAGAIN);
                    sched_yield();
                }
            }
            unsigned const seen = words[1];
            if (turn % 16 == 0) sched_yield();
            words[1] = seen + 1;
            expected = self;
            if (!__atomic_compare_exchange_n(words, &expected, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) CHECK(unlock(words) == 0);
        }
        _exit(failures);
    }
    for (int i = 0; i < CREW; ++i) CHECK(ended_with(wait_for(crew[i]), 0));
    CHECK(words[1] == CREW * TURNS);
    CHECK(words[0] == 0);
}
