// SPDX-License-Identifier: MIT
// The flags of calls on memory, and the operations of futex(2), each by what it does (flag_effects.h).
#include "flag_effects.h"

#include <sys/resource.h>

enum { RW = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

static char* map(size_t pages, int rights, int flags) {
    char* at = mmap(NULL, pages * PAGE, rights, flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
static char const* mapped(void* at) { return at == MAP_FAILED ? result(-1) : "mapped"; }
/// What a touch in a child comes to.
static char* volatile touched;
static void see_touch(char const* what, char* at, void (*body)(void)) {
    touched = at;
    int const status = in_child(body);
    saw("%s %s", what, WIFSIGNALED(status) ? "faults" : "passes");
}
static void write_there(void) { *(char volatile*)touched = 1; }
static void read_there(void) { (void)*(char volatile*)touched; }
static void run_there(void) { ((void (*)(void))touched)(); }
static long resident_pages(void) {
    long pages = 0;
    FILE* file = fopen("/proc/self/statm", "r");
    fscanf(file, "%*d %ld", &pages);
    fclose(file);
    return pages;
}

// ---------------------------------------------------------------- mmap

SHARED_BODY(see_sharing) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    char byte = 0;
    REQUIRE(ftruncate(fd, PAGE) == 0);
    char* at = mmap(NULL, PAGE, RW, flag, fd, 0);
    saw("%s", mapped(at));
    if (at == MAP_FAILED) return;
    *at = 'x';
    pread(fd, &byte, 1, 0);
    saw("file has %s", byte ? "it" : "it not");
}
EFFECT_BY(see_sharing, mmap, MAP_SHARED)
EFFECT_BY(see_sharing, mmap, MAP_PRIVATE)
EFFECT(mmap, MAP_SHARED_VALIDATE) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    REQUIRE(ftruncate(fd, PAGE) == 0);
    saw("%s", mapped(mmap(NULL, PAGE, RW, (on ? flag : MAP_SHARED) | 0x800000, fd, 0)));
    saw("%s", mapped(mmap(NULL, PAGE, RW, (on ? flag : MAP_SHARED) | 0x7c000000, fd, 0)));   // sizes of huge pages, with none
}
EFFECT(mmap, MAP_ANONYMOUS) { saw("%s", mapped(mmap(NULL, PAGE, RW, MAP_PRIVATE | flag, -1, 0))); }
EFFECT(mmap, MAP_FIXED) {
    char* at = map(1, RW, PRIVATE);
    *at = 1;
    saw("%s", mmap(at, PAGE, RW, PRIVATE | flag, -1, 0) == at ? "there" : "elsewhere");
    saw("%s", *at ? "old" : "new");
}
EFFECT(mmap, MAP_FIXED_NOREPLACE) {
    char* at = map(1, RW, PRIVATE);
    char* other = mmap(at, PAGE, RW, PRIVATE | flag, -1, 0);
    saw("%s", mapped(other));
    munmap(at, PAGE);
    saw("%s", mmap(at, PAGE, RW, PRIVATE | flag, -1, 0) == at ? "there" : "elsewhere");
}
EFFECT(mmap, MAP_32BIT) {
    char* at = map(1, RW, PRIVATE | flag);
    saw("%s", (unsigned long)at < 1ul << 31 ? "low" : "high");
}
EFFECT(mmap, MAP_GROWSDOWN) {
    char* hole = map(600, PROT_NONE, PRIVATE);
    munmap(hole, 600 * PAGE);
    char* at = mmap(hole + 500 * PAGE, PAGE, RW, PRIVATE | MAP_FIXED | flag, -1, 0);
    see_touch("below", at - 4, write_there);
}
EFFECT(mmap, MAP_NORESERVE) { saw("%s", mapped(mmap(NULL, 1ul << 44, RW, PRIVATE | flag, -1, 0))); }
SHARED_BODY(see_filling) {
    long const before = resident_pages();
    map(1000, RW, PRIVATE | flag | (flag == MAP_NONBLOCK ? MAP_POPULATE : 0));
    saw("%s", resident_pages() - before > 800 ? "there" : "to come");
}
EFFECT_BY(see_filling, mmap, MAP_POPULATE)
EFFECT(mmap, MAP_NONBLOCK) {
    long const before = resident_pages();
    map(1000, RW, PRIVATE | MAP_POPULATE | flag);
    saw("%s", resident_pages() - before > 800 ? "there" : "to come");
}
static long locked_kib(void) {
    char line[128];
    long kib = -1;
    FILE* file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file)) sscanf(line, "VmLck: %ld", &kib);
    fclose(file);
    return kib;
}
EFFECT(mmap, MAP_LOCKED) {
    struct rlimit const little = {4 * PAGE, 4 * PAGE};
    long const before = resident_pages();
    char* at = map(1000, RW, PRIVATE | flag);
    saw("%s, %ld KiB", resident_pages() - before > 800 ? "there" : "to come", locked_kib());
    saw("advice %s %s %s", result(madvise(at, PAGE, MADV_DONTNEED)), result(madvise(at, PAGE, MADV_FREE)), result(madvise(at, PAGE, MADV_COLD)));
    if (fork() == 0) {
        saw("child's %ld, %s", locked_kib(), result(madvise(at, PAGE, MADV_DONTNEED)));
        _exit(0);
    }
    wait(NULL);
    munmap(at, 1000 * PAGE);
    REQUIRE(setrlimit(RLIMIT_MEMLOCK, &little) == 0 && setresuid(1000, 1000, 1000) == 0);
    for (int pages = 1; pages <= 5; pages += 2) saw("%d %s", pages, mapped(mmap(NULL, pages * PAGE, RW, PRIVATE | flag, -1, 0)));
}
NO_EFFECT(mmap, MAP_DENYWRITE, "ignored since Linux 2.4")
NO_EFFECT(mmap, MAP_EXECUTABLE, "ignored since Linux 2.4")
NO_EFFECT(mmap, MAP_STACK, "a hint that does nothing on this machine")
EFFECT(mmap, PROT_READ) { see_touch("read", map(1, flag, PRIVATE), read_there); }
EFFECT(mmap, PROT_WRITE) { see_touch("write", map(1, flag, PRIVATE), write_there); }
EFFECT(mmap, PROT_EXEC) {
    char* at = map(1, RW, PRIVATE);
    *at = (char)0xc3;
    char* other = mmap(at, PAGE, RW | flag, PRIVATE | MAP_FIXED, -1, 0);
    *other = (char)0xc3;
    see_touch("run", other, run_there);
}

// ---------------------------------------------------------------- mprotect, mremap, madvise, msync

EFFECT(mprotect, PROT_READ) {
    char* at = map(1, PROT_NONE, PRIVATE);
    mprotect(at, PAGE, flag);
    see_touch("read", at, read_there);
}
EFFECT(mprotect, PROT_WRITE) {
    char* at = map(1, PROT_READ, PRIVATE);
    mprotect(at, PAGE, PROT_READ | flag);
    see_touch("write", at, write_there);
}
EFFECT(mprotect, PROT_EXEC) {
    char* at = map(1, RW, PRIVATE);
    *at = (char)0xc3;
    mprotect(at, PAGE, PROT_READ | flag);
    see_touch("run", at, run_there);
}
NO_EFFECT(mprotect, PROT_SEM, "memory has always had room for semaphores on this machine")
EFFECT(mprotect, PROT_GROWSDOWN) {
    char* hole = map(600, PROT_NONE, PRIVATE);
    munmap(hole, 600 * PAGE);
    char* at = mmap(hole + 500 * PAGE, 4 * PAGE, RW, PRIVATE | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    saw("%s", result(mprotect(at + 2 * PAGE, PAGE, PROT_READ | flag)));
    see_touch("lower page", at, write_there);
}
EFFECT(mremap, MREMAP_MAYMOVE) {
    char* at = map(2, RW, PRIVATE);
    mprotect(at + PAGE, PAGE, PROT_READ);
    saw("%s", mapped(mremap(at, PAGE, 2 * PAGE, flag)));
}
EFFECT(mremap, MREMAP_FIXED) {
    char* at = map(1, RW, PRIVATE);
    char* to = map(1, RW, PRIVATE);
    *at = 'x';
    saw("%s", mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | flag, to) == to ? "there" : "elsewhere");
    saw("%d", *to);
}
EFFECT(madvise, MADV_DONTNEED) {
    char* at = map(1, RW, PRIVATE);
    *at = 'x';
    if (on) saw("%s", result(madvise(at, PAGE, flag)));
    saw("%d", *at);
}
EFFECT(madvise, MADV_FREE) {   // when it takes pages is the kernel's affair; of what others have it is refused
    char* at = map(1, RW, MAP_SHARED | MAP_ANONYMOUS);
    saw("%s", result(madvise(at, PAGE, on ? (int)flag : MADV_NORMAL)));
    at = map(1, RW, PRIVATE);
    *at = 'x';
    if (on) saw("%s", result(madvise(at, PAGE, flag)));
    *at = 'y';
    saw("%c", *at);
}
/// A hint: nothing to see but that the bytes stay, and that what is not mapped is told.
SHARED_BODY(see_advice) {
    char* at = map(3, RW, PRIVATE);
    *at = 'x';
    munmap(at + PAGE, PAGE);
    if (on) saw("%s, %s", result(madvise(at, PAGE, flag)), result(madvise(at, 3 * PAGE, flag)));
    saw("%c", *at);
}
EFFECT_BY(see_advice, madvise, MADV_NORMAL)
EFFECT_BY(see_advice, madvise, MADV_RANDOM)
EFFECT_BY(see_advice, madvise, MADV_SEQUENTIAL)
EFFECT_BY(see_advice, madvise, MADV_WILLNEED)
EFFECT_BY(see_advice, madvise, MADV_HUGEPAGE)
EFFECT_BY(see_advice, madvise, MADV_NOHUGEPAGE)
EFFECT_BY(see_advice, madvise, MADV_DONTDUMP)
EFFECT_BY(see_advice, madvise, MADV_DODUMP)
EFFECT_BY(see_advice, madvise, MADV_COLD)
EFFECT(madvise, MADV_DONTNEED_LOCKED) {
    char* at = map(1, RW, PRIVATE | MAP_LOCKED);
    *at = 'x';
    saw("%s", result(madvise(at, PAGE, on ? (int)flag : MADV_DONTNEED)));
    saw("%d, %ld KiB", *at, locked_kib());
}
EFFECT(mlock2, MLOCK_ONFAULT) {
    char* at = map(1000, RW, PRIVATE);
    long const before = resident_pages();
    saw("%s", result(syscall(SYS_mlock2, at, 1000 * PAGE, flag)));
    saw("%s, %ld KiB", resident_pages() - before > 800 ? "there" : "to come", locked_kib());
}
/// What there was and what comes later: is it locked, and is it there?
SHARED_BODY(see_all_locked) {
    char* before = map(1000, RW, PRIVATE);
    long resident = resident_pages();
    if (on) saw("%s", result(syscall(SYS_mlockall, flag == MCL_ONFAULT ? MCL_CURRENT | MCL_FUTURE | flag : flag)));
    else if (flag == MCL_ONFAULT) saw("%s", result(syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE)));
    saw("before: %s, %s", resident_pages() - resident > 800 ? "there" : "to come", result(madvise(before, PAGE, MADV_DONTNEED)));
    resident = resident_pages();
    char* after = map(1000, RW, PRIVATE);
    saw("after: %s, %s", resident_pages() - resident > 800 ? "there" : "to come", result(madvise(after, PAGE, MADV_DONTNEED)));
    munlockall();
    saw("%ld", locked_kib());
}
EFFECT_BY(see_all_locked, mlockall, MCL_CURRENT)
EFFECT_BY(see_all_locked, mlockall, MCL_FUTURE)
EFFECT_BY(see_all_locked, mlockall, MCL_ONFAULT)
static char* file_mapping(void) {
    int fd = syscall(SYS_memfd_create, "a", 0);
    REQUIRE(ftruncate(fd, PAGE) == 0);
    return mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
}
EFFECT(msync, MS_SYNC) { saw("%s", result(msync(file_mapping(), PAGE, MS_ASYNC | flag))); }   // not both; files are nowhere else
EFFECT(msync, MS_ASYNC) { saw("%s", result(msync(file_mapping(), PAGE, MS_SYNC | flag))); }
EFFECT(msync, MS_INVALIDATE) {
    char* at = mmap(NULL, PAGE, RW, PRIVATE | MAP_LOCKED, -1, 0);
    saw("%s", result(msync(at, PAGE, flag)));
    saw("%s", result(msync(file_mapping(), PAGE, flag)));
}

// ---------------------------------------------------------------- futex

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET, LOCK_PI2 = 13 };
#ifndef FUTEX_OP_SET
enum { FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR, FUTEX_OP_OPARG_SHIFT = 8 };
enum { FUTEX_OP_CMP_EQ, FUTEX_OP_CMP_NE, FUTEX_OP_CMP_LT, FUTEX_OP_CMP_LE, FUTEX_OP_CMP_GT, FUTEX_OP_CMP_GE };
#endif
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
static unsigned* words;
static long futex(unsigned* word, int operation, unsigned value, void const* timeout, unsigned* other, unsigned last) {
    return syscall(SYS_futex, word, operation, value, timeout, other, last);
}
static void make_words(void) {
    words = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(words != MAP_FAILED);
}
/// A child that waits at words[0] with these bits; it ends with 1 if it is woken.
static pid_t sleeper(unsigned bits) {
    pid_t child = forked();
    if (child == 0) _exit(futex(&words[0], WAIT_BITSET, 0, NULL, NULL, bits) == 0);
    await_state(child, "S");
    return child;
}
static void see_sleeper(pid_t child) {
    int status = 0, ended = 0;
    UNTIL(ended || (ended = waitpid(child, &status, WNOHANG) == child));
    saw("%s", ended && ended_with(status, 1) ? "woken" : ended ? "failed" : "asleep");
    kill(child, SIGKILL);
}
SHARED_BODY(see_futex_wait) {
    make_words();
    do_not_wait();
    if (on) saw("%s, %s", result(futex(words, flag, 1, NULL, NULL, ~0u)), result(futex(words, flag, 0, NULL, NULL, ~0u)));
    struct timespec const soon = {0, 1000000};
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    if (on) saw("%s", result(futex(words, flag, 0, &soon, NULL, ~0u)));   // long ago, or a millisecond
}
EFFECT(futex, FUTEX_WAIT) { see_futex_wait(call_name, WAIT, on); }
EFFECT(futex, FUTEX_WAIT_BITSET) { see_futex_wait(call_name, WAIT_BITSET, on); }
SHARED_BODY(see_futex_wake) {
    make_words();
    pid_t child = sleeper(2);
    if (on) saw("other bits %s", result(futex(words, flag, 1, NULL, NULL, 4)));
    if (on) saw("%s", result(futex(words, flag, 1, NULL, NULL, 2)));
    see_sleeper(child);
}
EFFECT(futex, FUTEX_WAKE) { see_futex_wake(call_name, WAKE, on); }
EFFECT(futex, FUTEX_WAKE_BITSET) { see_futex_wake(call_name, WAKE_BITSET, on); }
static void see_requeue(int operation, int on) {
    make_words();
    pid_t child = sleeper(~0u);
    if (on) saw("%s", result(futex(words, operation, 0, (void*)1, &words[4], 9)));
    if (on) saw("%s", result(futex(words, operation, 0, (void*)1, &words[4], 0)));
    saw("%s here", result(futex(words, WAKE, 1, NULL, NULL, 0)));
    saw("%s there", result(futex(&words[4], WAKE, 1, NULL, NULL, 0)));
    see_sleeper(child);
}
EFFECT(futex, FUTEX_REQUEUE) { see_requeue(REQUEUE, on); }
EFFECT(futex, FUTEX_CMP_REQUEUE) { see_requeue(CMP_REQUEUE, on); }
EFFECT(futex, FUTEX_WAKE_OP) {
    make_words();
    pid_t child = sleeper(~0u);
    if (on) saw("%s", result(futex(&words[4], WAKE_OP, 1, (void*)1, words, 7 << 12)));   // words[0] = 7; wake if it was 0
    saw("%u", words[0]);
    see_sleeper(child);
}
/// The operation on a word that is 12, its argument 10 or a shift of 1; the comparison of 12 with 12 or 5.
static void see_word_operation(int on, unsigned operation, unsigned comparison, unsigned right) {
    make_words();
    words[0] = 12;
    if (on) saw("%s", result(futex(&words[4], WAKE_OP, 1, (void*)1, words, operation << 28 | comparison << 24 | 10u << 12 | right)));
    saw("%u", words[0]);
}
EFFECT(futex, FUTEX_OP_SET) { see_word_operation(on, flag, 0, 5); }
EFFECT(futex, FUTEX_OP_ADD) { see_word_operation(on, flag, 0, 5); }
EFFECT(futex, FUTEX_OP_OR) { see_word_operation(on, flag, 0, 5); }
EFFECT(futex, FUTEX_OP_ANDN) { see_word_operation(on, flag, 0, 5); }
EFFECT(futex, FUTEX_OP_XOR) { see_word_operation(on, flag, 0, 5); }
EFFECT(futex, FUTEX_OP_OPARG_SHIFT) { see_word_operation(on, flag | FUTEX_OP_ADD, 0, 5); }
/// Whether words[0], which is 12, compares with 5, 12 and 20, by whether the one who waits at it is woken.
static void see_comparison(int on, unsigned comparison) {
    static unsigned const rights[] = {5, 12, 20};
    for (int i = 0; i < 3 && on; ++i) {
        make_words();
        pid_t child = forked();
        words[0] = 12;
        if (child == 0) _exit(futex(words, WAIT, 12, NULL, NULL, 0) == 0);
        await_state(child, "S");
        saw("%s", result(futex(&words[4], WAKE_OP, 1, (void*)1, words, FUTEX_OP_ADD << 28 | comparison << 24 | 1 << 12 | rights[i])));
        kill(child, SIGKILL);
    }
}
EFFECT(futex, FUTEX_OP_CMP_EQ) { see_comparison(on, flag); }
EFFECT(futex, FUTEX_OP_CMP_NE) { see_comparison(on, flag); }
EFFECT(futex, FUTEX_OP_CMP_LT) { see_comparison(on, flag); }
EFFECT(futex, FUTEX_OP_CMP_LE) { see_comparison(on, flag); }
EFFECT(futex, FUTEX_OP_CMP_GT) { see_comparison(on, flag); }
EFFECT(futex, FUTEX_OP_CMP_GE) { see_comparison(on, flag); }
static char const* owner_of(unsigned word) { return !word ? "nobody" : (int)(word & 0x3fffffff) == getpid() ? "this thread" : "another"; }
static void see_pi(int operation, int on) {
    make_words();
    if (on) saw("%s", result(futex(words, operation, 0, NULL, NULL, 0)));
    saw("%s", owner_of(words[0]));
    pid_t child = forked();
    if (child == 0) {
        do_not_wait();
        struct timespec const past = {1, 0};
        saw("other %s", result(futex(words, operation == UNLOCK_PI ? TRYLOCK_PI : operation, 0, &past, NULL, 0)));
        _exit(0);
    }
    wait_for(child);
}
EFFECT(futex, FUTEX_LOCK_PI) { if (on) see_pi(LOCK_PI, on); }
EFFECT(futex, FUTEX_LOCK_PI2) { if (on) see_pi(LOCK_PI2, on); }
EFFECT(futex, FUTEX_TRYLOCK_PI) { if (on) see_pi(TRYLOCK_PI, on); }
EFFECT(futex, FUTEX_UNLOCK_PI) {
    make_words();
    futex(words, LOCK_PI, 0, NULL, NULL, 0);
    if (on) saw("%s", result(futex(words, UNLOCK_PI, 0, NULL, NULL, 0)));
    saw("%s", owner_of(words[0]));
}
/// One process's futexes are not those of another who maps the same page.
EFFECT(futex, FUTEX_PRIVATE_FLAG) {
    make_words();
    pid_t child = sleeper(~0u);
    saw("%s", result(futex(words, WAKE | flag, 1, NULL, NULL, 0)));
    kill(child, SIGKILL);
}
EFFECT(futex, FUTEX_CLOCK_REALTIME) {
    make_words();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    do_not_wait();
    saw("%s", result(futex(words, WAIT_BITSET | flag, 0, &now, NULL, ~0u)));
}
