// SPDX-License-Identifier: MIT
// mmap, munmap, mprotect, mremap, madvise, brk: splitting, merging, sharing, and the
// signals that wrong accesses give.
#include "test.h"

static volatile sig_atomic_t caught_signal, caught_code;
static void* volatile caught_address;

static void on_fault(int number, siginfo_t* info, void* context) {
    (void)context;
    caught_signal = number;
    caught_code = info->si_code;
    caught_address = info->si_addr;
    _exit(number == SIGSEGV ? 60 + info->si_code : 70 + info->si_code);
}

static char* volatile probe_at;
static void probe_read(void) { (void)*(volatile char*)probe_at; }
static void probe_write(void) { *(volatile char*)probe_at = 1; }

/// 0: the access works; 61/62: SIGSEGV with SEGV_MAPERR/ACCERR; 72: SIGBUS with BUS_ADRERR.
static int access_result(char* at, void (*access)(void)) {
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGBUS, &action, NULL);
        probe_at = at;
        access();
        _exit(0);
    }
    int status = wait_for(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}
#define READS(at) access_result((char*)(at), probe_read)
#define WRITES(at) access_result((char*)(at), probe_write)
enum { FINE = 0, NOT_MAPPED = 61, NO_RIGHT = 62, BEYOND_FILE = 72 };

static char* map(size_t pages, int protection) {
    char* at = mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}

TEST(anonymous_memory_is_zero) {
    char* at = map(1000, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 1000 * PAGE; i += 512) REQUIRE(at[i] == 0);
    memset(at, 1, 1000 * PAGE);
    CHECK(munmap(at, 1000 * PAGE) == 0);
    char* again = map(1000, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 1000 * PAGE; i += 512) REQUIRE(again[i] == 0);
}

TEST(protections) {
    char* at = map(4, PROT_READ | PROT_WRITE);
    at[0] = at[PAGE] = 1;
    CHECK(READS(at) == FINE && WRITES(at) == FINE);
    CHECK(mprotect(at + PAGE, PAGE, PROT_READ) == 0);
    CHECK(READS(at + PAGE) == FINE && WRITES(at + PAGE) == NO_RIGHT);
    CHECK(WRITES(at) == FINE && WRITES(at + 2 * PAGE) == FINE);
    CHECK(mprotect(at, 4 * PAGE, PROT_NONE) == 0);
    CHECK(READS(at) == NO_RIGHT && READS(at + 3 * PAGE) == NO_RIGHT);
    CHECK(mprotect(at, 4 * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(at[0] == 1 && at[PAGE] == 1);
    CHECK(munmap(at, 4 * PAGE) == 0);
    CHECK(READS(at) == NOT_MAPPED && WRITES(at) == NOT_MAPPED);
    CHECK(READS(NULL) == NOT_MAPPED && WRITES((char*)8) == NOT_MAPPED);
}

TEST(addresses_that_no_program_has) {
    CHECK(READS(0xffffffff80000000) == NOT_MAPPED || READS(0xffffffff80000000) == NO_RIGHT);
    pid_t child = fork();
    if (child == 0) {   // non-canonical: general protection, SI_KERNEL, no address
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
        probe_at = (char*)0x8000000000000000;
        probe_read();
        _exit(0);
    }
    int status = wait_for(child);
    CHECK(ended_with(status, (60 + SI_KERNEL) & 255));
}

TEST(si_addr_is_the_address) {
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
        char* at = map(1, PROT_READ);
        probe_at = at + 1234;
        struct sigaction check_it = {.sa_flags = SA_SIGINFO};
        void handler(int number, siginfo_t* info, void* context) {
            (void)context;
            _exit(number == SIGSEGV && info->si_addr == probe_at && info->si_code == SEGV_ACCERR && info->si_signo == SIGSEGV ? 0 : 1);
        }
        check_it.sa_sigaction = handler;
        sigaction(SIGSEGV, &check_it, NULL);
        probe_write();
        _exit(2);
    }
    CHECK(ended_with(wait_for(child), 0));
}

TEST(munmap_splits) {
    char* at = map(9, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 9; ++i) at[i * PAGE] = 'a' + i;
    CHECK(munmap(at + 3 * PAGE, 3 * PAGE) == 0);
    for (int i = 0; i < 9; ++i)
        if (i < 3 || i > 5) CHECK(at[i * PAGE] == 'a' + i);
        else CHECK(READS(at + i * PAGE) == NOT_MAPPED);
    CHECK(munmap(at, 9 * PAGE) == 0);   // holes are no error
    CHECK(munmap(at, 9 * PAGE) == 0);
    CHECK(READS(at) == NOT_MAPPED && READS(at + 8 * PAGE) == NOT_MAPPED);
}

TEST(map_fixed_replaces) {
    char* at = map(5, PROT_READ | PROT_WRITE);
    memset(at, 'x', 5 * PAGE);
    char* middle = mmap(at + PAGE, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(middle == at + PAGE);
    CHECK(at[0] == 'x' && at[PAGE] == 0 && at[3 * PAGE] == 0 && at[4 * PAGE] == 'x');
    CHECK(WRITES(at + 2 * PAGE) == NO_RIGHT && WRITES(at + 4 * PAGE) == FINE);
    CHECK(mprotect(at, 5 * PAGE, PROT_READ | PROT_WRITE) == 0);
    memset(at, 'y', 5 * PAGE);
    CHECK(at[2 * PAGE] == 'y');
    errno = 0;
    void* refused = mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(refused == MAP_FAILED && errno == EEXIST);
}

TEST(a_hint_is_only_a_hint) {
    char* taken = map(1, PROT_READ);
    char* at = mmap(taken, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && at != taken);
    char* free_place = map(16, PROT_READ);
    munmap(free_place, 16 * PAGE);
    CHECK(mmap(free_place + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == free_place + 4 * PAGE);
}

TEST(errors) {
    char* at = map(2, PROT_READ);
    int fd = open("f", O_RDWR | O_CREAT, 0644), read_only = open("f", O_RDONLY), write_only = open("f", O_WRONLY);
    REQUIRE(write(fd, "abc", 3) == 3);
    CHECK_ERRNO(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, read_only, 0), EACCES);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0), EACCES);
    CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
    CHECK_ERRNO(mmap(at + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(mmap((void*)0xffff800000000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
    CHECK_ERRNO(syscall(SYS_mmap, NULL, 1ul << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    CHECK_ERRNO(syscall(SYS_mmap, NULL, -1ul, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    CHECK_ERRNO(munmap(at + 1, PAGE), EINVAL);
    CHECK_ERRNO(munmap(at, 0), EINVAL);
    CHECK_ERRNO(munmap((void*)0xffff800000000000, PAGE), EINVAL);
    CHECK_ERRNO(syscall(SYS_mprotect, at + 1, PAGE, PROT_READ), EINVAL);   // musl's own rounds
    CHECK_ERRNO(mprotect(at, PAGE, 0x1000), EINVAL);
    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(mprotect(at, 2 * PAGE, PROT_READ), ENOMEM);
    CHECK(mprotect(at, 0, PROT_READ) == 0);
    CHECK_ERRNO(madvise(at, PAGE, 12345), EINVAL);
    CHECK_ERRNO(madvise(at + 1, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(private_file_mapping) {
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    static char block[2 * PAGE + 100];
    memset(block, 'f', sizeof block);
    REQUIRE(write(fd, block, sizeof block) == sizeof block);
    char* at = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    REQUIRE(at != MAP_FAILED);
    CHECK(at[0] == 'f' && at[2 * PAGE + 99] == 'f' && at[2 * PAGE + 100] == 0 && at[3 * PAGE - 1] == 0);
    CHECK(READS(at + 3 * PAGE) == BEYOND_FILE);
    at[0] = 'p';
    char byte;
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'f');
    char* second = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    CHECK(second[0] == 'f');
    close(fd);
    CHECK(at[PAGE] == 'f');
    pid_t child = fork();
    if (child == 0) {
        CHECK(at[0] == 'p');
        at[0] = 'c';
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(at[0] == 'p');
}

TEST(shared_file_mapping) {
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    REQUIRE(ftruncate(fd, 2 * PAGE) == 0);
    char* one = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char* two = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
    REQUIRE(one != MAP_FAILED && two != MAP_FAILED);
    one[PAGE + 5] = 'z';
    CHECK(two[5] == 'z');
    char byte;
    CHECK(pread(fd, &byte, 1, PAGE + 5) == 1 && byte == 'z');
    CHECK(pwrite(fd, "w", 1, 7) == 1);
    CHECK(one[7] == 'w');
    pid_t child = fork();
    if (child == 0) {
        one[100] = 'c';
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(one[100] == 'c');
    CHECK(pread(fd, &byte, 1, 100) == 1 && byte == 'c');
    CHECK(unlink("f") == 0);
    two[0] = 'q';
    CHECK(one[PAGE] == 'q');
}

TEST(shared_anonymous_memory) {
    int* at = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    at[0] = 1;
    for (int i = 0; i < 4; ++i)
        if (fork() == 0) {
            for (int n = 0; n < 1000; ++n) __atomic_fetch_add(&at[5000], 1, __ATOMIC_SEQ_CST);
            _exit(at[0] != 1);
        }
    for (int i = 0; i < 4; ++i) {
        int status;
        CHECK(wait(&status) > 0 && ended_with(status, 0));
    }
    SHOW(at[5000]);
}

TEST(mremap_grows_shrinks_and_moves) {
    char* at = map(4, PROT_READ | PROT_WRITE);
    memset(at, 'm', 4 * PAGE);
    char* shorter = mremap(at, 4 * PAGE, 2 * PAGE, 0);
    CHECK(shorter == at && READS(at + 2 * PAGE) == NOT_MAPPED);
    CHECK(mremap(at, 2 * PAGE, 3 * PAGE, 0) == at);
    CHECK(at[2 * PAGE] == 0);
    char* block = mmap(at + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(block == at + 3 * PAGE);
    CHECK_ERRNO(mremap(at, 3 * PAGE, 1000 * PAGE, 0), ENOMEM);
    char* moved = mremap(at, 3 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    REQUIRE(moved != MAP_FAILED && moved != at);
    CHECK(moved[0] == 'm' && moved[2 * PAGE - 1] == 'm' && moved[2 * PAGE] == 0 && moved[999 * PAGE] == 0);
    CHECK(READS(at) == NOT_MAPPED);
    char* target = map(8, PROT_READ);
    CHECK(mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) == target + PAGE);
    CHECK(target[PAGE] == 'm' && WRITES(target + PAGE) == FINE && WRITES(target) == NO_RIGHT);
    CHECK_ERRNO(mremap(at, PAGE, PAGE, 0), EFAULT);
    CHECK_ERRNO(mremap(target + 1, PAGE, PAGE, 0), EINVAL);
    CHECK_ERRNO(mremap(target, PAGE, 0, 0), EINVAL);
    CHECK_ERRNO(mremap(target, PAGE, PAGE, 0x80), EINVAL);
}

TEST(madvise_dontneed_drops) {
    char* at = map(8, PROT_READ | PROT_WRITE);
    memset(at, 'd', 8 * PAGE);
    CHECK(madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(at[0] == 'd' && at[PAGE] == 0 && at[2 * PAGE] == 0 && at[3 * PAGE] == 'd');
    at[PAGE] = 'n';
    CHECK(at[PAGE] == 'n');
    CHECK(madvise(at, 8 * PAGE, MADV_NORMAL) == 0);
    CHECK(madvise(at, 8 * PAGE, MADV_WILLNEED) == 0);
    CHECK(madvise(at, 8 * PAGE, MADV_FREE) == 0);
    munmap(at + 4 * PAGE, PAGE);
    CHECK_ERRNO(madvise(at, 8 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK(at[7 * PAGE] == 0);
}

TEST(brk_moves_the_heap) {
    char* start = (char*)syscall(SYS_brk, 0);
    CHECK(start != NULL);
    char* more = start + 100 * PAGE + 123;
    CHECK((char*)syscall(SYS_brk, more) == more);
    start[50 * PAGE] = 'b';
    more[-1] = 'e';
    CHECK((char*)syscall(SYS_brk, 0) == more);
    CHECK((char*)syscall(SYS_brk, start) == start);
    CHECK(READS((uintptr_t)start + 50 * PAGE) == NOT_MAPPED);
    CHECK((char*)syscall(SYS_brk, more) == more);
    CHECK(start[50 * PAGE] == 0);
    CHECK((char*)syscall(SYS_brk, (char*)1) == more);
    CHECK((char*)syscall(SYS_brk, (char*)0xffff800000000000) == more);
}

TEST(stack_grows) {
    char block[3 << 20];
    for (int i = 0; i < 3 << 20; i += PAGE) ((volatile char*)block)[(3 << 20) - 1 - i] = 1;
    CHECK(((volatile char*)block)[100] == 0 || 1);
}

static int recurse(int depth) {
    volatile char block[8192];
    block[0] = (char)depth;
    return recurse(depth + 1) + block[0];
}

TEST_THAT_ENDS_BY(stack_overflow, SIGSEGV) { _exit(recurse(0)); }

TEST(stack_overflow_on_another_stack) {
    pid_t child = fork();
    if (child == 0) {
        stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
        if (sigaltstack(&other, NULL) != 0) _exit(61);   // the same answer where there is no such call
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigaction(SIGSEGV, &action, NULL);
        _exit(recurse(0));
    }
    int status = wait_for(child);
    CHECK(ended_with(status, 61) || ended_with(status, 62));
}

TEST(data_cannot_be_executed) {
    unsigned char* at = (unsigned char*)map(1, PROT_READ | PROT_WRITE);
    at[0] = 0xc3;
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
        ((void (*)(void))at)();
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), NO_RIGHT));
    CHECK(mprotect(at, PAGE, PROT_READ | PROT_EXEC) == 0);
    child = fork();
    if (child == 0) {
        ((void (*)(void))at)();
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
}

TEST(code_cannot_be_written) {
    CHECK(WRITES((uintptr_t)&recurse) == NO_RIGHT);
    CHECK(WRITES((uintptr_t)"constant") == NO_RIGHT);
}

TEST(random_operations_against_a_model) {
    enum { PAGES = 64 };
    char* base = map(PAGES, PROT_READ | PROT_WRITE);
    static unsigned char model[PAGES];          // the byte each page holds; 0 if fresh
    static unsigned char state[PAGES];          // 0: not mapped, 1: read-only, 2: writable
    memset(state, 2, PAGES);
    unsigned random = 12345;
    for (int step = 0; step < 3000; ++step) {
        random = random * 1103515245 + 12345;
        int first = (random >> 8) % PAGES, count = 1 + (random >> 16) % 8;
        if (first + count > PAGES) count = PAGES - first;
        char* at = base + first * PAGE;
        switch ((random >> 24) % 6) {
        case 0:
            REQUIRE(munmap(at, count * PAGE) == 0);
            memset(state + first, 0, count);
            memset(model + first, 0, count);
            break;
        case 1:
            REQUIRE(mmap(at, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
            memset(state + first, 2, count);
            memset(model + first, 0, count);
            break;
        case 2: case 3: {
            int wanted = (random >> 24) % 6 - 1, whole = 1;
            for (int i = first; i < first + count; ++i) whole &= state[i] != 0;
            int result = mprotect(at, count * PAGE, wanted == 2 ? PROT_READ | PROT_WRITE : PROT_READ);
            REQUIRE(result == (whole ? 0 : -1));
            for (int i = first; i < first + count && state[i]; ++i) state[i] = wanted;
            break;
        }
        case 4:
            for (int i = first; i < first + count; ++i)
                if (state[i] == 2) base[i * PAGE + 77] = model[i] = 1 + step % 250;
            break;
        case 5:
            for (int i = first; i < first + count; ++i)
                if (state[i]) REQUIRE((unsigned char)base[i * PAGE + 77] == model[i]);
            break;
        }
    }
    for (int i = 0; i < PAGES; ++i)
        if (state[i]) CHECK((unsigned char)base[i * PAGE + 77] == model[i]);
    for (int i = 0; i < PAGES; i += 7) {
        CHECK(READS(base + i * PAGE) == (state[i] ? FINE : NOT_MAPPED));
        CHECK(WRITES(base + i * PAGE) == (state[i] == 2 ? FINE : state[i] ? NO_RIGHT : NOT_MAPPED));
    }
}
