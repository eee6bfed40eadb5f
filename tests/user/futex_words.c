// SPDX-License-Identifier: MIT
// Futexes that programs could share, in memory of every kind: where the word has to be there, and what is one word. Who is woken
// first. What a damaged list of robust locks leaves behind.
// libc: glibc
#include "test.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

static long result(long value) { return value == -1 ? -errno : value; }
static long call(void* word, int operation, long value, void* fourth, void* other, long last) {
    return result(syscall(SYS_futex, word, operation, value, fourth, other, last));
}
static struct timespec short_while = {0, 5000000};

static void try_all(char const* what, char* at) {
    static uint32_t good;
    say("%s: wake %ld private %ld", what, call(at, FUTEX_WAKE, 1, NULL, NULL, 0), call(at, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    say(" wait %ld private %ld", call(at, FUTEX_WAIT, 1, &short_while, NULL, 0), call(at, FUTEX_WAIT_PRIVATE, 1, &short_while, NULL, 0));
    say(" bitset %ld", call(at, FUTEX_WAKE_BITSET, 1, NULL, NULL, 1));
    say(" requeue from %ld to %ld", call(at, FUTEX_REQUEUE, 1, (void*)1, &good, 0), call(&good, FUTEX_REQUEUE, 1, (void*)1, at, 0));
    say(" compare %ld", call(at, FUTEX_CMP_REQUEUE, 1, (void*)1, &good, 7));
    say(" operation %ld %ld", call(at, FUTEX_WAKE_OP, 1, (void*)1, &good, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)),
        call(&good, FUTEX_WAKE_OP, 1, (void*)1, at, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)));
    say(" lock %d\n", call(at, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0) < 0);
}

static char* map(int rights, int flags, int file) {
    char* at = mmap(NULL, 2 * PAGE, rights, flags, file, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}

TEST(words_in_memory_of_every_kind) {
    int file = memfd_create("words", 0);
    REQUIRE(file >= 0 && ftruncate(file, PAGE) == 0);
    enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };
    try_all("anonymous", map(RW, ANONYMOUS, -1));
    try_all("to write only", map(PROT_WRITE, ANONYMOUS, -1));
    try_all("to read only", map(PROT_READ, ANONYMOUS, -1));
    try_all("out of reach", map(PROT_NONE, ANONYMOUS, -1));
    char* hole = map(RW, ANONYMOUS, -1);
    munmap(hole, 2 * PAGE);
    try_all("not mapped", hole);
    char* once_written = map(RW, ANONYMOUS, -1);
    once_written[0] = 0;
    mprotect(once_written, PAGE, PROT_READ);
    try_all("once written", once_written);
    try_all("shared", map(RW, MAP_SHARED | MAP_ANONYMOUS, -1));
    try_all("shared to read", map(PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1));
    try_all("shared out of reach", map(PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1));
    try_all("file", map(RW, MAP_SHARED, file));
    try_all("file to read", map(PROT_READ, MAP_SHARED, file));
    try_all("beyond the file", map(RW, MAP_SHARED, file) + PAGE);
    try_all("copy of the file", map(RW, MAP_PRIVATE, file));
    try_all("file to read, private", map(PROT_READ, MAP_PRIVATE, file));
    try_all("null", NULL);
    try_all("the kernel's", (char*)0xffffffff80000000);
}

static atomic_int waiting, order, woken_as[5];
static uint32_t word;
struct waiter { int number, priority; };
static void* wait_for_word(void* argument) {
    struct waiter* mine = argument;
    waiting++;
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    woken_as[mine->number] = ++order;
    return NULL;
}

/// Starts the waiters one after the other, with their priorities if `with_priorities`.
static void start_waiters(struct waiter* waiters, pthread_t* threads, int with_priorities) {
    for (int i = 0; i < 5; ++i) {
        pthread_attr_t attributes;
        struct sched_param parameters = {.sched_priority = waiters[i].priority};
        pthread_attr_init(&attributes);
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, waiters[i].priority ? SCHED_FIFO : SCHED_OTHER);
        pthread_attr_setschedparam(&attributes, &parameters);
        REQUIRE(pthread_create(&threads[i], with_priorities ? &attributes : NULL, wait_for_word, &waiters[i]) == 0);
        while (waiting == i) sleep_ms(1);
        // It sleeps by now, and changes its place only when it waits anew: so it is given its priority first.
        sleep_ms(5);
    }
}

/// Wakes them one by one at `where`, and waits for their ends.
static void wake_waiters(uint32_t* where, pthread_t* threads) {
    for (int i = 0; i < 5; ++i) {
        CHECK(call(where, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1);
        while (order == i) sleep_ms(1);
    }
    for (int i = 0; i < 5; ++i) pthread_join(threads[i], NULL);
}

/// By priority among realtime threads, then in the order they came.
TEST(who_is_woken_first) {
    struct waiter waiters[5] = {{0, 0}, {1, 10}, {2, 30}, {3, 30}, {4, 0}};
    pthread_t threads[5];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    start_waiters(waiters, threads, 0);
    word = 1;
    wake_waiters(&word, threads);
    for (int i = 0; i < 5; ++i) say("%d came as %d\n", i, woken_as[i]);

    word = 0;
    order = waiting = 0;
    start_waiters(waiters, threads, 1);
    word = 1;
    wake_waiters(&word, threads);
    for (int i = 0; i < 5; ++i) say("%d with priority %d came as %d\n", i, waiters[i].priority, woken_as[i]);
}

/// Requeued waiters keep their place by priority.
static uint32_t second;
TEST(who_is_woken_first_after_a_requeue) {
    struct waiter waiters[5] = {{0, 0}, {1, 10}, {2, 30}, {3, 20}, {4, 0}};
    pthread_t threads[5];
    start_waiters(waiters, threads, 1);
    CHECK(call(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void*)5, &second, 0) == 5);
    wake_waiters(&second, threads);
    for (int i = 0; i < 5; ++i) say("%d with priority %d came as %d\n", i, waiters[i].priority, woken_as[i]);
}

struct node { struct node* next; uint32_t word, padding; };
struct head { struct node* next; long offset; struct node* pending; };
static struct node nodes[4];
static struct head head;
static int damage;

static void damage_list(void) {
    head.next = (struct node*)&head;
    switch (damage) {
    case 0: head.next = nodes, nodes[0].next = nodes + 1, nodes[1].next = (struct node*)&head, head.pending = nodes + 2; break;
    case 1: head.next = (struct node*)0x7fffffffffffffff, head.pending = nodes + 2; break;
    case 2: head.next = nodes, nodes[0].next = nodes + 1, nodes[1].next = nodes, head.pending = nodes + 2; break;
    case 3: head.next = nodes, nodes[0].next = (struct node*)8, head.pending = nodes + 2; break;
    case 4: head.next = (struct node*)((char*)nodes + 1), nodes[0].next = (struct node*)&head, head.pending = nodes + 2; break;
    case 5: head.next = nodes, nodes[0].next = (struct node*)((uintptr_t)(nodes + 1) | 1), nodes[1].next = (struct node*)&head; break;
    case 6: head.next = nodes, head.offset = 1L << 62, head.pending = nodes + 2; break;
    case 7: head.next = nodes, nodes[0].next = nodes + 1, nodes[1].next = (struct node*)&head, head.pending = nodes + 1, nodes[0].word = 12345, nodes[1].word = 0; break;
    case 8: head.next = NULL, head.pending = nodes + 2; break;
    case 9: head.next = nodes, nodes[0].next = (struct node*)&head, head.pending = (struct node*)8; break;
    }
}

static void* die(void* unused) {
    (void)unused;
    uint32_t const thread = (uint32_t)syscall(SYS_gettid);
    for (int i = 0; i < 4; ++i) nodes[i].word = thread | FUTEX_WAITERS;
    head = (struct head){.offset = offsetof(struct node, word)};
    damage_list();
    syscall(SYS_set_robust_list, &head, sizeof head);
    syscall(SYS_exit, 0);
    return NULL;
}

TEST(damaged_lists_of_robust_locks) {
    for (damage = 0; damage < 10; ++damage) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, die, NULL) == 0 && pthread_join(thread, NULL) == 0);
        say("damage %d:", damage);
        for (int i = 0; i < 4; ++i) say(" %s%s%s", nodes[i].word & FUTEX_OWNER_DIED ? "died" : "-", nodes[i].word & FUTEX_WAITERS ? "+waiters" : "", nodes[i].word & FUTEX_TID_MASK ? "+owner" : "");
        say("\n");
    }
}
