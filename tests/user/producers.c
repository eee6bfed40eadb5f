// SPDX-License-Identifier: MIT
// libc: glibc
// timeout: 120
// Producers and consumers, once over each thing that processes can speak through. Each producer sends the numbers
// 1 … EACH; consumers add up what they get; the sums must agree.
#include "test.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 300, ROOM = 8 };
static long const wanted_sum = (long)PRODUCERS * EACH * (EACH + 1) / 2;

/// `put` and `get` move one number, from several processes at once. 0 ends a consumer.
static void run(void (*put)(long), long (*get)(void)) {
    struct result { long sum, count; }* results = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t producers[PRODUCERS], consumers[CONSUMERS];
    for (int p = 0; p < PRODUCERS; ++p)
        if ((producers[p] = fork()) == 0) {
            for (long i = 1; i <= EACH; ++i) put(i);
            _exit(failures != 0);
        }
    for (int c = 0; c < CONSUMERS; ++c)
        if ((consumers[c] = fork()) == 0) {
            for (long value; (value = get()) != 0;) {
                results[c].sum += value;
                ++results[c].count;
            }
            _exit(failures != 0);
        }
    for (int p = 0; p < PRODUCERS; ++p) CHECK(wait_for(producers[p]) == 0);
    for (int c = 0; c < CONSUMERS; ++c) put(0);
    long sum = 0, count = 0;
    for (int c = 0; c < CONSUMERS; ++c) {
        CHECK(wait_for(consumers[c]) == 0);
        sum += results[c].sum;
        count += results[c].count;
    }
    CHECK(sum == wanted_sum && count == PRODUCERS * EACH);
    say("%ld numbers, together %ld\n", count, sum);
}

// ---- POSIX message queue
static mqd_t queue;
static void put_queue(long value) { CHECK(mq_send(queue, (char*)&value, sizeof value, value ? 1 : 0) == 0); }
static long get_queue(void) {
    long value = 0;
    CHECK(mq_receive(queue, (char*)&value, sizeof value, NULL) == sizeof value);
    return value;
}
TEST(posix_queue) {
    char name[40];
    snprintf(name, sizeof name, "/aubrac-producers-%d", (int)getpid());
    struct mq_attr attributes = {.mq_maxmsg = ROOM, .mq_msgsize = sizeof(long)};
    queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    REQUIRE(queue >= 0 && mq_unlink(name) == 0);
    run(put_queue, get_queue);
}

// ---- System V message queue
static int messages;
struct letter { long type, value; };
static void put_message(long value) {
    struct letter letter = {1, value};
    CHECK(msgsnd(messages, &letter, sizeof letter.value, 0) == 0);
}
static long get_message(void) {
    struct letter letter = {0, 0};
    CHECK(msgrcv(messages, &letter, sizeof letter.value, 0, 0) == sizeof letter.value);
    return letter.value;
}
TEST(system_v_queue) {
    messages = msgget(IPC_PRIVATE, 0600);
    REQUIRE(messages >= 0);
    struct msqid_ds status;
    CHECK(msgctl(messages, IPC_STAT, &status) == 0);
    status.msg_qbytes = ROOM * sizeof(long);
    CHECK(msgctl(messages, IPC_SET, &status) == 0);
    run(put_message, get_message);
    CHECK(msgctl(messages, IPC_RMID, NULL) == 0);
}

// ---- pipe: writes and reads of a few bytes are whole
static int ends[2];
static void put_pipe(long value) { CHECK(write(ends[1], &value, sizeof value) == sizeof value); }
static long get_pipe(void) {
    long value = 0;
    CHECK(read(ends[0], &value, sizeof value) == sizeof value);
    return value;
}
TEST(through_a_pipe) {
    REQUIRE(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, PAGE);
    run(put_pipe, get_pipe);
}

// ---- a ring in shared memory
struct ring {
    long slots[ROOM];
    unsigned first, last;
    unsigned lock;                                       ///< a futex: 0 free, 1 taken, 2 taken and waited for
    unsigned filled, emptied;                            ///< futexes: count what came and went
    sem_t room, items, access;
};
static struct ring* ring;
static void push(long value) { ring->slots[ring->last++ % ROOM] = value; }
static long pop(void) { return ring->slots[ring->first++ % ROOM]; }

static void futex_wait(unsigned* word, unsigned expected) { syscall(SYS_futex, word, FUTEX_WAIT, expected, NULL, NULL, 0); }
static void futex_wake(unsigned* word, int count) { syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0); }
static void lock_ring(void) {
    unsigned seen = 0;
    if (__atomic_compare_exchange_n(&ring->lock, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_exchange_n(&ring->lock, 2, __ATOMIC_ACQUIRE) != 0) futex_wait(&ring->lock, 2);
}
static void unlock_ring(void) {
    if (__atomic_exchange_n(&ring->lock, 0, __ATOMIC_RELEASE) == 2) futex_wake(&ring->lock, 1);
}
static void put_futex(long value) {
    for (;;) {
        lock_ring();
        unsigned const seen = __atomic_load_n(&ring->emptied, __ATOMIC_RELAXED);
        if (ring->last - ring->first < ROOM) break;
        unlock_ring();
        futex_wait(&ring->emptied, seen);
    }
    push(value);
    __atomic_fetch_add(&ring->filled, 1, __ATOMIC_RELAXED);
    unlock_ring();
    futex_wake(&ring->filled, 1);
}
static long get_futex(void) {
    for (;;) {
        lock_ring();
        unsigned const seen = __atomic_load_n(&ring->filled, __ATOMIC_RELAXED);
        if (ring->last != ring->first) break;
        unlock_ring();
        futex_wait(&ring->filled, seen);
    }
    long const value = pop();
    __atomic_fetch_add(&ring->emptied, 1, __ATOMIC_RELAXED);
    unlock_ring();
    futex_wake(&ring->emptied, 1);
    return value;
}
static void make_ring(void) {
    ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(ring != MAP_FAILED);
}
TEST(futexes) {
    make_ring();
    run(put_futex, get_futex);
}

// ---- the same ring, POSIX semaphores
static void put_semaphore(long value) {
    sem_wait(&ring->room);
    sem_wait(&ring->access);
    push(value);
    sem_post(&ring->access);
    sem_post(&ring->items);
}
static long get_semaphore(void) {
    sem_wait(&ring->items);
    sem_wait(&ring->access);
    long const value = pop();
    sem_post(&ring->access);
    sem_post(&ring->room);
    return value;
}
TEST(posix_semaphores) {
    make_ring();
    CHECK(sem_init(&ring->room, 1, ROOM) == 0 && sem_init(&ring->items, 1, 0) == 0 && sem_init(&ring->access, 1, 1) == 0);
    run(put_semaphore, get_semaphore);
}

// ---- System V semaphores and shared memory
enum { FREE, ITEMS, ACCESS };
static int semaphores;
static void operate(int first, int second) {
    struct sembuf operations[] = {{first, -1, 0}, {second, -1, SEM_UNDO}};
    CHECK(semop(semaphores, operations, 2) == 0);        // both or none
}
static void give(int first, int second) {
    struct sembuf operations[] = {{first, 1, 0}, {second, 1, SEM_UNDO}};
    CHECK(semop(semaphores, operations, 2) == 0);
}
static void put_system_v(long value) {
    operate(FREE, ACCESS);
    push(value);
    give(ITEMS, ACCESS);
}
static long get_system_v(void) {
    operate(ITEMS, ACCESS);
    long const value = pop();
    give(FREE, ACCESS);
    return value;
}
TEST(system_v_semaphores_and_memory) {
    int segment = shmget(IPC_PRIVATE, PAGE, 0600);
    semaphores = semget(IPC_PRIVATE, 3, 0600);
    REQUIRE(segment >= 0 && semaphores >= 0);
    ring = shmat(segment, NULL, 0);
    REQUIRE(ring != (void*)-1 && shmctl(segment, IPC_RMID, NULL) == 0);
    unsigned short values[] = {ROOM, 0, 1};
    CHECK(semctl(semaphores, 0, SETALL, values) == 0);
    run(put_system_v, get_system_v);
    CHECK(semctl(semaphores, 0, IPC_RMID) == 0);
}
