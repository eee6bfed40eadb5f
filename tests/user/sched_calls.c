// SPDX-License-Identifier: MIT
// sched_setscheduler(2), sched_setattr(2), setpriority(2) and what reads them: ranges, errors, inheritance,
// and who may what. What needs privilege is not asked for on a host whose root has none (a container).
#include <grp.h>
#include <sys/resource.h>
#include "test.h"

#ifndef SCHED_BATCH
#define SCHED_BATCH 3
#define SCHED_IDLE 5
#endif
#define RESET_ON_FORK 0x40000000
enum { USER = 12345, NONE = 0x3fffffff, FLAG_RESET = 1, FLAG_KEEP_POLICY = 8, FLAG_KEEP_PARAMETERS = 16 };

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t clamp_min, clamp_max;
    uint64_t newer[2];
};

static long set_class(pid_t thread, int policy, int priority) { return syscall(SYS_sched_setscheduler, thread, policy, &priority); }
static long set_priority(pid_t thread, int priority) { return syscall(SYS_sched_setparam, thread, &priority); }
static long class_of(pid_t thread) { return syscall(SYS_sched_getscheduler, thread); }
static int priority_of(pid_t thread) {
    int priority = -77;
    return syscall(SYS_sched_getparam, thread, &priority) ? -1 : priority;
}
static long set_attributes(pid_t thread, struct attributes* a, unsigned flags) { return syscall(SYS_sched_setattr, thread, a, flags); }
static long get_attributes(pid_t thread, struct attributes* a, unsigned size, unsigned flags) {
    return syscall(SYS_sched_getattr, thread, a, size, flags);
}
/// 20 - nice, as the kernel answers.
static long raw_priority(int which, int id) { return syscall(SYS_getpriority, which, id); }

static int may_do_all(void) { return set_class(0, SCHED_FIFO, 1) == 0 && set_class(0, SCHED_OTHER, 0) == 0 && !setpriority(PRIO_PROCESS, 0, -1) && !setpriority(PRIO_PROCESS, 0, 0); }
static int limit(int resource, rlim_t value) {
    struct rlimit both = {value, value};
    return setrlimit(resource, &both) == 0;
}
static void become_user(void) { REQUIRE(setgroups(0, NULL) == 0 && setgid(USER) == 0 && setuid(USER) == 0); }

TEST(ranges) {
    static int const policies[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE, 4, 77, -1};
    for (int i = 0; i < 9; ++i) {
        errno = 0;
        long highest = syscall(SYS_sched_get_priority_max, policies[i]), lowest = syscall(SYS_sched_get_priority_min, policies[i]);
        say("policy %d: %ld to %ld, errno %d\n", policies[i], lowest, highest, errno);
    }
}

TEST(own_parameters) {
    SHOW(class_of(0));
    SHOW(class_of(getpid()));
    SHOW(priority_of(0));
    CHECK(set_class(0, SCHED_OTHER, 0) == 0);
    CHECK(set_priority(getpid(), 0) == 0);
    CHECK(set_class(0, SCHED_BATCH, 0) == 0);
    SHOW(class_of(0));
    CHECK(set_priority(0, 0) == 0);
    SHOW(class_of(0));
    CHECK(set_class(0, SCHED_BATCH | RESET_ON_FORK, 0) == 0);
    SHOW(class_of(0));
    CHECK(set_class(0, SCHED_IDLE | RESET_ON_FORK, 0) == 0);
    SHOW(class_of(0));
}

TEST(errors) {
    int zero = 0;
    CHECK_ERRNO(class_of(NONE), ESRCH);
    CHECK_ERRNO(class_of(-1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getparam, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getparam, -1, &zero), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getparam, NONE, &zero), ESRCH);
    CHECK_ERRNO(syscall(SYS_sched_getparam, 0, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_sched_setparam, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setparam, 0, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_sched_setparam, -1, &zero), EINVAL);
    CHECK_ERRNO(set_priority(NONE, 0), ESRCH);
    CHECK_ERRNO(set_priority(0, 1), EINVAL);
    CHECK_ERRNO(set_priority(0, -1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
    CHECK_ERRNO(set_class(0, -1, 0), EINVAL);
    CHECK_ERRNO(set_class(0, 77, 0), EINVAL);
    CHECK_ERRNO(set_class(0, 4, 0), EINVAL);
    CHECK_ERRNO(set_class(-1, SCHED_OTHER, 0), EINVAL);
    CHECK_ERRNO(set_class(NONE, SCHED_OTHER, 0), ESRCH);
    CHECK_ERRNO(set_class(NONE, 77, 0), ESRCH);
    CHECK_ERRNO(set_class(0, SCHED_OTHER, 1), EINVAL);
    CHECK_ERRNO(set_class(0, SCHED_BATCH, 1), EINVAL);
    CHECK_ERRNO(set_class(0, SCHED_FIFO, 0), EINVAL);
    CHECK_ERRNO(set_class(0, SCHED_RR, 100), EINVAL);
    CHECK_ERRNO(set_class(0, SCHED_RR, -1), EINVAL);
    CHECK_ERRNO(set_class(0, SCHED_OTHER | 0x20000000, 0), EINVAL);
}

TEST(interval) {
    struct timespec interval = {-1, -1};
    CHECK(syscall(SYS_sched_rr_get_interval, 0, &interval) == 0);
    CHECK(interval.tv_sec >= 0 && interval.tv_nsec >= 0 && interval.tv_nsec < 1000000000);
    CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, -1, &interval), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, NONE, &interval), ESRCH);
    CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 0, 8), EFAULT);
    if (!may_do_all()) return;
    CHECK(set_class(0, SCHED_FIFO, 1) == 0);
    CHECK(syscall(SYS_sched_rr_get_interval, 0, &interval) == 0);
    CHECK(interval.tv_sec == 0 && interval.tv_nsec == 0);
    CHECK(set_class(0, SCHED_RR, 1) == 0);
    CHECK(syscall(SYS_sched_rr_get_interval, 0, &interval) == 0);
    CHECK(interval.tv_sec == 0 && interval.tv_nsec > 0);
}

TEST(attributes_read) {
    struct attributes a;
    memset(&a, 0xaa, sizeof a);
    CHECK(get_attributes(0, &a, sizeof a, 0) == 0);
    say("size %u policy %u flags %#lx nice %d priority %u\n", a.size, a.policy, (long)a.flags, a.nice, a.priority);
    memset(&a, 0xaa, sizeof a);
    CHECK(get_attributes(getpid(), &a, 48, 0) == 0);
    say("size %u, behind it %#x\n", a.size, a.clamp_min);
    CHECK_ERRNO(get_attributes(0, &a, 47, 0), EINVAL);
    CHECK_ERRNO(get_attributes(0, &a, PAGE + 1, 0), EINVAL);
    CHECK_ERRNO(get_attributes(0, &a, sizeof a, 1), EINVAL);
    CHECK_ERRNO(get_attributes(-1, &a, sizeof a, 0), EINVAL);
    CHECK_ERRNO(get_attributes(NONE, &a, sizeof a, 0), ESRCH);
    CHECK_ERRNO(get_attributes(0, NULL, sizeof a, 0), EINVAL);
    CHECK_ERRNO(get_attributes(0, (void*)8, sizeof a, 0), EFAULT);
}

TEST(attributes_written) {
    struct attributes a = {.size = 48, .policy = SCHED_BATCH, .nice = 7};
    CHECK(set_attributes(0, &a, 0) == 0);
    SHOW(class_of(0));
    SHOW(raw_priority(PRIO_PROCESS, 0));
    a = (struct attributes){.size = 0, .policy = SCHED_OTHER, .nice = 1000, .flags = FLAG_RESET};
    CHECK(set_attributes(getpid(), &a, 0) == 0);
    SHOW(class_of(0));
    SHOW(raw_priority(PRIO_PROCESS, 0));
    memset(&a, 0, sizeof a);
    CHECK(get_attributes(0, &a, sizeof a, 0) == 0);
    say("policy %u flags %#lx nice %d\n", a.policy, (long)a.flags, a.nice);
    a = (struct attributes){.size = sizeof a, .flags = FLAG_KEEP_POLICY | FLAG_KEEP_PARAMETERS};
    CHECK(set_attributes(0, &a, 0) == 0);
    SHOW(class_of(0));
    SHOW(raw_priority(PRIO_PROCESS, 0));
    a = (struct attributes){.size = 56, .policy = SCHED_IDLE, .flags = FLAG_RESET, .nice = 3};
    CHECK(set_attributes(0, &a, 0) == 0);
    SHOW(class_of(0));
    SHOW(raw_priority(PRIO_PROCESS, 0));
}

TEST(attribute_errors) {
    struct attributes a = {.size = sizeof a};
    CHECK_ERRNO(set_attributes(0, NULL, 0), EINVAL);
    CHECK_ERRNO(set_attributes(0, (void*)8, 0), EFAULT);
    CHECK_ERRNO(set_attributes(-1, &a, 0), EINVAL);
    CHECK_ERRNO(set_attributes(0, &a, 1), EINVAL);
    CHECK_ERRNO(set_attributes(NONE, &a, 0), ESRCH);
    a.size = 47;
    CHECK_ERRNO(set_attributes(0, &a, 0), E2BIG);
    say("the kernel's size %u\n", a.size);
    a.size = PAGE + 1;
    CHECK_ERRNO(set_attributes(0, &a, 0), E2BIG);
    say("the kernel's size %u\n", a.size);
    a.size = sizeof a;
    a.newer[1] = 1ull << 63;
    CHECK_ERRNO(set_attributes(0, &a, 0), E2BIG);
    say("the kernel's size %u\n", a.size);
    a.size = 56;
    CHECK(set_attributes(0, &a, 0) == 0);
    a = (struct attributes){.size = sizeof a, .policy = 77};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
    a = (struct attributes){.size = sizeof a, .policy = -1};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
    a = (struct attributes){.size = sizeof a, .flags = 1ull << 40};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
    a = (struct attributes){.size = sizeof a, .priority = 1};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
    a = (struct attributes){.size = sizeof a, .policy = SCHED_FIFO, .priority = 4000000000u};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
    a = (struct attributes){.size = 48, .flags = 0x20};
    CHECK_ERRNO(set_attributes(0, &a, 0), EINVAL);
}

/// Two processes in a group of their own; a byte from each when it is there.
static pid_t group_of_two(int* gate) {
    int ends[2];
    char byte;
    REQUIRE(pipe(ends) == 0);
    pid_t first = fork();
    if (first == 0) {
        setpgid(0, 0);
        pid_t second = fork();
        close(ends[0]);
        if (second != 0) setpriority(PRIO_PROCESS, 0, 4);
        write(ends[1], "x", 1);
        pause();
        _exit(0);
    }
    REQUIRE(read(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
    close(ends[1]);
    *gate = ends[0];
    return first;
}

TEST(nice_of_a_group) {
    int gate;
    pid_t group = group_of_two(&gate);
    SHOW(raw_priority(PRIO_PROCESS, group));
    SHOW(raw_priority(PRIO_PGRP, group));
    CHECK(setpriority(PRIO_PGRP, group, 9) == 0);
    SHOW(raw_priority(PRIO_PGRP, group));
    SHOW(raw_priority(PRIO_PROCESS, group));
    CHECK(raw_priority(PRIO_PROCESS, 0) == 20);
    CHECK(kill(-group, SIGKILL) == 0);
    CHECK(killed_by(wait_for(group), SIGKILL));
    close(gate);
}

TEST(nice_errors) {
    CHECK_ERRNO(raw_priority(-1, 0), EINVAL);
    CHECK_ERRNO(raw_priority(3, 0), EINVAL);
    CHECK_ERRNO(raw_priority(PRIO_PROCESS, NONE), ESRCH);
    CHECK_ERRNO(raw_priority(PRIO_PROCESS, -1), ESRCH);
    CHECK_ERRNO(raw_priority(PRIO_PGRP, NONE), ESRCH);
    CHECK_ERRNO(raw_priority(PRIO_USER, NONE), ESRCH);
    CHECK_ERRNO(setpriority(3, 0, 0), EINVAL);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, NONE, 0), ESRCH);
    CHECK_ERRNO(setpriority(PRIO_PGRP, NONE, 0), ESRCH);
    CHECK_ERRNO(setpriority(PRIO_USER, NONE, 0), ESRCH);
    CHECK(setpriority(PRIO_PROCESS, 0, 1000) == 0);
    SHOW(raw_priority(PRIO_PROCESS, 0));
}

static int thread_id;
static int second_thread(void* stop) {
    setpriority(PRIO_PROCESS, 0, 11);
    __atomic_store_n(&thread_id, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    while (!__atomic_load_n((int*)stop, __ATOMIC_ACQUIRE)) sched_yield();
    syscall(SYS_exit, 0);
    return 0;
}

TEST(each_thread_has_its_own) {
    static char stack[65536] __attribute__((aligned(16)));
    static int stop;
    CHECK(clone(second_thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, &stop) > 0);
    while (!__atomic_load_n(&thread_id, __ATOMIC_ACQUIRE)) sched_yield();
    SHOW(raw_priority(PRIO_PROCESS, thread_id));
    SHOW(raw_priority(PRIO_PROCESS, 0));
    CHECK(set_class(thread_id, SCHED_BATCH, 0) == 0);
    SHOW(class_of(thread_id));
    SHOW(class_of(0));
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
}

static void show_child(char const* when) {
    pid_t child = fork();
    if (child == 0) {
        say("%s: class %#lx priority %d nice %ld\n", when, class_of(0), priority_of(0), 20 - raw_priority(PRIO_PROCESS, 0));
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
}

TEST(inheritance) {
    CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
    CHECK(set_class(0, SCHED_BATCH, 0) == 0);
    show_child("batch, nice 3");
    CHECK(set_class(0, SCHED_BATCH | RESET_ON_FORK, 0) == 0);
    show_child("batch, nice 3, reset");
    CHECK(class_of(0) == (SCHED_BATCH | RESET_ON_FORK));
    if (!may_do_all()) return;
    CHECK(set_class(0, SCHED_RR, 7) == 0);
    pid_t child = fork();
    if (child == 0) _exit(class_of(0) == SCHED_RR && priority_of(0) == 7 ? 0 : 1);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(set_class(0, SCHED_FIFO | RESET_ON_FORK, 7) == 0);
    child = fork();
    if (child == 0) _exit(class_of(0) == SCHED_OTHER && priority_of(0) == 0 && raw_priority(PRIO_PROCESS, 0) == 20 ? 0 : 1);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(set_class(0, SCHED_OTHER | RESET_ON_FORK, 0) == 0 && setpriority(PRIO_PROCESS, 0, -5) == 0);
    child = fork();
    if (child == 0) _exit(class_of(0) == SCHED_OTHER && raw_priority(PRIO_PROCESS, 0) == 20 ? 0 : 1);
    CHECK(ended_with(wait_for(child), 0));
}

TEST(realtime) {
    if (!may_do_all()) return;
    CHECK(set_class(0, SCHED_FIFO, 99) == 0);
    CHECK(class_of(0) == SCHED_FIFO && priority_of(0) == 99);
    CHECK_ERRNO(set_priority(0, 100), EINVAL);
    CHECK_ERRNO(set_priority(0, 0), EINVAL);
    CHECK(set_priority(0, 1) == 0 && priority_of(0) == 1);
    struct attributes a = {.size = sizeof a, .policy = SCHED_RR, .priority = 5, .nice = -3};
    CHECK(set_attributes(0, &a, 0) == 0 && class_of(0) == SCHED_RR && priority_of(0) == 5);
    CHECK(raw_priority(PRIO_PROCESS, 0) == 20);   // a realtime thread keeps the nice value it had
    CHECK(get_attributes(0, &a, sizeof a, 0) == 0 && a.policy == SCHED_RR && a.priority == 5 && a.nice == 0);
    // Who keeps the parameters keeps the class, whatever he says of it.
    a = (struct attributes){.size = sizeof a, .flags = FLAG_KEEP_PARAMETERS, .policy = SCHED_FIFO};
    CHECK(set_attributes(0, &a, 0) == 0 && class_of(0) == SCHED_RR && priority_of(0) == 5);
    a = (struct attributes){.size = sizeof a, .flags = FLAG_KEEP_POLICY, .priority = 6};
    CHECK(set_attributes(0, &a, 0) == 0 && class_of(0) == SCHED_RR && priority_of(0) == 6);
    sched_yield();
    CHECK(set_class(0, SCHED_OTHER, 0) == 0 && class_of(0) == SCHED_OTHER);
}

TEST(a_user_without_limits) {
    if (!may_do_all()) return;
    CHECK(limit(RLIMIT_NICE, 0) && limit(RLIMIT_RTPRIO, 0));
    become_user();
    CHECK_ERRNO(set_class(0, SCHED_FIFO, 1), EPERM);
    CHECK_ERRNO(set_class(0, SCHED_RR, 1), EPERM);
    CHECK_ERRNO(set_class(0, SCHED_FIFO, 0), EINVAL);
    CHECK(set_class(0, SCHED_BATCH, 0) == 0 && set_class(0, SCHED_OTHER, 0) == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 4), EACCES);
    CHECK_ERRNO(nice(-1), EPERM);   // the library's word for EACCES
    CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
    struct attributes a = {.size = sizeof a, .nice = 4};
    CHECK_ERRNO(set_attributes(0, &a, 0), EPERM);
    a.nice = 6;
    CHECK(set_attributes(0, &a, 0) == 0 && raw_priority(PRIO_PROCESS, 0) == 14);
    CHECK(set_class(0, SCHED_OTHER | RESET_ON_FORK, 0) == 0);
    CHECK_ERRNO(set_class(0, SCHED_OTHER, 0), EPERM);
    CHECK(set_class(0, SCHED_IDLE | RESET_ON_FORK, 0) == 0);
    CHECK_ERRNO(set_class(0, SCHED_OTHER | RESET_ON_FORK, 0), EPERM);
    CHECK_ERRNO(set_class(1, SCHED_OTHER, 0), EPERM);
    CHECK_ERRNO(set_class(getppid(), SCHED_BATCH, 0), EPERM);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, getppid(), 19), EPERM);
    CHECK(class_of(1) >= 0);
}

TEST(a_user_with_limits) {
    if (!may_do_all() || !limit(RLIMIT_NICE, 25) || !limit(RLIMIT_RTPRIO, 10)) return;
    become_user();
    CHECK(setpriority(PRIO_PROCESS, 0, -5) == 0);
    CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, -6), EACCES);
    CHECK(set_class(0, SCHED_FIFO, 10) == 0);
    CHECK_ERRNO(set_class(0, SCHED_FIFO, 11), EPERM);
    CHECK_ERRNO(set_priority(0, 11), EPERM);
    CHECK(set_class(0, SCHED_RR, 3) == 0 && set_priority(0, 9) == 0);
    CHECK(limit(RLIMIT_RTPRIO, 0));
    CHECK_ERRNO(set_class(0, SCHED_FIFO, 3), EPERM);   // another class needs the limit
    CHECK(set_priority(0, 4) == 0);
    CHECK_ERRNO(set_priority(0, 5), EPERM);
    CHECK(set_class(0, SCHED_IDLE, 0) == 0 && set_class(0, SCHED_OTHER, 0) == 0);
}

TEST(nice_of_a_user) {
    if (!may_do_all()) return;
    become_user();
    int gate;
    pid_t group = group_of_two(&gate);
    CHECK(setpriority(PRIO_USER, 0, 6) == 0);
    CHECK(raw_priority(PRIO_PROCESS, 0) == 14 && raw_priority(PRIO_PROCESS, group) == 14);
    CHECK(raw_priority(PRIO_USER, USER) == 14 && raw_priority(PRIO_USER, 0) == 14);
    CHECK_ERRNO(setpriority(PRIO_USER, USER, 5), EACCES);
    CHECK(kill(-group, SIGKILL) == 0);
    CHECK(killed_by(wait_for(group), SIGKILL));
    close(gate);
}
