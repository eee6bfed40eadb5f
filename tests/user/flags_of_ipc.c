// SPDX-License-Identifier: MIT
// The flags of System V IPC and of scheduling, each by what it does (flag_effects.h).
#include "flag_effects.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static char* map(size_t pages, int rights, int flags) {
    char* at = mmap(NULL, pages * PAGE, rights, flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
static char* volatile touched;
static void see_touch(char const* what, char* at, void (*body)(void)) {
    touched = at;
    int const status = in_child(body);
    saw("%s %s", what, WIFSIGNALED(status) ? "faults" : "passes");
}
static void write_there(void) { *(char volatile*)touched = 1; }
static void run_there(void) { ((void (*)(void))touched)(); }

// ---------------------------------------------------------------- System V's shared memory

static int segment(void) {
    int const id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    REQUIRE(id >= 0);
    return id;
}
static void drop(int id) { shmctl(id, IPC_RMID, NULL); }
static char const* attached(void* at) { return at == (void*)-1 ? result(-1) : "attached"; }
enum { KEY = 0x41756272 };
EFFECT(shmget, IPC_CREAT) {
    int id = shmget(KEY, PAGE, flag | 0600);
    saw("%s", id < 0 ? result(-1) : "made");
    if (id >= 0) drop(id);
}
EFFECT(shmget, IPC_EXCL) {
    int id = shmget(KEY, PAGE, IPC_CREAT | 0600);
    saw("%s", shmget(KEY, PAGE, IPC_CREAT | flag | 0600) < 0 ? result(-1) : "found");
    drop(id);
}
NO_EFFECT(shmget, SHM_NORESERVE, "a machine that gives more memory than it has looks at huge segments alone")
EFFECT(shmat, SHM_RDONLY) {
    int id = segment();
    see_touch("write", shmat(id, NULL, flag), write_there);
    drop(id);
}
EFFECT(shmat, SHM_RND) {
    int id = segment();
    char* place = map(2, PROT_NONE, PRIVATE);
    munmap(place, 2 * PAGE);
    char* at = shmat(id, place + 100, flag);
    saw("%s, %s", attached(at), at == place ? "rounded" : "not there");
    drop(id);
}
EFFECT(shmat, SHM_REMAP) {
    int id = segment();
    char* place = map(2, RW, PRIVATE);
    saw("%s", attached(shmat(id, place, flag)));
    drop(id);
}
EFFECT(shmat, SHM_EXEC) {
    int id = shmget(IPC_PRIVATE, PAGE, 0700);
    char* at = shmat(id, NULL, flag);
    *at = (char)0xc3;
    see_touch("run", at, run_there);
    drop(id);
}

// ---------------------------------------------------------------- System V's semaphores and messages

static long sem_get(int flags) { return syscall(SYS_semget, KEY, 1, flags | 0600); }
static void remove_set(long id) { syscall(SYS_semctl, id, 0, IPC_RMID); }
EFFECT(semget, IPC_CREAT) {
    long id = sem_get(flag);
    saw("%s", id < 0 ? result(-1) : "made");
    remove_set(id);
}
EFFECT(semget, IPC_EXCL) {
    long id = sem_get(IPC_CREAT);
    saw("%s", sem_get(IPC_CREAT | (int)flag) < 0 ? result(-1) : "found");
    remove_set(id);
}
EFFECT(semop, IPC_NOWAIT) {
    long id = syscall(SYS_semget, 0, 1, 0600);
    struct sembuf down = {0, -1, (short)flag};
    do_not_wait();
    saw("%s", result(syscall(SYS_semop, id, &down, 1)));
    remove_set(id);
}
EFFECT(semop, SEM_UNDO) {
    long id = syscall(SYS_semget, 0, 1, 0600);
    struct sembuf up = {0, 1, (short)flag};
    pid_t child = forked();
    if (child == 0) _exit(syscall(SYS_semop, id, &up, 1) != 0);
    wait_for(child);
    saw("value %ld", syscall(SYS_semctl, id, 0, GETVAL));
    remove_set(id);
}
struct text { long type; char bytes[16]; };
static long msg_get(int flags) { return syscall(SYS_msgget, KEY, flags | 0600); }
static void remove_queue(long id) { syscall(SYS_msgctl, id, IPC_RMID, NULL); }
EFFECT(msgget, IPC_CREAT) {
    long id = msg_get(flag);
    saw("%s", id < 0 ? result(-1) : "made");
    remove_queue(id);
}
EFFECT(msgget, IPC_EXCL) {
    long id = msg_get(IPC_CREAT);
    saw("%s", msg_get(IPC_CREAT | (int)flag) < 0 ? result(-1) : "found");
    remove_queue(id);
}
EFFECT(msgsnd, IPC_NOWAIT) {
    static struct { long type; char bytes[8000]; } much = {1, {0}};
    long id = syscall(SYS_msgget, 0, 0600);
    do_not_wait();
    long answer;
    while ((answer = syscall(SYS_msgsnd, id, &much, sizeof much.bytes, (int)flag)) == 0) { }
    saw("%s", result(answer));
    remove_queue(id);
}
/// "a" of type 1, "bb" of type 2; what this takes, and what is left.
static void see_messages(long type, long size, int flags) {
    struct text message = {.type = 0};
    long id = syscall(SYS_msgget, 0, 0600);
    syscall(SYS_msgsnd, id, &(struct text){1, "a"}, 1, 0);
    syscall(SYS_msgsnd, id, &(struct text){2, "bb"}, 2, 0);
    saw("%s", result(syscall(SYS_msgrcv, id, &message, size, type, flags)));
    saw("type %ld", message.type);
    saw("left %s", result(syscall(SYS_msgrcv, id, &message, 16, 0, IPC_NOWAIT)));
    saw("%s", result(syscall(SYS_msgrcv, id, &message, 16, 0, IPC_NOWAIT)));
    remove_queue(id);
}
EFFECT(msgrcv, IPC_NOWAIT) {
    do_not_wait();
    see_messages(9, 16, flag);
}
EFFECT(msgrcv, MSG_NOERROR) { see_messages(2, 1, flag); }
EFFECT(msgrcv, MSG_EXCEPT) { see_messages(1, 16, flag); }
EFFECT(msgrcv, MSG_COPY) { see_messages(0, 16, IPC_NOWAIT | flag); }

// ---------------------------------------------------------------- scheduling

SHARED_BODY(see_policy) {
    struct sched_param priority = {.sched_priority = flag == 1 || flag == 2 ? 3 : 0};
    if (on) saw("%s", result(syscall(SYS_sched_setscheduler, 0, (int)flag, &priority)));
    saw("policy %ld", syscall(SYS_sched_getscheduler, 0));
}
EFFECT_BY(see_policy, sched_setscheduler, SCHED_FIFO)
EFFECT_BY(see_policy, sched_setscheduler, SCHED_RR)
EFFECT_BY(see_policy, sched_setscheduler, SCHED_BATCH)
EFFECT_BY(see_policy, sched_setscheduler, SCHED_IDLE)
EFFECT(sched_setscheduler, SCHED_OTHER) {
    struct sched_param priority = {.sched_priority = 3};
    syscall(SYS_sched_setscheduler, 0, 1, &priority);
    priority.sched_priority = 0;
    if (on) syscall(SYS_sched_setscheduler, 0, (int)flag, &priority);
    saw("policy %ld", syscall(SYS_sched_getscheduler, 0));
}
EFFECT(sched_setscheduler, SCHED_RESET_ON_FORK) {
    struct sched_param priority = {.sched_priority = 3};
    syscall(SYS_sched_setscheduler, 0, 1 | (int)flag, &priority);
    saw("policy %#lx", syscall(SYS_sched_getscheduler, 0));
    pid_t child = forked();
    if (child == 0) _exit(syscall(SYS_sched_getscheduler, 0));
    saw("child %d", WEXITSTATUS(wait_for(child)));
}
struct scheduling { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t deadline[3]; };
SHARED_BODY(see_attributes) {
    struct scheduling wanted = {.size = 48, .policy = 1, .priority = 3}, now = {.size = 0};
    syscall(SYS_sched_setattr, 0, &wanted, 0);
    wanted.policy = 2;
    wanted.priority = 5;
    wanted.flags = flag;
    saw("%s", result(syscall(SYS_sched_setattr, 0, &wanted, 0)));
    syscall(SYS_sched_getattr, 0, &now, 48, 0);
    saw("policy %u priority %u flags %lu", now.policy, now.priority, now.flags);
}
#define SCHED_FLAG_RESET_ON_FORK 1
#define SCHED_FLAG_KEEP_POLICY 8
#define SCHED_FLAG_KEEP_PARAMS 16
EFFECT_BY(see_attributes, sched_setattr, SCHED_FLAG_RESET_ON_FORK)
EFFECT_BY(see_attributes, sched_setattr, SCHED_FLAG_KEEP_POLICY)
EFFECT_BY(see_attributes, sched_setattr, SCHED_FLAG_KEEP_PARAMS)
