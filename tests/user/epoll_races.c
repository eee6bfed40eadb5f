// SPDX-License-Identifier: MIT
// timeout: 60
// Several threads at one epoll: an event is told once for each arming, denied to nobody, and lost by nobody, whatever the
// others do to it. epoll(7), epoll_ctl(2).
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static int epoll, file;
static volatile int is_over;
static void control(int operation, int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.u64 = fd};
    CHECK(epoll_ctl(epoll, operation, fd, &event) == 0);
}
/// An epoll that watches a new eventfd with this count.
static void make(unsigned count, unsigned events) {
    is_over = 0;
    REQUIRE((epoll = epoll_create1(0)) >= 0 && (file = eventfd(count, EFD_NONBLOCK)) >= 0);
    control(EPOLL_CTL_ADD, file, events);
}
static void ring(int fd) { CHECK(eventfd_write(fd, 1) == 0); }
static pthread_t start(void* (*run)(void*)) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, run, NULL) == 0);
    return thread;
}

// ---- one-shot

static volatile int told;
static void* take_one_shots(void* unused) {
    struct epoll_event event;
    while (!is_over)
        if (epoll_wait(epoll, &event, 1, 10) == 1) __atomic_add_fetch(&told, 1, __ATOMIC_SEQ_CST);
    return unused;
}
static void* ring_always(void* unused) {
    while (!is_over) {
        ring(file);
        sched_yield();
    }
    return unused;
}

/// Wakes come all the time; armed again only when it has been told.
TEST(a_one_shot_watch_is_told_once) {
    make(1, EPOLLIN | EPOLLONESHOT);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) threads[i] = start(i < 3 ? take_one_shots : ring_always);
    long doubles = 0, rounds = 0;
    for (long const end = milliseconds() + 400; milliseconds() < end || rounds <= 10; ++rounds) {
        while (!told) sched_yield();
        for (int i = 0; i < 20; ++i) sched_yield();
        if (told != 1) ++doubles;
        told = 0;
        control(EPOLL_CTL_MOD, file, EPOLLIN | EPOLLONESHOT);
    }
    is_over = 1;
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    SHOW(doubles);
}

/// Armed again by a third while a thread is being told: that arming is told, too.
TEST(an_arming_is_not_undone) {
    make(1, EPOLLIN | EPOLLONESHOT);
    pthread_t const taker = start(take_one_shots);
    long lost = 0;
    for (long const end = milliseconds() + 400; milliseconds() < end && !lost;) {
        told = 0;
        for (int i = 0; i < 50; ++i) control(EPOLL_CTL_MOD, file, EPOLLIN | EPOLLONESHOT);
        long const latest = milliseconds() + 5000;
        int const before = told;
        control(EPOLL_CTL_MOD, file, EPOLLIN | EPOLLONESHOT);
        while (told == before && milliseconds() < latest) sched_yield();
        lost += told == before;
    }
    is_over = 1;
    pthread_join(taker, NULL);
    SHOW(lost);
}

// ---- level-triggered, and others who look

static void* look_always(void* unused) {
    struct epoll_event event;
    struct pollfd entry = {epoll, POLLIN, 0};
    for (int i = 0; !is_over; ++i) {
        if (i & 1) epoll_wait(epoll, &event, 1, 0);
        else poll(&entry, 1, 0);
    }
    return unused;
}

TEST(readiness_is_not_denied) {
    make(1, EPOLLIN);
    pthread_t const other = start(look_always);
    long denied = 0, rounds = 0;
    struct epoll_event event;
    struct pollfd entry = {epoll, POLLIN, 0};
    for (long const end = milliseconds() + 400; milliseconds() < end || rounds <= 10; ++rounds) {
        denied += epoll_wait(epoll, &event, 1, 0) != 1;
        denied += poll(&entry, 1, 0) != 1;
    }
    is_over = 1;
    pthread_join(other, NULL);
    SHOW(denied);
}

static volatile long waits;
static void* wait_always(void* unused) {
    struct epoll_event event;
    while (!is_over) {
        CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
        waits++;
    }
    return unused;
}
static void* poll_always(void* unused) {
    struct pollfd entry = {epoll, POLLIN, 0};
    while (!is_over) poll(&entry, 1, 0);
    return unused;
}
static int outer;
static void* wait_outside_always(void* unused) {
    struct epoll_event event;
    while (!is_over) epoll_wait(outer, &event, 1, 0);
    return unused;
}

/// Who waits is not left asleep by those who poll the epoll itself, or an epoll that watches it.
TEST(a_look_leaves_nobody_asleep) {
    make(1, EPOLLIN);
    REQUIRE((outer = epoll_create1(0)) >= 0);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event) == 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) threads[i] = start(i < 2 ? wait_always : i == 2 ? poll_always : wait_outside_always);
    long stalls = 0;
    for (long const end = milliseconds() + 400; milliseconds() < end && !stalls;) {
        long const before = waits, latest = milliseconds() + 5000;
        while (waits == before && milliseconds() < latest) sched_yield();
        stalls += waits == before;
    }
    is_over = 1;
    ring(file);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    SHOW(stalls);
}

// ---- who was woken and cannot be told

static volatile int answers[2];
static void* wait_with_bad_buffer(void* unused) {
    answers[0] = epoll_wait(epoll, (struct epoll_event*)8, 1, 5000) == -1 ? -errno : 0;
    return unused;
}
static void* wait_well(void* unused) {
    struct epoll_event event;
    answers[1] = epoll_wait(epoll, &event, 1, 5000);
    return unused;
}

TEST(a_fault_passes_the_wake_on) {
    make(0, EPOLLIN);
    pthread_t const first = start(wait_with_bad_buffer);
    sleep_ms(60);
    pthread_t const second = start(wait_well);
    sleep_ms(60);
    ring(file);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    CHECK(answers[0] == -EFAULT);
    SHOW(answers[1]);
    struct epoll_event event;                        // and the event is still there
    SHOW(epoll_wait(epoll, &event, 1, 0));
}

/// A fault at the second of two events: the first is told, the second stays.
TEST(events_up_to_a_bad_page) {
    make(1, EPOLLIN | EPOLLET);
    int const other = eventfd(1, 0);
    control(EPOLL_CTL_ADD, other, EPOLLIN | EPOLLONESHOT);
    char* const pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
    struct epoll_event* const out = (struct epoll_event*)(pages + PAGE - sizeof *out), kept[2];
    SHOW(epoll_wait(epoll, out, 2, 0));
    SHOW(epoll_wait(epoll, (struct epoll_event*)(pages + PAGE), 2, 0));
    SHOW(epoll_wait(epoll, (struct epoll_event*)kept, 2, 0));
    SHOW(epoll_wait(epoll, (struct epoll_event*)kept, 2, 0));
}

// ---- edges: only of what was meant

static int edges(void) {
    struct epoll_event event;
    int const count = epoll_wait(epoll, &event, 1, 0);
    return count == 1 ? (int)event.events : count;
}

TEST(an_edge_is_of_what_was_meant) {
    int ends[2];
    char byte[4];
    make(0, EPOLLIN | EPOLLET);
    SHOW(edges());
    ring(file);
    SHOW(edges());
    SHOW(edges());
    ring(file);
    SHOW(edges());
    eventfd_t value;
    CHECK(eventfd_read(file, &value) == 0);          // room, not bytes
    SHOW(edges());
    ring(file);
    CHECK(eventfd_read(file, &value) == 0);
    SHOW(edges());
    control(EPOLL_CTL_DEL, file, 0);

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET);
    CHECK(write(ends[1], "ab", 2) == 2);
    SHOW(edges());
    CHECK(write(ends[0], "ab", 2) == 2 && read(ends[1], byte, 2) == 2);   // the other way
    SHOW(edges());
    CHECK(write(ends[1], "c", 1) == 1);
    SHOW(edges());
    shutdown(ends[1], SHUT_WR);
    SHOW(edges());
    control(EPOLL_CTL_DEL, ends[0], 0);

    REQUIRE(pipe(ends) == 0);
    control(EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET);
    control(EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET);
    SHOW(edges());
    SHOW(edges());
    CHECK(write(ends[1], "abcd", 4) == 4);
    SHOW(edges());
    CHECK(write(ends[1], "abcd", 4) == 4);
    SHOW(edges());
    CHECK(read(ends[0], byte, 4) == 4);              // it was not full
    SHOW(edges());
}

/// An outer edge for each event of an inner epoll, though the inner one was ready before.
TEST(edges_of_an_inner_epoll) {
    make(1, EPOLLIN);
    int const inner = epoll;
    REQUIRE((epoll = epoll_create1(0)) >= 0);
    control(EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET);
    SHOW(edges());
    SHOW(edges());
    ring(file);
    SHOW(edges());
    SHOW(edges());
}

// ---- EPOLLEXCLUSIVE

enum { WAITERS = 4 };
static int epolls[WAITERS];
static volatile int woken;
static void* wait_for_mine(void* number) {
    struct epoll_event event;
    if (epoll_wait(epolls[(long)number], &event, 1, 250) == 1) __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static int wake_those_of(unsigned events, void (*wake)(void)) {
    pthread_t threads[WAITERS];
    woken = 0;
    for (long i = 0; i < WAITERS; ++i) {
        REQUIRE((epolls[i] = epoll_create1(0)) >= 0);
        struct epoll_event event = {.events = events};
        CHECK(epoll_ctl(epolls[i], EPOLL_CTL_ADD, file, &event) == 0);
        REQUIRE(pthread_create(&threads[i], NULL, wait_for_mine, (void*)i) == 0);
    }
    sleep_ms(100);
    wake();
    for (int i = 0; i < WAITERS; ++i) pthread_join(threads[i], NULL);
    for (int i = 0; i < WAITERS; ++i) close(epolls[i]);
    return woken;
}
static void ring_file(void) { ring(file); }

TEST(exclusive_watches_share_a_wake) {
    REQUIRE((file = eventfd(0, 0)) >= 0);
    SHOW(wake_those_of(EPOLLIN, ring_file));
    eventfd_t value;
    CHECK(eventfd_read(file, &value) == 0);
    SHOW(wake_those_of(EPOLLIN | EPOLLEXCLUSIVE, ring_file));
    CHECK(eventfd_read(file, &value) == 0);
    SHOW(wake_those_of(EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, ring_file));
}

TEST(what_goes_with_exclusive) {
    make(0, EPOLLIN);
    int const other = eventfd(0, 0), inner = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, file, &event), EINVAL);
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, other, &event), EINVAL);
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, inner, &event), EINVAL);
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), EEXIST);
    event.events |= EPOLLONESHOT;
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event), EINVAL);
    event.events = EPOLLPRI | EPOLLEXCLUSIVE;
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event), EINVAL);
    event.events = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLEXCLUSIVE;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event) == 0);
    event.events = EPOLLIN;
    CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, other, &event), EINVAL);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, other, NULL) == 0);
}
