// SPDX-License-Identifier: MIT
// futex(2) without a library between: errors, timeouts, bit sets, requeueing, WAKE_OP, words that processes share,
// robust lists. Sleepers are processes with the word in shared memory, unless private words are the matter.
#include "test.h"

// musl comes without Linux's own headers: futex(2), and the kernel's robust-futex-ABI.
enum {
    FUTEX_WAIT, FUTEX_WAKE, FUTEX_FD, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET, FUTEX_PRIVATE_FLAG = 128, FUTEX_CLOCK_REALTIME = 256,
    FUTEX_WAIT_PRIVATE = FUTEX_WAIT | FUTEX_PRIVATE_FLAG, FUTEX_WAKE_PRIVATE = FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
    FUTEX_WAIT_BITSET_PRIVATE = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, FUTEX_WAKE_OP_PRIVATE = FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG,
};
enum { FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR, FUTEX_OP_OPARG_SHIFT = 8 };
enum { FUTEX_OP_CMP_EQ, FUTEX_OP_CMP_NE, FUTEX_OP_CMP_LT, FUTEX_OP_CMP_LE, FUTEX_OP_CMP_GT, FUTEX_OP_CMP_GE };
#define FUTEX_OP(op, arg, cmp, cmparg) ((unsigned)(op) << 28 | (unsigned)(cmp) << 24 | ((unsigned)(arg) & 0xfff) << 12 | ((unsigned)(cmparg) & 0xfff))
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
struct robust_list { struct robust_list* next; };
struct robust_list_head { struct robust_list list; long futex_offset; struct robust_list* list_op_pending; };

static long futex(void volatile* word, int operation, unsigned value, void const* timeout, void volatile* second, unsigned third) {
    return syscall(SYS_futex, word, operation, value, timeout, second, third);
}
static unsigned volatile* shared_words(void) {
    void* memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return memory;
}
/// A child in FUTEX_WAIT_BITSET; its exit status: 0 woken, else errno.
static pid_t sleeper(unsigned volatile* word, unsigned bits) {
    pid_t child = fork();
    if (child == 0) _exit(futex(word, FUTEX_WAIT_BITSET, 0, NULL, NULL, bits) == 0 ? 0 : errno);
    return child;
}
/// Until `count` sleep on the word: a requeue of none of them onto itself says how many there are only by moving them.
static void until_asleep(unsigned volatile* word, int count) {
    for (;;) {
        if (futex(word, FUTEX_REQUEUE, 0, (void*)(long)1000, word, 0) == count) return;
        sched_yield();
    }
}

TEST(errors) {
    unsigned word = 5;
    struct timespec wrong = {0, 1000000000}, negative = {-1, 0}, short_time = {0, 1000000};
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex((char*)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((char*)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, &wrong, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, &negative, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, (void*)8, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(NULL, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex((void*)0x7ffffffff000, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex((void*)0xffff888000000000, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(NULL, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 5, NULL, NULL, 0), ENOSYS);
    CHECK_ERRNO(futex(&word, 99, 5, NULL, NULL, 0), ENOSYS);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, &word, 6), EAGAIN);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE, -1, (void*)1, &word, 5), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_REQUEUE, 1, (void*)-1L, &word, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT, 5, &short_time, NULL, 0), ETIMEDOUT);
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    char* read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(futex(read_only, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, read_only, FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)), EFAULT);
}

static long elapsed_ms(clockid_t clock, struct timespec since) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (now.tv_sec - since.tv_sec) * 1000 + (now.tv_nsec - since.tv_nsec) / 1000000;
}

TEST(timeouts) {
    unsigned word = 0;
    struct timespec start, until, relative = {0, 20000000}, past = {1, 0};
    clock_gettime(CLOCK_MONOTONIC, &start);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 0, &relative, NULL, 0), ETIMEDOUT);
    CHECK(elapsed_ms(CLOCK_MONOTONIC, start) >= 20);
    clock_gettime(CLOCK_MONOTONIC, &start);
    until = start;
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    CHECK(elapsed_ms(CLOCK_MONOTONIC, start) >= 20);
    clock_gettime(CLOCK_REALTIME, &start);
    until = start;
    until.tv_nsec += 20000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &until, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    CHECK(elapsed_ms(CLOCK_REALTIME, start) >= 20);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1), ETIMEDOUT);
}

static void on_alarm(int signal) { (void)signal; }

TEST(signals) {
    unsigned word = 0;
    pid_t parent = getpid();
    struct timespec long_time = {30, 0};
    for (int restarts = 0; restarts < 2; ++restarts) {
        struct sigaction action = {.sa_handler = on_alarm, .sa_flags = restarts ? SA_RESTART : 0};
        sigaction(SIGUSR1, &action, NULL);
        for (int timed = 0; timed < 2; ++timed) {
            if (restarts && !timed) continue;   // would sleep for ever
            pid_t child = fork();
            if (child == 0) {
                for (;;) usleep(2000), kill(parent, SIGUSR1);
            }
            CHECK_ERRNO(futex(&word, FUTEX_WAIT, 0, timed ? &long_time : NULL, NULL, 0), EINTR);
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
        }
    }
    // Stopped and continued, a wait goes on to its first deadline.
    unsigned volatile* words = shared_words();
    pid_t child = fork();
    if (child == 0) {
        struct timespec start, time = {0, 300000000};
        clock_gettime(CLOCK_MONOTONIC, &start);
        long result = futex(words, FUTEX_WAIT, 0, &time, NULL, 0);
        long took = elapsed_ms(CLOCK_MONOTONIC, start);
        _exit(result == -1 && errno == ETIMEDOUT && took >= 300 ? 0 : 1);
    }
    usleep(50000);
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    kill(child, SIGCONT);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(wakes_count_and_bits) {
    unsigned volatile* words = shared_words();
    pid_t children[4];
    for (int i = 0; i < 4; ++i) children[i] = sleeper(words, 1u << i);
    until_asleep(words, 4);
    CHECK(futex(words, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4) == 1);
    CHECK(ended_with(wait_for(children[2]), 0));
    CHECK(futex(words, FUTEX_WAKE_BITSET, 10, NULL, NULL, 16) == 0);
    CHECK(futex(words, FUTEX_WAKE, 2, NULL, NULL, 0) == 2);
    CHECK(futex(words + 1, FUTEX_WAKE, 2, NULL, NULL, 0) == 0);
    CHECK(futex(words, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0) == 0);
    CHECK(futex(words, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) == 1);
    for (int i = 0; i < 4; ++i)
        if (i != 2) CHECK(ended_with(wait_for(children[i]), 0));
}

TEST(requeue_moves_waiters) {
    unsigned volatile* words = shared_words();
    pid_t children[5];
    for (int i = 0; i < 5; ++i) children[i] = sleeper(words, ~0u);
    until_asleep(words, 5);
    CHECK(futex(words, FUTEX_CMP_REQUEUE, 1, (void*)2, words + 300, 0) == 3);
    CHECK(futex(words + 300, FUTEX_WAKE, 10, NULL, NULL, 0) == 2);
    CHECK(futex(words, FUTEX_REQUEUE, 0, (void*)10, words + 17, 0) == 2);
    CHECK(futex(words, FUTEX_WAKE, 10, NULL, NULL, 0) == 0);
    CHECK(futex(words + 17, FUTEX_WAKE, 10, NULL, NULL, 0) == 2);
    for (int i = 0; i < 5; ++i) CHECK(ended_with(wait_for(children[i]), 0));
}

TEST(a_moved_waiter_times_out_and_is_interrupted) {
    unsigned volatile* words = shared_words();
    pid_t child = fork();
    if (child == 0) {
        struct timespec time = {0, 100000000};
        long result = futex(words, FUTEX_WAIT, 0, &time, NULL, 0);
        _exit(result == -1 ? errno : 0);
    }
    while (futex(words, FUTEX_REQUEUE, 0, (void*)1, words + 200, 0) != 1) sched_yield();
    CHECK(ended_with(wait_for(child), ETIMEDOUT));
    CHECK(futex(words + 200, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    child = sleeper(words, ~0u);
    while (futex(words, FUTEX_REQUEUE, 0, (void*)1, words + 200, 0) != 1) sched_yield();
    kill(child, SIGKILL);
    CHECK(killed_by(wait_for(child), SIGKILL));
    CHECK(futex(words + 200, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
}

TEST(wake_operation) {
    unsigned volatile* words = shared_words();
    static struct { int operation; unsigned before, argument, after; } const cases[] = {
        {FUTEX_OP_SET, 7, 3, 3}, {FUTEX_OP_ADD, 7, 3, 10}, {FUTEX_OP_ADD, 7, 0xfff, 6}, {FUTEX_OP_OR, 8, 3, 11},
        {FUTEX_OP_ANDN, 7, 2, 5}, {FUTEX_OP_XOR, 7, 2, 5}, {FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 1, 9, 513},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; ++i) {
        words[1] = cases[i].before;
        CHECK(futex(words, FUTEX_WAKE_OP, 1, (void*)1, words + 1, FUTEX_OP(cases[i].operation, cases[i].argument, FUTEX_OP_CMP_EQ, 0)) == 0);
        CHECK(words[1] == cases[i].after);
    }
    static struct { int comparison, old, against, wakes; } const comparisons[] = {
        {FUTEX_OP_CMP_EQ, 4, 4, 1}, {FUTEX_OP_CMP_EQ, 4, 5, 0}, {FUTEX_OP_CMP_NE, 4, 5, 1}, {FUTEX_OP_CMP_LT, -5, 4, 1},
        {FUTEX_OP_CMP_LE, 4, 4, 1}, {FUTEX_OP_CMP_GT, 4, 4, 0}, {FUTEX_OP_CMP_GE, 4, -1, 1},
    };
    for (unsigned i = 0; i < sizeof comparisons / sizeof *comparisons; ++i) {
        words[40] = 0;
        pid_t child = sleeper(words + 40, ~0u);
        until_asleep(words + 40, 1);
        words[40] = comparisons[i].old;
        long woken = futex(words, FUTEX_WAKE_OP, 1, (void*)1, words + 40, FUTEX_OP(FUTEX_OP_SET, 9, comparisons[i].comparison, comparisons[i].against));
        CHECK(woken == comparisons[i].wakes && words[40] == 9);
        if (!woken) CHECK(futex(words + 40, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
        CHECK(ended_with(wait_for(child), 0));
    }
    CHECK_ERRNO(futex(words, FUTEX_WAKE_OP, 1, (void*)1, words + 1, 7u << 28), ENOSYS);
}

TEST(the_same_file_at_other_addresses) {
    int fd = open("words", O_RDWR | O_CREAT, 0600);
    REQUIRE(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
    unsigned volatile* here = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned volatile* there = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    REQUIRE(here != MAP_FAILED && there != MAP_FAILED);
    pid_t child = sleeper(there + 3, ~0u);
    until_asleep(here + PAGE / 4 + 3, 1);
    CHECK(futex(here + 3, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    CHECK(futex(here + PAGE / 4 + 3, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
    CHECK(ended_with(wait_for(child), 0));
    unlink("words");
}

struct lock { struct robust_list list; unsigned volatile word; };

TEST(robust_lists) {
    struct lock* locks = (void*)shared_words();
    struct robust_list_head* got;
    size_t size;
    CHECK_ERRNO(syscall(SYS_set_robust_list, &got, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_get_robust_list, 0, 8, &size), EFAULT);
    for (int way = 0; way < 2; ++way) {
        memset(locks, 0, PAGE);
        pid_t child = fork();
        if (child == 0) {
            struct robust_list_head head = {{&locks[0].list}, (char*)&locks[0].word - (char*)&locks[0].list, NULL};
            locks[0].list.next = &locks[1].list;
            locks[1].list.next = &locks[2].list;
            locks[2].list.next = &head.list;
            head.list_op_pending = &locks[3].list;
            locks[0].word = getpid();
            locks[1].word = getpid() | FUTEX_WAITERS;
            locks[2].word = 1;                             // somebody else's
            locks[3].word = getpid();
            if (syscall(SYS_set_robust_list, &head, sizeof head)) _exit(1);
            if (syscall(SYS_get_robust_list, 0, &got, &size) || got != &head || size != sizeof head) _exit(2);
            if (way) {
                char* words[] = {"/proc/self/exe", "--end", NULL};
                execv(words[0], words);
            }
            _exit(0);
        }
        CHECK(ended_with(wait_for(child), 0));
        CHECK(locks[0].word == FUTEX_OWNER_DIED);
        CHECK(locks[1].word == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
        CHECK(locks[2].word == 1);
        CHECK(locks[3].word == FUTEX_OWNER_DIED);
    }
    // A list in a circle, and one that leads nowhere.
    for (int way = 0; way < 2; ++way) {
        pid_t child = fork();
        if (child == 0) {
            static struct lock alone;
            static struct robust_list_head head;
            head.list.next = &alone.list;
            alone.list.next = way ? (void*)8 : (void*)&alone.list;
            syscall(SYS_set_robust_list, &head, sizeof head);
            _exit(3);
        }
        CHECK(ended_with(wait_for(child), 3));
    }
}

void when_executed(int count, char** words) {
    if (count == 2 && !strcmp(words[1], "--end")) _exit(0);
}

/// Two processes hand a word to and fro: a lost wake-up would hang.
TEST(ping_pong) {
    unsigned volatile* words = shared_words();
    enum { TURNS = 3000 };
    pid_t child = fork();
    for (unsigned turn = child == 0; turn < TURNS; turn += 2) {
        unsigned now;
        while ((now = __atomic_load_n(words, __ATOMIC_SEQ_CST)) != turn) futex(words, FUTEX_WAIT, now, NULL, NULL, 0);
        __atomic_store_n(words, turn + 1, __ATOMIC_SEQ_CST);
        futex(words, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    if (child == 0) _exit(0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(*words == TURNS);
}
