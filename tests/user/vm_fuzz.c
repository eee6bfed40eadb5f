// SPDX-License-Identifier: MIT
// Random calls of the mmap family in a window of 48 pages, over private and shared memory, a file that is truncated and written
// to, a file that is sealed, a System V segment and memory that grows down, with children that look and write. What each call
// returns, what /proc/self/maps shows, and what each page holds (or which signal it gives) goes into one number a seed, which
// must be the same on Linux. The seed says everything: `vm_fuzz FIRST COUNT STEPS` prints each step (tools/vmfuzz).
#include "test.h"

#include <setjmp.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define WINDOW 0x20000000UL   // where no program and no library lies
enum { PAGES = 48, MARGIN = 16, FILE_PAGES = 20, SEGMENT_PAGES = 6, LOOK_EVERY = 8 };

static int verbose;
/// What later versions do otherwise, too: memory that grows down among neighbours, and what a mremap that fails has unmapped.
/// tools/vmfuzz compares with 6.1.
static int as_6_1;
static uint64_t digest, state;
static int file, read_only_file, sealed_file, segment;
static uint64_t* from_child;

static void note(char const* format, ...) __attribute__((format(printf, 1, 2)));
static void note(char const* format, ...) {
    char line[600];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int i = 0; i < length; ++i) digest = (digest ^ (unsigned char)line[i]) * 0x100000001b3u;   // FNV-1a
    if (verbose) say("%s", line);
}

static unsigned pick(unsigned limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % limit;
}

static sigjmp_buf after_fault;
static void on_fault(int number, siginfo_t* info, void* context) {
    (void)context;
    siglongjmp(after_fault, number * 10 + info->si_code);
}

/// What the byte holds, or -(signal * 10 + code).
static int look(unsigned long at) {
    int const fault = sigsetjmp(after_fault, 0);
    return fault ? -fault : *(unsigned char volatile*)at;
}
static int put(unsigned long at, int value) {
    int const fault = sigsetjmp(after_fault, 0);
    if (fault) return -fault;
    *(unsigned char volatile*)at = (unsigned char)value;
    return value;
}

/// Runs of the window with equal rights, however many VMAs they are.
static void note_maps(void) {
    static char text[65536];
    int maps = open("/proc/self/maps", O_RDONLY);
    size_t length = 0;
    for (ssize_t count; (count = read(maps, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)count;
    close(maps);
    text[length] = 0;
    unsigned long run_start = 0, run_end = 0;
    char run_rights[8] = "";
    for (char* line = text; *line;) {
        unsigned long start, end;
        char rights[8];
        int const known = sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3;
        char* next = strchr(line, '\n');
        line = next ? next + 1 : line + strlen(line);
        if (!known || end <= WINDOW - MARGIN * PAGE || start >= WINDOW + (PAGES + MARGIN) * PAGE) continue;
        if (run_end == start && !strcmp(run_rights, rights)) {
            run_end = end;
            continue;
        }
        if (run_end) note("  %lx-%lx %s\n", run_start, run_end, run_rights);
        run_start = start, run_end = end;
        strcpy(run_rights, rights);
    }
    if (run_end) note("  %lx-%lx %s\n", run_start, run_end, run_rights);
}

static void note_pages(void) {
    for (int i = 0; i < PAGES; ++i) note("%d%c", look(WINDOW + (unsigned long)i * PAGE), i % 24 == 23 ? '\n' : ' ');
}

static void note_file(int descriptor) {
    struct stat status;
    fstat(descriptor, &status);
    note("  file %ld:", (long)status.st_size);
    for (off_t at = 0; at < status.st_size; at += PAGE) {
        unsigned char byte = 0;
        ssize_t const count = pread(descriptor, &byte, 1, at);
        note(" %zd/%d", count, byte);
    }
    note("\n");
}

static long child_looks(unsigned long at, unsigned pages) {
    pid_t const child = fork();
    if (child == 0) {
        verbose = 0;
        digest = 0;
        note_pages();
        for (unsigned i = 0; i < pages; ++i) put(at + i * PAGE, 7);
        note_pages();
        *from_child = digest;
        _exit(0);
    }
    int const status = wait_for(child);
    note("  child %016lx\n", (unsigned long)*from_child);
    return status;
}

static int random_rights(void) {
    unsigned rights = pick(8);
    if ((rights & 5) == 4 || rights == 6) rights |= 1;   // not all CPUs can execute without reading
    return (int)rights;
}

static long map_at(unsigned long at, unsigned pages, int rights, int flags, int descriptor, unsigned page) {
    return (long)mmap((void*)at, pages * (unsigned long)PAGE, rights, flags, descriptor, (off_t)page * PAGE);
}

/// The kernel may choose any place: what was moved is looked at, and goes.
static long move_somewhere(unsigned long at, unsigned long old_size, unsigned long new_size) {
    unsigned long const place = (unsigned long)mremap((void*)at, old_size, new_size, MREMAP_MAYMOVE);
    if (place == (unsigned long)MAP_FAILED || place == at) return (long)place;
    note("  elsewhere %d %d\n", look(place), look(place + new_size - 1));
    munmap((void*)place, new_size);
    return 1;
}

static long step(unsigned kind, unsigned long at, unsigned pages, int rights) {
    unsigned long const size = pages * (unsigned long)PAGE, other = WINDOW + pick(PAGES) * (unsigned long)PAGE;
    unsigned const others = 1 + pick(10);
    switch (kind) {
    case 0: return map_at(at, pages, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (pick(4) ? 0 : MAP_POPULATE), -1, 0);
    case 1: case 2: return map_at(at, pages, rights, (pick(2) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED | (pick(4) ? 0 : MAP_POPULATE), pick(3) ? file : read_only_file, pick(FILE_PAGES + 2));
    case 3: return map_at(at, pages, rights, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    case 4: return map_at(at, pages, rights, (pick(3) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, sealed_file, pick(5));
    case 5: return map_at(at, pages, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    case 6: return map_at(at, 1 + pick(3), rights, MAP_PRIVATE | MAP_ANONYMOUS | (as_6_1 ? MAP_GROWSDOWN : 0) | MAP_FIXED, -1, 0);
    case 7: return munmap((void*)at, size - pick(PAGE));
    case 8: case 9: return syscall(SYS_mprotect, at, size - pick(PAGE), rights);
    case 10: return madvise((void*)at, size - (pick(3) ? 0 : pick(PAGE)), pick(2) ? MADV_DONTNEED : pick(3) ? MADV_NORMAL : MADV_SEQUENTIAL);
    case 11: return (long)mremap((void*)at, pick(8) ? PAGE : pick(2) || !as_6_1 ? PAGE - 1 : 0, others * PAGE - pick(100), MREMAP_MAYMOVE | MREMAP_FIXED, (void*)other);
    case 12: return (long)mremap((void*)at, pick(6) ? PAGE - pick(100) : size, others * PAGE, 0);
    case 13: return move_somewhere(at, pick(6) ? PAGE : 0, others * (unsigned long)PAGE);
    case 14: case 15: case 16: {
        long sum = 0;
        for (unsigned i = 0; i < pages; ++i) sum += put(at + i * PAGE + pick(4), 1 + (int)pick(200));
        return sum;
    }
    case 17: return child_looks(at, pages);
    case 18: return msync((void*)at, size, (int)pick(8));
    case 19: {
        // A whole number of pages, or half a page more: bytes beyond the end of a file are nobody's.
        long const result = ftruncate(file, pick(FILE_PAGES + 3) * PAGE + (pick(3) ? 0 : PAGE / 2));
        note_file(file);
        return result;
    }
    case 20: {
        long const result = pwrite(file, "fuzz", 1 + pick(4), pick(FILE_PAGES) * PAGE);
        note_file(file);
        return result;
    }
    case 21: return fcntl(sealed_file, F_ADD_SEALS, pick(3) ? F_SEAL_GROW : pick(2) ? F_SEAL_SHRINK : F_SEAL_WRITE);
    case 22: return ftruncate(sealed_file, pick(6) * PAGE);
    case 23: return (long)shmat(segment, (void*)(at + (pick(4) ? 0 : pick(PAGE))), (pick(2) ? SHM_REMAP : 0) | (pick(3) ? 0 : SHM_RDONLY) | (pick(4) ? 0 : SHM_RND));
    case 24: return shmdt((void*)at);
    case 25: return pread(file, (void*)(at + pick(4)), 1, pick(FILE_PAGES) * PAGE);
    case 26: return look(at - PAGE) + look(at + size);
    default: return open(pick(2) ? "/proc/self/fd/-1" : (char*)at, O_RDONLY) < 0 ? -errno : 0;   // a string from anywhere
    }
}
enum { KINDS = 28 };

static void clear_window(void) {
    // A segment that lies below may have come with an attachment, so everything goes.
    munmap((void*)(WINDOW - MARGIN * PAGE), (PAGES + 2 * MARGIN) * (unsigned long)PAGE);
}

static void run_seed(unsigned seed, unsigned steps) {
    digest = 0xcbf29ce484222325u;
    state = seed * 77777777ull + 1;
    clear_window();
    file = memfd_create("file", 0);
    sealed_file = memfd_create("sealed", MFD_ALLOW_SEALING);
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    read_only_file = open(name, O_RDONLY);
    segment = shmget(IPC_PRIVATE, SEGMENT_PAGES * PAGE, 0600);
    void* const held = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    REQUIRE(file >= 0 && read_only_file >= 0 && sealed_file >= 0 && held != (void*)-1);
    REQUIRE(ftruncate(sealed_file, 3 * PAGE) == 0);
    for (int i = 0; i < FILE_PAGES; ++i) REQUIRE(pwrite(file, &(char){(char)('a' + i)}, 1, i * PAGE) == 1);
    REQUIRE(ftruncate(file, FILE_PAGES * PAGE) == 0);
    for (unsigned i = 0; i < steps; ++i) {
        unsigned const page = pick(PAGES), wanted = 1 + pick(pick(4) ? 6 : 20), pages = wanted < PAGES - page ? wanted : PAGES - page;
        unsigned const kind = pick(KINDS);
        int const rights = random_rights();
        errno = 0;
        long const result = step(kind, WINDOW + page * (unsigned long)PAGE, pages, rights);
        // Which of several things that are wrong mremap names has changed from one Linux to the next, and so has what it does
        // with a range of several mappings: it is given one page, or none, of what it moves.
        int const error = result == -1 && (kind < 11 || kind > 13) ? errno : 0;
        note("%u: kind %u %u+%u rights %d = %ld error %d\n", i, kind, page, pages, rights, result, error);
        if (i % LOOK_EVERY != LOOK_EVERY - 1) continue;
        note_maps();
        note_pages();
    }
    note_file(sealed_file);
    clear_window();
    shmdt(held);
    close(file), close(read_only_file), close(sealed_file);
}

static void run_seeds(unsigned first, unsigned count, unsigned steps) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    from_child = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(from_child != MAP_FAILED);
    for (unsigned seed = first; seed < first + count; ++seed) {
        run_seed(seed, steps);
        say("seed %u: %016lx\n", seed, (unsigned long)digest);
    }
}

void when_executed(int argument_count, char** arguments) {
    if (argument_count < 4) return;
    verbose = argument_count > 4;
    as_6_1 = 1;
    run_seeds((unsigned)atoi(arguments[1]), (unsigned)atoi(arguments[2]), (unsigned)atoi(arguments[3]));
    _exit(0);
}

TEST(random_calls_do_as_on_linux) { run_seeds(1, 150, 150); }
