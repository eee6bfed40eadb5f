// SPDX-License-Identifier: MIT
// POSIX threads as a C library builds them on clone(2) and futex(2): the same tests run with musl and with glibc.
#include <pthread.h>
#include <semaphore.h>

#include "test.h"

enum { CREW = 6, ROUNDS = 500 };

static pthread_t crew[CREW];

static void start_crew(void* (*work)(void*), pthread_t* threads, int count) {
    for (long i = 0; i < count; ++i) REQUIRE(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
}
static long join_crew(pthread_t* threads, int count) {
    long sum = 0;
    for (int i = 0; i < count; ++i) {
        void* result = NULL;
        CHECK(pthread_join(threads[i], &result) == 0);
        sum += (long)result;
    }
    return sum;
}
static struct timespec in_ms(clockid_t clock, long ms) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void* count_up(void* number) {
    for (int i = 0; i < ROUNDS; ++i) {
        pthread_mutex_lock(&lock);
        int seen = counter;
        if (i % 8 == 0) sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&lock);
    }
    return number;
}

TEST(create_and_join) {
    for (int turn = 0; turn < 20; ++turn) {
        counter = 0;
        start_crew(count_up, crew, CREW);
        CHECK(join_crew(crew, CREW) == CREW * (CREW - 1) / 2);
        CHECK(counter == CREW * ROUNDS);
    }
}

static void* try_relock(void* mutex) {
    return (void*)(long)pthread_mutex_trylock(mutex);
}
static int trylock_elsewhere(pthread_mutex_t* mutex) {
    pthread_t thread;
    void* result;
    REQUIRE(pthread_create(&thread, NULL, try_relock, mutex) == 0);
    pthread_join(thread, &result);
    return (int)(long)result;
}

TEST(mutexes_of_every_type) {
    for (int type = 0; type < 3; ++type) {
        static int const types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
        for (int shared = 0; shared < 2; ++shared) {
            pthread_mutexattr_t attributes;
            pthread_mutex_t mutex;
            pthread_mutexattr_init(&attributes);
            pthread_mutexattr_settype(&attributes, types[type]);
            pthread_mutexattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
            REQUIRE(pthread_mutex_init(&mutex, &attributes) == 0);
            CHECK(pthread_mutex_lock(&mutex) == 0);
            CHECK(trylock_elsewhere(&mutex) == EBUSY);
            int again = type == 0 ? pthread_mutex_trylock(&mutex) : pthread_mutex_lock(&mutex);
            CHECK(again == (type == 0 ? EBUSY : type == 1 ? 0 : EDEADLK));
            if (type == 1) CHECK(pthread_mutex_unlock(&mutex) == 0);
            CHECK(pthread_mutex_unlock(&mutex) == 0);
            if (type == 2) CHECK(pthread_mutex_unlock(&mutex) == EPERM);
            pthread_mutex_lock(&mutex);
            struct timespec soon = in_ms(CLOCK_REALTIME, 10);
            if (type == 0) CHECK(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
            pthread_mutex_unlock(&mutex);
            CHECK(pthread_mutex_destroy(&mutex) == 0);
        }
    }
}

static void* lock_and_end(void* mutex) { pthread_mutex_lock(mutex); return NULL; }

TEST(robust_mutexes) {
    for (int shared = 0; shared < 2; ++shared) {
        pthread_mutexattr_t attributes;
        pthread_mutex_t* mutex = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutexattr_setpshared(&attributes, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
        REQUIRE(pthread_mutex_init(mutex, &attributes) == 0);
        if (shared) {
            pid_t child = fork();
            if (child == 0) { pthread_mutex_lock(mutex); kill(getpid(), SIGKILL); }
            CHECK(killed_by(wait_for(child), SIGKILL));
        } else {
            pthread_t thread;
            REQUIRE(pthread_create(&thread, NULL, lock_and_end, mutex) == 0);
            pthread_join(thread, NULL);
        }
        CHECK(pthread_mutex_lock(mutex) == EOWNERDEAD);
        CHECK(pthread_mutex_consistent(mutex) == 0);
        CHECK(pthread_mutex_unlock(mutex) == 0);
        CHECK(pthread_mutex_lock(mutex) == 0);
        CHECK(pthread_mutex_unlock(mutex) == 0);
        munmap(mutex, PAGE);
    }
}

static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[4], queued, produced;
static long consumed;

static void* produce(void* unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; ++i) {
        pthread_mutex_lock(&lock);
        while (queued == 4) pthread_cond_wait(&not_full, &lock);
        queue[queued++] = ++produced;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}
static void* consume(void* unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; ++i) {
        pthread_mutex_lock(&lock);
        while (queued == 0) pthread_cond_wait(&not_empty, &lock);
        consumed += queue[--queued];
        pthread_cond_broadcast(&not_full);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

TEST(condition_variables) {
    pthread_t producers[3], consumers[3];
    start_crew(produce, producers, 3);
    start_crew(consume, consumers, 3);
    join_crew(producers, 3);
    join_crew(consumers, 3);
    long total = 3 * ROUNDS;
    CHECK(consumed == total * (total + 1) / 2 && queued == 0);
    struct timespec soon = in_ms(CLOCK_REALTIME, 10);
    pthread_mutex_lock(&lock);
    CHECK(pthread_cond_timedwait(&not_empty, &lock, &soon) == ETIMEDOUT);
    pthread_condattr_t attributes;
    pthread_cond_t monotonic;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&monotonic, &attributes);
    soon = in_ms(CLOCK_MONOTONIC, 10);
    CHECK(pthread_cond_timedwait(&monotonic, &lock, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&lock);
}

static pthread_barrier_t barrier;
static int arrived;

static void* meet(void* unused) {
    (void)unused;
    long serial = 0;
    for (int i = 0; i < 50; ++i) {
        __sync_fetch_and_add(&arrived, 1);
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        if (arrived < (i + 1) * CREW) serial += 1000;
        pthread_barrier_wait(&barrier);
    }
    return (void*)serial;
}

TEST(barriers) {
    REQUIRE(pthread_barrier_init(&barrier, NULL, CREW) == 0);
    start_crew(meet, crew, CREW);
    CHECK(join_crew(crew, CREW) == 50);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int volatile left, right;

static void* read_or_write(void* number) {
    long wrong = 0;
    for (int i = 0; i < ROUNDS; ++i) {
        if ((long)number < 2) {
            pthread_rwlock_wrlock(&rwlock);
            ++left;
            if (i % 16 == 0) sched_yield();
            ++right;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            wrong += left != right;
        }
        pthread_rwlock_unlock(&rwlock);
    }
    return (void*)wrong;
}

TEST(reader_writer_locks) {
    start_crew(read_or_write, crew, CREW);
    CHECK(join_crew(crew, CREW) == 0);
    CHECK(left == 2 * ROUNDS && right == left);
}

static sem_t items, places;

static void* post_items(void* unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; ++i) sem_wait(&places), sem_post(&items);
    return NULL;
}
static void* take_items(void* unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; ++i) sem_wait(&items), sem_post(&places);
    return NULL;
}

TEST(semaphores) {
    sem_init(&items, 0, 0);
    sem_init(&places, 0, 2);
    pthread_t posters[2], takers[2];
    start_crew(post_items, posters, 2);
    start_crew(take_items, takers, 2);
    join_crew(posters, 2);
    join_crew(takers, 2);
    int value;
    sem_getvalue(&places, &value);
    CHECK(value == 2 && sem_trywait(&items) == -1 && errno == EAGAIN);
    struct timespec soon = in_ms(CLOCK_REALTIME, 10);
    CHECK_ERRNO(sem_timedwait(&items, &soon), ETIMEDOUT);
    sem_t* shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&shared[0], 1, 0);
    sem_init(&shared[1], 1, 0);
    pid_t child = fork();
    for (int i = 0; i < ROUNDS; ++i) {
        if (child == 0) sem_wait(&shared[0]), sem_post(&shared[1]);
        else sem_post(&shared[0]), sem_wait(&shared[1]);
    }
    if (child == 0) _exit(0);
    CHECK(ended_with(wait_for(child), 0));
}

static int cleaned;
static void clean(void* unused) { (void)unused; ++cleaned; }
static void* wait_for_ever(void* kind) {
    pthread_cleanup_push(clean, NULL);
    if ((long)kind == 0) for (;;) pause();
    if ((long)kind == 1) for (;;) sem_wait(&items);
    if ((long)kind == 2) {
        int ends[2];
        char byte;
        pipe(ends);
        for (;;) read(ends[0], &byte, 1);
    }
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) {}
    pthread_cleanup_pop(0);
    return NULL;
}

TEST(cancellation) {
    sem_init(&items, 0, 0);
    for (long kind = 0; kind < 4; ++kind) {
        pthread_t thread;
        void* result = NULL;
        REQUIRE(pthread_create(&thread, NULL, wait_for_ever, (void*)kind) == 0);
        usleep(3000);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED && cleaned == kind + 1);
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialised;
static void initialise(void) { usleep(2000); ++initialised; }
static pthread_key_t key;
static int destroyed;
static void destroy(void* value) { __sync_fetch_and_add(&destroyed, (int)(long)value); }
static __thread int own = 5;

static void* use_once_and_keys(void* number) {
    pthread_once(&once, initialise);
    long wrong = initialised != 1 || own != 5 || pthread_getspecific(key) != NULL;
    own += (int)(long)number;
    pthread_setspecific(key, (void*)((long)number + 1));
    sched_yield();
    wrong += own != 5 + (long)number || pthread_getspecific(key) != (void*)((long)number + 1);
    return (void*)wrong;
}

TEST(once_keys_and_thread_local_storage) {
    REQUIRE(pthread_key_create(&key, destroy) == 0);
    start_crew(use_once_and_keys, crew, CREW);
    CHECK(join_crew(crew, CREW) == 0);
    CHECK(destroyed == CREW * (CREW + 1) / 2);
}

static void* sleep_a_little(void* unused) { (void)unused; usleep(1000); return NULL; }
static int volatile handled_by;
static void note_thread(int signal) { (void)signal; handled_by = (int)syscall(SYS_gettid); }
static void* take_signal(void* unused) {
    (void)unused;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    while (!handled_by) sched_yield();
    return (void*)(long)(handled_by == (int)syscall(SYS_gettid));
}

TEST(detached_threads_and_signal_masks) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, note_thread);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    for (int i = 0; i < 100; ++i) REQUIRE(pthread_create(&thread, &attributes, sleep_a_little, NULL) == 0);
    REQUIRE(pthread_create(&thread, NULL, take_signal, NULL) == 0);
    kill(getpid(), SIGUSR2);
    void* result;
    pthread_join(thread, &result);
    CHECK(result == (void*)1);
}

TEST(fork_among_threads) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, count_up, NULL) == 0);
    for (int i = 0; i < 10; ++i) {
        pid_t child = fork();
        if (child == 0) _exit(i);
        CHECK(ended_with(wait_for(child), i));
    }
    pthread_join(thread, NULL);
}
