// SPDX-License-Identifier: MIT
// System V IPC: sysvipc(7). Every object is private, or has a key of this process, and is removed.
#include "test.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct message { long type; char text[64]; };
union semun { int val; struct semid_ds* buf; unsigned short* array; };

static key_t own_key(int n) { return 0x41550000 + (getpid() % 10000) * 4 + n; }
static void pause_ms(int ms) { struct timespec t = {ms / 1000, ms % 1000 * 1000000}; nanosleep(&t, NULL); }
static void nothing(int number) { (void)number; }

static int send(int queue, long type, char const* text) {
    struct message m = {type, ""};
    strcpy(m.text, text);
    return msgsnd(queue, &m, strlen(text), IPC_NOWAIT);
}

static long take(int queue, long type, int flags) {
    struct message m = {0, ""};
    ssize_t size = msgrcv(queue, &m, sizeof m.text, type, flags | IPC_NOWAIT);
    return size < 0 ? -errno : m.type * 100 + size;
}

TEST(messages_by_type) {
    int queue = msgget(IPC_PRIVATE, 0600);
    REQUIRE(queue >= 0);
    for (int type = 1; type <= 5; ++type) CHECK(send(queue, 6 - type, "abcdefgh" + type) == 0);
    CHECK(take(queue, 3, 0) == 305);
    CHECK(take(queue, -4, 0) == 103);
    CHECK(take(queue, 5, MSG_EXCEPT) == 406);
    CHECK(take(queue, 0, 0) == 507);
    CHECK(take(queue, 1, 0) == -ENOMSG);
    CHECK(take(queue, -9, 0) == 204);
    CHECK(take(queue, 0, 0) == -ENOMSG);
    struct msqid_ds state;
    CHECK(msgctl(queue, IPC_STAT, &state) == 0);
    CHECK(state.msg_qnum == 0 && state.msg_cbytes == 0 && state.msg_qbytes == 16384);
    CHECK(state.msg_lspid == getpid() && state.msg_lrpid == getpid());
    CHECK((state.msg_perm.mode & 0777) == 0600);
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
    CHECK_ERRNO(msgctl(queue, IPC_STAT, &state), EINVAL);
}

TEST(message_errors) {
    int queue = msgget(IPC_PRIVATE, 0600);
    struct message m = {1, "0123456789"};
    CHECK_ERRNO(msgsnd(queue, &m, 8193, 0), EINVAL);
    CHECK_ERRNO(msgsnd(queue, &m, -1, 0), EINVAL);
    m.type = 0;
    CHECK_ERRNO(msgsnd(queue, &m, 1, 0), EINVAL);
    CHECK_ERRNO(msgsnd(queue, (void*)8, 1, 0), EFAULT);
    m.type = 7;
    CHECK(msgsnd(queue, &m, 10, 0) == 0);
    CHECK_ERRNO(msgrcv(queue, &m, 4, 0, 0), E2BIG);
    memset(m.text, 'x', 10);
    CHECK(msgrcv(queue, &m, 4, 0, MSG_NOERROR) == 4);
    CHECK(!memcmp(m.text, "0123xx", 6));
    static struct { long type; char text[8192]; } big = {1, ""};
    CHECK(msgsnd(queue, &big, 8192, IPC_NOWAIT) == 0);
    CHECK(msgsnd(queue, &big, 8192, IPC_NOWAIT) == 0);
    CHECK_ERRNO(msgsnd(queue, &big, 1, IPC_NOWAIT), EAGAIN);
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
    CHECK_ERRNO(msgsnd(queue, &big, 1, IPC_NOWAIT), EINVAL);
    CHECK_ERRNO(msgctl(-1, IPC_RMID, NULL), EINVAL);
    CHECK_ERRNO(msgrcv(-1, &m, 4, 0, 0), EINVAL);
}

TEST(keys) {
    key_t key = own_key(0);
    CHECK_ERRNO(msgget(key, 0), ENOENT);
    int queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    REQUIRE(queue >= 0);
    CHECK(msgget(key, 0) == queue);
    CHECK(msgget(key, IPC_CREAT | 0600) == queue);
    CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
    CHECK_ERRNO(msgget(key, 0), ENOENT);
    int next = msgget(key, IPC_CREAT | 0600);
    CHECK(next != queue);
    CHECK(msgctl(next, IPC_RMID, NULL) == 0);
    int segment = shmget(key, 5000, IPC_CREAT | 0600);
    CHECK(shmget(key, 5000, 0) == segment);
    CHECK_ERRNO(shmget(key, 5001, 0), EINVAL);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
    int set = semget(key, 2, IPC_CREAT | 0600);
    CHECK(semget(key, 0, 0) == set);
    CHECK_ERRNO(semget(key, 3, 0), EINVAL);
    CHECK(semctl(set, 0, IPC_RMID) == 0);
    CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_ERRNO(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    CHECK_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
}

TEST(producer_and_consumer) {
    enum { COUNT = 3000 };
    int queue = msgget(IPC_PRIVATE, 0600);
    pid_t child = fork();
    if (child == 0) {
        struct message m = {1, ""};
        for (int i = 0; i < COUNT; ++i) {
            m.type = 1 + i % 3;
            memcpy(m.text, &i, sizeof i);
            if (msgsnd(queue, &m, 60, 0)) _exit(1);
        }
        _exit(0);
    }
    struct message m;
    int wrong = 0;
    for (int i = 0; i < COUNT; ++i) {
        int got = -1;
        if (msgrcv(queue, &m, sizeof m.text, 0, 0) != 60) ++wrong;
        memcpy(&got, m.text, sizeof got);
        wrong += got != i || m.type != 1 + i % 3;
    }
    CHECK(wrong == 0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
}

TEST(removal_wakes_sleepers) {
    int queue = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600);
    pid_t receiver = fork();
    if (receiver == 0) {
        struct message m;
        _exit(msgrcv(queue, &m, 10, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
    }
    pid_t sleeper = fork();
    if (sleeper == 0) {
        struct sembuf down = {0, -1, 0};
        _exit(semop(set, &down, 1) == -1 && errno == EIDRM ? 0 : 1);
    }
    while (semctl(set, 0, GETNCNT) != 1) pause_ms(1);
    pause_ms(50);
    CHECK(msgctl(queue, IPC_RMID, NULL) == 0);
    CHECK(semctl(set, 0, IPC_RMID) == 0);
    CHECK(ended_with(wait_for(receiver), 0));
    CHECK(ended_with(wait_for(sleeper), 0));
}

TEST(signals_interrupt_whatever_sa_restart_says) {
    int queue = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600);
    for (int kind = 0; kind < 2; ++kind) {
        pid_t child = fork();
        if (child == 0) {
            struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
            sigaction(SIGUSR1, &action, NULL);
            struct message m;
            struct sembuf down = {0, -1, 0};
            int result = kind == 0 ? (int)msgrcv(queue, &m, 10, 0, 0) : semop(set, &down, 1);
            _exit(result == -1 && errno == EINTR ? 0 : 1);
        }
        pause_ms(100);
        kill(child, SIGUSR1);
        CHECK(ended_with(wait_for(child), 0));
    }
    msgctl(queue, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
}

TEST(semaphores_operate_all_or_nothing) {
    int set = semget(IPC_PRIVATE, 3, 0600);
    unsigned short values[3] = {2, 0, 5}, now[3];
    CHECK(semctl(set, 0, SETALL, (union semun){.array = values}) == 0);
    struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
    CHECK_ERRNO(semop(set, both, 2), EAGAIN);
    CHECK(semctl(set, 0, GETALL, (union semun){.array = now}) == 0);
    CHECK(now[0] == 2 && now[1] == 0 && now[2] == 5);
    struct sembuf chain[3] = {{1, 1, 0}, {1, -1, 0}, {1, 0, 0}};
    CHECK(semop(set, chain, 3) == 0);
    CHECK(semctl(set, 1, GETPID) == getpid());
    struct sembuf much = {2, 32767, 0}, beyond = {3, 1, 0}, zero = {2, 0, IPC_NOWAIT};
    CHECK_ERRNO(semop(set, &much, 1), ERANGE);
    CHECK_ERRNO(semop(set, &beyond, 1), EFBIG);
    CHECK_ERRNO(semop(set, &zero, 1), EAGAIN);
    CHECK_ERRNO(semop(set, &zero, 0), EINVAL);
    CHECK_ERRNO(semop(set, (void*)8, 1), EFAULT);
    CHECK_ERRNO(semctl(set, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
    CHECK_ERRNO(semctl(set, 3, GETVAL), EINVAL);
    struct timespec shortly = {0, 20000000};
    struct sembuf down = {1, -1, 0};
    CHECK_ERRNO(semtimedop(set, &down, 1, &shortly), EAGAIN);
    struct semid_ds state;
    CHECK(semctl(set, 0, IPC_STAT, (union semun){.buf = &state}) == 0);
    CHECK(state.sem_nsems == 3 && state.sem_otime != 0);
    CHECK(semctl(set, 0, IPC_RMID) == 0);
}

TEST(undo_at_exit) {
    int set = semget(IPC_PRIVATE, 2, 0600);
    semctl(set, 0, SETVAL, (union semun){.val = 3});
    pid_t child = fork();
    if (child == 0) {
        struct sembuf ops[2] = {{0, -2, SEM_UNDO}, {1, 4, SEM_UNDO}};
        if (semop(set, ops, 2)) _exit(1);
        raise(SIGKILL);
    }
    CHECK(killed_by(wait_for(child), SIGKILL));
    CHECK(semctl(set, 0, GETVAL) == 3);
    CHECK(semctl(set, 1, GETVAL) == 0);
    CHECK(semctl(set, 0, GETPID) == child);
    semctl(set, 0, SETVAL, (union semun){.val = 0});
    child = fork();
    if (child == 0) {
        struct sembuf up = {0, 1, 0}, lock = {0, -1, SEM_UNDO};
        semop(set, &up, 1);
        semop(set, &lock, 1);
        semctl(set, 0, SETVAL, (union semun){.val = 0});      // forgets the adjustment
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(semctl(set, 0, GETVAL) == 0);
    child = fork();
    if (child == 0) {                                         // the end of one lets the other in
        struct sembuf both[2] = {{0, 1, 0}, {0, -1, SEM_UNDO}};
        semop(set, both, 2);
        while (semctl(set, 0, GETNCNT) == 0) pause_ms(1);
        _exit(0);
    }
    struct sembuf down = {0, -1, 0};
    CHECK(semop(set, &down, 1) == 0);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(semctl(set, 0, IPC_RMID) == 0);
}

TEST(mutual_exclusion) {
    enum { WORKERS = 4, ROUNDS = 200 };
    int set = semget(IPC_PRIVATE, 1, 0600), segment = shmget(IPC_PRIVATE, PAGE, 0600);
    int volatile* counter = shmat(segment, NULL, 0);
    semctl(set, 0, SETVAL, (union semun){.val = 1});
    for (int w = 0; w < WORKERS; ++w)
        if (fork() == 0) {
            struct sembuf down = {0, -1, SEM_UNDO}, up = {0, 1, SEM_UNDO};
            for (int i = 0; i < ROUNDS; ++i) {
                semop(set, &down, 1);
                int seen = *counter;
                if (i % 16 == 0) sched_yield();
                *counter = seen + 1;
                semop(set, &up, 1);
            }
            _exit(0);
        }
    for (int w = 0; w < WORKERS; ++w) wait(NULL);
    CHECK(*counter == WORKERS * ROUNDS);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
    CHECK(semctl(set, 0, IPC_RMID) == 0);
}

static unsigned long attached(int segment) {
    struct shmid_ds state;
    return shmctl(segment, IPC_STAT, &state) ? (unsigned long)-1 : state.shm_nattch;
}

TEST(attachments_are_counted) {
    int segment = shmget(IPC_PRIVATE, 3 * PAGE, 0600), ready[2], go[2];
    REQUIRE(segment >= 0 && !pipe(ready) && !pipe(go));
    CHECK(attached(segment) == 0);
    char* first = shmat(segment, NULL, 0);
    char* second = shmat(segment, NULL, SHM_RDONLY);
    REQUIRE(first != (void*)-1 && second != (void*)-1);
    CHECK(attached(segment) == 2);
    strcpy(first, "hello");
    CHECK(!strcmp(second, "hello"));
    CHECK_ERRNO(mprotect(second, PAGE, PROT_READ | PROT_WRITE), EACCES);
    pid_t child = fork();
    if (child == 0) {
        char c = !strcmp(first, "hello");
        write(ready[1], &c, 1);
        read(go[0], &c, 1);
        shmdt(second);
        write(ready[1], &c, 1);
        read(go[0], &c, 1);
        _exit(0);
    }
    char c = 0;
    read(ready[0], &c, 1);
    CHECK(c == 1 && attached(segment) == 4);
    write(go[1], "x", 1);
    read(ready[0], &c, 1);
    CHECK(attached(segment) == 3);
    write(go[1], "x", 1);
    CHECK(ended_with(wait_for(child), 0));
    CHECK(attached(segment) == 2);
    CHECK(munmap(first + PAGE, PAGE) == 0);
    CHECK(shmdt(first) == 0);
    CHECK(attached(segment) == 1);
    CHECK_ERRNO(shmdt(first), EINVAL);
    CHECK_ERRNO(shmdt(second + 1), EINVAL);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
    struct shmid_ds state;
    CHECK(shmctl(segment, IPC_STAT, &state) == 0);
    CHECK((state.shm_perm.mode & 01000) != 0 && state.shm_segsz == 3 * PAGE);
    CHECK(!strcmp(second, "hello"));
    CHECK(munmap(second, 3 * PAGE) == 0);
    CHECK_ERRNO(shmctl(segment, IPC_STAT, &state), EINVAL);
}

TEST(exec_detaches) {
    int segment = shmget(IPC_PRIVATE, PAGE, 0600);
    char* own = shmat(segment, NULL, 0);
    int go[2];
    REQUIRE(own != (void*)-1 && !pipe2(go, 0));
    pid_t child = fork();
    if (child == 0) {
        close(go[1]);
        dup2(go[0], 0);
        execl("/proc/self/exe", "system_v", "until-end-of-input", (char*)NULL);
        _exit(9);
    }
    for (int i = 0; i < 2000 && attached(segment) != 1; ++i) pause_ms(1);
    CHECK(attached(segment) == 1);
    close(go[0]);
    close(go[1]);
    CHECK(ended_with(wait_for(child), 5));
    CHECK(shmdt(own) == 0 && shmctl(segment, IPC_RMID, NULL) == 0);
}

void when_executed(int count, char** words) {
    if (count < 2 || strcmp(words[1], "until-end-of-input")) return;
    char c;
    while (read(0, &c, 1) > 0) {}
    _exit(5);
}

TEST(addresses_of_attachments) {
    int segment = shmget(IPC_PRIVATE, PAGE, 0600);
    char* at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(shmat(segment, at, 0) == (void*)-1 ? -1 : 0, EINVAL);
    CHECK_ERRNO(shmat(segment, at + 1, 0) == (void*)-1 ? -1 : 0, EINVAL);
    CHECK_ERRNO(shmat(segment, NULL, SHM_REMAP) == (void*)-1 ? -1 : 0, EINVAL);
    CHECK(shmat(segment, at + 17, SHM_RND | SHM_REMAP) == at);
    at[0] = 'a';
    munmap(at + PAGE, 3 * PAGE);
    CHECK(shmat(segment, at + 2 * PAGE, 0) == at + 2 * PAGE);
    CHECK(at[2 * PAGE] == 'a');
    CHECK_ERRNO(shmat(-1, NULL, 0) == (void*)-1 ? -1 : 0, EINVAL);
    CHECK(shmdt(at) == 0 && shmdt(at + 2 * PAGE) == 0);
    CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
}

static int shared_queue, shared_set, shared_segment;

static void as_stranger(void) {
    struct msqid_ds state;
    struct message m = {1, ""};
    struct sembuf up = {0, 1, 0}, zero = {0, 0, IPC_NOWAIT};
    CHECK(!setgid(12345) && !setuid(12345));
    CHECK(msgctl(shared_queue, IPC_STAT, &state) == 0);
    CHECK_ERRNO(msgsnd(shared_queue, &m, 1, IPC_NOWAIT), EACCES);
    CHECK_ERRNO(msgctl(shared_queue, IPC_SET, &state), EPERM);
    CHECK_ERRNO(msgctl(shared_queue, IPC_RMID, NULL), EPERM);
    CHECK_ERRNO(semop(shared_set, &up, 1), EACCES);
    CHECK(semop(shared_set, &zero, 1) == 0);
    CHECK_ERRNO(shmat(shared_segment, NULL, 0) == (void*)-1 ? -1 : 0, EACCES);
    void* at = shmat(shared_segment, NULL, SHM_RDONLY);
    CHECK(at != (void*)-1 && shmdt(at) == 0);
    CHECK_ERRNO(shmctl(shared_segment, IPC_RMID, NULL), EPERM);
}

TEST(rights) {
    if (getuid() != 0) return;
    shared_queue = msgget(IPC_PRIVATE, 0644);
    shared_set = semget(IPC_PRIVATE, 1, 0644);
    shared_segment = shmget(IPC_PRIVATE, 1, 0644);
    CHECK(ended_with(in_child(as_stranger), 0));
    struct msqid_ds state;
    msgctl(shared_queue, IPC_STAT, &state);
    state.msg_perm.uid = 12345;
    state.msg_perm.mode = 0222;
    state.msg_qbytes = 20;
    CHECK(msgctl(shared_queue, IPC_SET, &state) == 0);
    msgctl(shared_queue, IPC_STAT, &state);
    CHECK(state.msg_perm.uid == 12345 && (state.msg_perm.mode & 0777) == 0222 && state.msg_qbytes == 20);
    msgctl(shared_queue, IPC_RMID, NULL);
    semctl(shared_set, 0, IPC_RMID);
    shmctl(shared_segment, IPC_RMID, NULL);
}

/// A line of /proc/sysvipc as it is, but for the numbers of this run.
static void show_proc(char const* path, int id) {
    char text[16384], header[512];
    FILE* in = fopen(path, "r");
    REQUIRE(in && fgets(header, sizeof header, in));
    say("%s", header);
    while (fgets(text, sizeof text, in)) {
        unsigned key, number, mode;
        if (sscanf(text, "%u %u %o", &key, &number, &mode) != 3 || (int)number != id) continue;
        say("%s: length %zu, mode %o\n", path, strlen(text), mode & 0777);
    }
    fclose(in);
}

TEST(proc_files) {
    int queue = msgget(IPC_PRIVATE, 0640), set = semget(IPC_PRIVATE, 3, 0604), segment = shmget(IPC_PRIVATE, PAGE, 0466);
    show_proc("/proc/sysvipc/msg", queue);
    show_proc("/proc/sysvipc/sem", set);
    show_proc("/proc/sysvipc/shm", segment);
    msgctl(queue, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    shmctl(segment, IPC_RMID, NULL);
}
