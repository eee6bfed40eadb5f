// SPDX-License-Identifier: MIT
// libc: glibc
// Memory and semaphores that processes find by name, and memory without one: shm_open(3) sem_open(3) memfd_create(2).
#include "test.h"

#include <semaphore.h>
#include <sys/syscall.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
enum { NOEXEC_SEAL = 8, EXEC = 16 };

static char name[40];
static void set_name(char const* what) { snprintf(name, sizeof name, "/aubrac-%s-%d", what, (int)getpid()); }

TEST(where_names_live) {
    struct stat status;
    CHECK(stat("/dev/shm", &status) == 0 && S_ISDIR(status.st_mode));
    say("mode %o, owner %u\n", status.st_mode & 07777, status.st_uid);
}

TEST(memory_with_a_name) {
    set_name("memory");
    CHECK_ERRNO(shm_open(name, O_RDWR, 0), ENOENT);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
    REQUIRE(fd >= 0);
    CHECK_ERRNO(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
    struct stat status;
    CHECK(fstat(fd, &status) == 0 && status.st_size == 0);
    say("mode %o\n", status.st_mode & 07777);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && ftruncate(fd, 2 * PAGE) == 0);
    int* shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(shared != MAP_FAILED);
    shared[0] = 1;
    pid_t child = fork();
    if (child == 0) {
        munmap(shared, 2 * PAGE);
        int own = shm_open(name, O_RDWR, 0);
        int* seen = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
        REQUIRE(own >= 0 && seen != MAP_FAILED);
        CHECK(seen[0] == 1);
        seen[PAGE / 4] = 77;
        CHECK(shm_unlink(name) == 0);
        _exit(failures);
    }
    CHECK(wait_for(child) == 0 && shared[PAGE / 4] == 77);
    CHECK_ERRNO(shm_unlink(name), ENOENT);
    CHECK_ERRNO(shm_open(name, O_RDWR, 0), ENOENT);
    CHECK(shared[PAGE / 4] == 77);                       // as long as it is mapped
    CHECK_ERRNO(shm_open("/a/b", O_RDWR | O_CREAT, 0600), EINVAL);
}

TEST(others_names_stay) {
    set_name("mine");
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    REQUIRE(fd >= 0);
    pid_t child = fork();
    if (child == 0) {
        REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
        CHECK_ERRNO(shm_open(name, O_RDONLY, 0), EACCES);
        shm_unlink(name);                                // the directory is sticky
        char own[60];
        snprintf(own, sizeof own, "%s-own", name);
        int other = shm_open(own, O_RDWR | O_CREAT | O_EXCL, 0600);
        CHECK(other >= 0 && shm_unlink(own) == 0);
        _exit(failures);
    }
    CHECK(wait_for(child) == 0 && shm_unlink(name) == 0);
}

TEST(semaphores_with_names) {
    set_name("semaphore");
    CHECK(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    sem_t* there = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    REQUIRE(there != SEM_FAILED);
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
    CHECK(sem_open(name, 0) == there);                   // one process, one address
    char back_name[60];
    snprintf(back_name, sizeof back_name, "%s-back", name);
    sem_t* back = sem_open(back_name, O_CREAT, 0600, 2);
    REQUIRE(back != SEM_FAILED);
    pid_t child = fork();
    if (child == 0) {
        sem_close(there), sem_close(there), sem_close(back);
        there = sem_open(name, 0);
        back = sem_open(back_name, O_CREAT, 0600, 99);
        REQUIRE(there != SEM_FAILED && back != SEM_FAILED);
        for (int i = 0; i < 500; ++i)
            if (sem_wait(there) || sem_post(back)) _exit(2);
        _exit(failures);
    }
    for (int i = 0; i < 500; ++i) CHECK(sem_wait(back) == 0 && sem_post(there) == 0);
    CHECK(wait_for(child) == 0);
    int value = -1;
    CHECK(sem_getvalue(back, &value) == 0 && value == 2);
    CHECK(sem_trywait(there) == -1 && errno == EAGAIN);
    struct timespec past = {1, 0};
    CHECK_ERRNO(sem_timedwait(there, &past), ETIMEDOUT);
    CHECK(sem_unlink(name) == 0 && sem_unlink(back_name) == 0);
    CHECK_ERRNO(sem_unlink(name), ENOENT);
}

static int memory(unsigned flags) {
    int fd = memfd_create("sealed", flags);
    REQUIRE(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
    return fd;
}

TEST(memory_without_a_name) {
    int fd = memfd_create("some name", MFD_CLOEXEC);
    REQUIRE(fd >= 0);
    char link[60], target[80] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    CHECK(readlink(link, target, sizeof target - 1) > 0);
    say("%s\n", target);
    struct stat status;
    CHECK(fstat(fd, &status) == 0);
    say("mode %o links %ld size %ld\n", status.st_mode, (long)status.st_nlink, (long)status.st_size);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    CHECK(write(fd, "hello", 5) == 5);
    char text[8];
    CHECK(pread(fd, text, 8, 0) == 5);
    int again = open(link, O_RDONLY);                    // the same file, opened anew
    CHECK(again >= 0 && read(again, text, 8) == 5 && !memcmp(text, "hello", 5));
    CHECK_ERRNO(fcntl(again, F_ADD_SEALS, 0), EPERM);
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK_ERRNO(fcntl(ends[0], F_GET_SEALS), EINVAL);
    CHECK_ERRNO(fcntl(ends[0], F_ADD_SEALS, 0), EPERM);
    CHECK_ERRNO(fcntl(ends[1], F_ADD_SEALS, 0), EINVAL);
    CHECK_ERRNO(memfd_create("x", 0x20000000), EINVAL);
    CHECK_ERRNO(memfd_create("x", NOEXEC_SEAL | EXEC), EINVAL);
    CHECK_ERRNO(memfd_create((void*)8, 0), EFAULT);
    char long_name[260];
    memset(long_name, 'n', sizeof long_name);
    long_name[250] = 0;
    CHECK_ERRNO(memfd_create(long_name, 0), EINVAL);
    long_name[249] = 0;
    CHECK((fd = memfd_create(long_name, 0)) >= 0 && fcntl(fd, F_GETFD) == 0);
    CHECK((fd = memfd_create("", 0)) >= 0);
}

TEST(seals) {
    int fd = memory(MFD_ALLOW_SEALING);
    CHECK(fcntl(fd, F_GET_SEALS) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x4000), EINVAL);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0 && fcntl(fd, F_GET_SEALS) == F_SEAL_GROW);
    CHECK_ERRNO(ftruncate(fd, 3 * PAGE), EPERM);
    CHECK_ERRNO(pwrite(fd, "x", 1, 2 * PAGE), EPERM);
    CHECK(pwrite(fd, "x", 1, 2 * PAGE - 1) == 1 && ftruncate(fd, PAGE) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_ERRNO(ftruncate(fd, 1), EPERM);
    CHECK(ftruncate(fd, PAGE) == 0 && write(fd, "still", 5) == 5);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK_ERRNO(write(fd, "x", 1), EPERM);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), EPERM);
    SHOW(fcntl(fd, F_GET_SEALS));
}

TEST(seals_and_mappings) {
    int fd = memory(MFD_ALLOW_SEALING);
    char* shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(shared != MAP_FAILED);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    CHECK(munmap(shared, PAGE) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK(munmap(shared + PAGE, PAGE) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);   // the child has it
    kill(child, SIGKILL);
    wait_for(child);
    char* private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    REQUIRE(private != MAP_FAILED);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
    private[0] = 'p';                                    // its own copy
    char* other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(other != MAP_FAILED && other[0] == 0);
    char* read_only = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(read_only != MAP_FAILED && read_only[0] == 0);
    CHECK_ERRNO(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE), EACCES);

    fd = memory(MFD_ALLOW_SEALING);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
    shared[0] = 'f';                                     // the mapping that was there may still
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
    CHECK_ERRNO(write(fd, "x", 1), EPERM);
    read_only = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(read_only != MAP_FAILED && read_only[0] == 'f');
    CHECK_ERRNO(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

TEST(the_seal_of_execution) {
    int fd = memory(NOEXEC_SEAL);
    struct stat status;
    CHECK(fstat(fd, &status) == 0);
    say("mode %o seals %#x\n", status.st_mode & 07777, fcntl(fd, F_GET_SEALS));
    CHECK_ERRNO(fchmod(fd, 0700), EPERM);
    CHECK(fchmod(fd, 0600) == 0);
    fd = memory(MFD_ALLOW_SEALING | EXEC);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC) == 0);
    SHOW(fcntl(fd, F_GET_SEALS));
    CHECK_ERRNO(fchmod(fd, 0600), EPERM);
}
