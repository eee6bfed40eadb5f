// SPDX-License-Identifier: MIT
// libc: glibc
// flags: -static -pthread
// What stopped the Mars Pathfinder in 1997 (G. E. Reeves, "What really happened on Mars?"): on one CPU, a thread of low
// priority holds a lock that one of high priority wants, and one of middle priority keeps it from giving it back. With
// priority inheritance the lock comes back at once; without, the middle one is done first.

#include "test.h"

#include <pthread.h>

enum { LOW = 10, MIDDLE = 20, HIGH = 30 };

static pthread_mutex_t bus;
static int volatile low_holds, high_wants, high_has, middle_was_first;

static void use_one_cpu(void) {
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
}
static void set_priority(int priority) {
    struct sched_param const parameters = {.sched_priority = priority};
    REQUIRE(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0);
}
static void make_mutex(pthread_mutex_t* mutex, int protocol) {
    pthread_mutexattr_t attributes;
    REQUIRE(pthread_mutexattr_init(&attributes) == 0);
    REQUIRE(pthread_mutexattr_setprotocol(&attributes, protocol) == 0);
    REQUIRE(pthread_mutex_init(mutex, &attributes) == 0);
}
static long cpu_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/// Communications: until the high one has the lock, or for a fifth of a second of its own time.
static void* middle(void* unused) {
    set_priority(MIDDLE);
    while (!high_has && cpu_ms() < 200) {}
    middle_was_first = !high_has;
    return unused;
}
/// The management of the bus.
static void* high(void* unused) {
    set_priority(HIGH);
    high_wants = 1;
    CHECK(pthread_mutex_lock(&bus) == 0);
    high_has = 1;
    CHECK(pthread_mutex_unlock(&bus) == 0);
    return unused;
}
/// Weather data: seldom, and of no importance.
static void* low(void* unused) {
    set_priority(LOW);
    CHECK(pthread_mutex_lock(&bus) == 0);
    low_holds = 1;
    // It runs again only as it inherits, or when nobody else wants to.
    while (!high_wants) {}
    CHECK(pthread_mutex_unlock(&bus) == 0);
    return unused;
}

static void* mission(void* unused) {
    pthread_t threads[3];
    set_priority(HIGH + 10);
    low_holds = high_wants = high_has = middle_was_first = 0;
    REQUIRE(pthread_create(&threads[0], NULL, low, NULL) == 0);
    while (!low_holds) usleep(1000);
    // Both are there before either runs: this thread is above them.
    REQUIRE(pthread_create(&threads[1], NULL, high, NULL) == 0);
    REQUIRE(pthread_create(&threads[2], NULL, middle, NULL) == 0);
    for (int i = 0; i < 3; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
    return unused;
}
static void fly(int protocol) {
    pthread_t thread;
    use_one_cpu();
    make_mutex(&bus, protocol);
    REQUIRE(pthread_create(&thread, NULL, mission, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
}

TEST(without_inheritance) {
    fly(PTHREAD_PRIO_NONE);
    CHECK(middle_was_first);
}
TEST(with_inheritance) {
    fly(PTHREAD_PRIO_INHERIT);
    CHECK(!middle_was_first);
}

// ---- the same along a chain: the high one waits for a lock whose owner waits for the low one's.

static pthread_mutex_t inner;
static int volatile between_holds;

static void* low_inside(void* unused) {
    set_priority(LOW);
    CHECK(pthread_mutex_lock(&inner) == 0);
    low_holds = 1;
    while (!high_wants) {}
    CHECK(pthread_mutex_unlock(&inner) == 0);
    return unused;
}
static void* between(void* unused) {
    set_priority(LOW + 1);
    CHECK(pthread_mutex_lock(&bus) == 0);
    between_holds = 1;
    CHECK(pthread_mutex_lock(&inner) == 0);
    CHECK(pthread_mutex_unlock(&inner) == 0);
    CHECK(pthread_mutex_unlock(&bus) == 0);
    return unused;
}
static void* chained_mission(void* unused) {
    pthread_t threads[4];
    set_priority(HIGH + 10);
    REQUIRE(pthread_create(&threads[0], NULL, low_inside, NULL) == 0);
    while (!low_holds) usleep(1000);
    REQUIRE(pthread_create(&threads[1], NULL, between, NULL) == 0);
    while (!between_holds) usleep(1000);
    REQUIRE(pthread_create(&threads[2], NULL, high, NULL) == 0);
    REQUIRE(pthread_create(&threads[3], NULL, middle, NULL) == 0);
    for (int i = 0; i < 4; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
    return unused;
}
TEST(along_a_chain) {
    pthread_t thread;
    use_one_cpu();
    make_mutex(&bus, PTHREAD_PRIO_INHERIT);
    make_mutex(&inner, PTHREAD_PRIO_INHERIT);
    REQUIRE(pthread_create(&thread, NULL, chained_mission, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK(!middle_was_first);
}

// ---- POSIX's own view: robust mutexes that inherit, and those that check errors.

static pthread_mutex_t robust;
static int volatile owned;

static void* die_with_it(void* unused) {
    CHECK(pthread_mutex_lock(&robust) == 0);
    owned = 1;
    usleep(10000);                                         // perhaps it is waited for by then
    return unused;
}
TEST(robust_mutexes) {
    pthread_mutexattr_t attributes;
    REQUIRE(pthread_mutexattr_init(&attributes) == 0);
    REQUIRE(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    REQUIRE(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    REQUIRE(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
    REQUIRE(pthread_mutex_init(&robust, &attributes) == 0);
    CHECK(pthread_mutex_lock(&robust) == 0);
    CHECK(pthread_mutex_lock(&robust) == EDEADLK);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == EPERM);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, die_with_it, NULL) == 0);
    while (!owned) sched_yield();
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_mutex_lock(&robust) == 0);
    CHECK(pthread_mutex_unlock(&robust) == 0);
    CHECK(pthread_mutex_destroy(&robust) == 0);
}
