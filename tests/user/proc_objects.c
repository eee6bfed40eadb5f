// SPDX-License-Identifier: MIT
// /proc/PID is a process and not a number: what is opened there speaks of this one or of none. Its threads, its files that can be written,
// and what getrusage and the clocks of CPU time say of it.
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { ALICE = 1234 };

static char const* name_of(int number) {
    return number == ESRCH ? "ESRCH" : number == ENOENT ? "ENOENT" : number == EACCES ? "EACCES" : number == EINVAL ? "EINVAL" :
           number == EPERM ? "EPERM" : number == EBADF ? "EBADF" : number == EOPNOTSUPP ? "EOPNOTSUPP" : "another errno";
}
#define TELL(call)                                                                    \
    do {                                                                              \
        errno = 0;                                                                    \
        long result_ = (long)(call);                                                  \
        say("%s: %s\n", #call, result_ >= 0 ? "ok" : name_of(errno));                 \
    } while (0)

static char text[4096];
static ssize_t read_file(char const* path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -1;
    ssize_t got = read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    close(fd);
    return got;
}
static long write_file(char const* path, char const* what) {
    int fd = open(path, O_WRONLY);
    if (fd < 0) return -1;
    long done = write(fd, what, strlen(what)), error = errno;
    close(fd);
    errno = (int)error;
    return done;
}

TEST(of_a_process_that_is_gone) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        _exit(read(ends[0], &byte, 1) != 1);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", child);
    int at = open(path, O_RDONLY | O_DIRECTORY), task = openat(at, "task", O_RDONLY | O_DIRECTORY), fds = openat(at, "fd", O_RDONLY | O_DIRECTORY);
    static char const* const names[] = {"stat", "status", "statm", "cmdline", "comm", "limits", "oom_score_adj", "maps", "environ"};
    enum { COUNT = sizeof names / sizeof *names };
    int files[COUNT], read_before = openat(at, "stat", O_RDONLY);
    for (int i = 0; i < COUNT; ++i) CHECK((files[i] = openat(at, names[i], O_RDONLY)) >= 0);
    CHECK(at >= 0 && task >= 0 && fds >= 0 && read(read_before, text, 4) == 4);
    CHECK(write(ends[1], "x", 1) == 1);
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    CHECK(pread(files[0], text, 100, 0) > 0 && strstr(text, ") Z "));       // a zombie is still there
    CHECK(wait_for(child) == 0);
    TELL(openat(at, "stat", O_RDONLY));
    TELL(openat(at, "nothing", O_RDONLY));
    TELL(openat(at, "task", O_RDONLY));
    TELL(openat(task, "1", O_RDONLY));
    TELL(openat(fds, "0", O_RDONLY));
    TELL(faccessat(at, "exe", F_OK, 0));
    TELL(syscall(SYS_pidfd_send_signal, at, 0, NULL, 0));
    struct stat status;
    TELL(fstat(at, &status));
    for (int i = 0; i < COUNT; ++i) {
        errno = 0;
        ssize_t got = read(files[i], text, 10);
        say("read of %s: %ld %s\n", names[i], (long)got, got < 0 ? name_of(errno) : "");
    }
    errno = 0;
    TELL(pread(read_before, text, 10, 0));
}

static int volatile go, thread_id;
static void* other_thread(void* unused) {
    thread_id = (int)syscall(SYS_gettid);
    prctl(PR_SET_NAME, "other");
    go = 1;
    while (go != 2) sched_yield();
    return unused;
}
static long number_after(char const* label) {
    char const* at = strstr(text, label);
    return at ? atol(at + strlen(label)) : -1;
}

TEST(threads) {
    pthread_t thread;
    go = 0;
    REQUIRE(pthread_create(&thread, NULL, other_thread, NULL) == 0);
    while (go != 1) sched_yield();
    int count = 0, known = 0, own = 0;
    DIR* directory = opendir("/proc/self/task");
    REQUIRE(directory != NULL);
    for (struct dirent* entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        ++count;
        known += atoi(entry->d_name) == thread_id;
        own += atoi(entry->d_name) == getpid();
    }
    closedir(directory);
    say("threads %d, the other %d, the first %d\n", count, known, own);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread_id);
    CHECK(read_file(path) > 0);
    CHECK(number_after("Tgid:\t") == getpid() && number_after("Pid:\t") == thread_id && number_after("Threads:\t") == 2 && !strncmp(text, "Name:\tother\n", 12));
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
    CHECK(read_file(path) > 0 && atoi(text) == thread_id && strstr(text, " (other) "));
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread_id);
    CHECK(write_file(path, "another name that is too long") > 0);
    CHECK(read_file(path) > 0);
    say("comm of the other: %s", text);
    CHECK(write_file("/proc/self/comm", "first") > 0 && read_file("/proc/self/comm") == 6 && !strcmp(text, "first\n"));
    CHECK(read_file("/proc/thread-self/status") > 0 && number_after("Pid:\t") == syscall(SYS_gettid));
    CHECK(readlink("/proc/thread-self", text, sizeof text) > 0);
    snprintf(path, sizeof path, "%d/task/%d", getpid(), getpid());
    CHECK(!strncmp(text, path, strlen(path)));
    TELL(access("/proc/1/task/1/stat", F_OK));
    snprintf(path, sizeof path, "/proc/1/task/%d", thread_id);
    TELL(access(path, F_OK));                    // it is no thread of that process
    snprintf(path, sizeof path, "/proc/self/task/%d", thread_id);
    int at = open(path, O_RDONLY | O_DIRECTORY), comm = openat(at, "comm", O_RDONLY);
    CHECK(at >= 0 && comm >= 0);
    go = 2;
    pthread_join(thread, NULL);
    sleep_ms(20);
    TELL(access(path, F_OK));
    TELL(openat(at, "comm", O_RDONLY));
    TELL(read(comm, text, 10));
    pid_t child = fork();
    if (child == 0) {
        snprintf(path, sizeof path, "/proc/%d/comm", getppid());
        TELL(write_file(path, "x"));             // only its own
        _exit(0);
    }
    CHECK(wait_for(child) == 0);
}

TEST(oom_score_adj) {
    char const* const path = "/proc/self/oom_score_adj";
    static char const* const values[] = {"5", "1000", "1001", "-1001", "x", " 7 \n", "0x10", "010", "5 5", "99999999999"};
    for (unsigned i = 0; i < sizeof values / sizeof *values; ++i) {
        errno = 0;
        long done = write_file(path, values[i]);
        say("write \"%s\": %s, now ", values[i][0] == ' ' ? " 7 " : values[i], done >= 0 ? "ok" : errno == ERANGE ? "EINVAL" : name_of(errno));
        CHECK(read_file(path) > 0);
        say("%s", text);
    }
    CHECK(write_file(path, "0") == 1);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setresuid(ALICE, ALICE, ALICE) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
        TELL(write_file("/proc/self/oom_score_adj", "400"));
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(read_file("/proc/self/oom_score_adj") < 0 || strcmp(text, "400\n"));
        CHECK(wait_for(grandchild) == 0);
        TELL(write_file("/proc/self/oom_score_adj", "100"));
        TELL(write_file("/proc/self/oom_score_adj", "0"));
        TELL(write_file("/proc/self/oom_score_adj", "-1"));
        TELL(write_file("/proc/1/oom_score_adj", "500"));
        _exit(failures != 0);
    }
    CHECK(wait_for(child) == 0);
    CHECK(read_file("/proc/self/oom_score") > 0);
    long before = atol(text);
    CHECK(write_file(path, "600") == 3 && read_file("/proc/self/oom_score") > 0);
    CHECK(before > 0 && atol(text) > before + 150);
    CHECK(write_file(path, "0") == 1);
}

TEST(pidfd_of_a_directory) {
    char path[64];
    pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    snprintf(path, sizeof path, "/proc/%d", child);
    int at = open(path, O_RDONLY | O_DIRECTORY), task = openat(at, "task", O_RDONLY), file = openat(at, "stat", O_RDONLY), root = open("/proc", O_RDONLY);
    TELL(syscall(SYS_pidfd_send_signal, at, 0, NULL, 0));
    TELL(syscall(SYS_pidfd_send_signal, task, 0, NULL, 0));
    TELL(syscall(SYS_pidfd_send_signal, file, 0, NULL, 0));
    TELL(syscall(SYS_pidfd_send_signal, root, 0, NULL, 0));
    TELL(syscall(SYS_pidfd_send_signal, open(path, O_PATH), 0, NULL, 0));
    CHECK(syscall(SYS_pidfd_send_signal, at, SIGKILL, NULL, 0) == 0);
    CHECK(killed_by(wait_for(child), SIGKILL));
}

static long in_ns(clockid_t clock) {
    struct timespec time = {-1, 0};
    if (syscall(SYS_clock_gettime, clock, &time) != 0) return -1;
    return time.tv_sec * 1000000000 + time.tv_nsec;
}
static clockid_t clock_of(int id, int bits) { return (int)((unsigned)~id << 3 | bits); }
enum { PROF, VIRT, SCHED, THREAD = 4 };

static void* clocks_of_thread(void* unused) {
    thread_id = (int)syscall(SYS_gettid);
    long begin = in_ns(CLOCK_THREAD_CPUTIME_ID);
    while (in_ns(CLOCK_THREAD_CPUTIME_ID) < begin + 3000000) { }
    CHECK(in_ns(clock_of(thread_id, SCHED)) > 0);          // a thread names its process by its own number, too
    go = 1;
    while (go != 2) sched_yield();
    return unused;
}

TEST(cpu_clocks) {
    int pid = getpid();
    static int const kinds[] = {PROF, VIRT, SCHED, PROF | THREAD, VIRT | THREAD, SCHED | THREAD, 3, 7};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        errno = 0;
        struct timespec resolution = {0, 0}, time = {0, 1};
        say("kind %d: own %d, by number %d, init's %d, nobody's %d", kinds[i], in_ns(clock_of(0, kinds[i])) >= 0, in_ns(clock_of(pid, kinds[i])) >= 0,
            in_ns(clock_of(1, kinds[i])) >= 0, in_ns(clock_of(999999, kinds[i])) >= 0);
        long got = syscall(SYS_clock_getres, clock_of(0, kinds[i]), &resolution);
        say(", getres %ld %s", got, got ? name_of(errno) : resolution.tv_nsec == 1 ? "1 ns" : "a tick");
        errno = 0;
        got = syscall(SYS_clock_settime, clock_of(0, kinds[i]), &time);
        say(", settime %ld %s\n", got, name_of(errno));
    }
    CHECK(in_ns(-6) <= in_ns(CLOCK_PROCESS_CPUTIME_ID) && in_ns(CLOCK_PROCESS_CPUTIME_ID) <= in_ns(clock_of(pid, SCHED)));
    CHECK(in_ns(-2) <= in_ns(CLOCK_THREAD_CPUTIME_ID) && in_ns(CLOCK_THREAD_CPUTIME_ID) <= in_ns(clock_of(pid, SCHED | THREAD)));
    pthread_t thread;
    go = 0;
    REQUIRE(pthread_create(&thread, NULL, clocks_of_thread, NULL) == 0);
    while (go != 1) sched_yield();
    long its = in_ns(clock_of(thread_id, SCHED | THREAD));
    CHECK(its >= 3000000 && its <= in_ns(-6));
    CHECK(in_ns(clock_of(thread_id, SCHED)) == -1);
    go = 2;
    pthread_join(thread, NULL);
    struct sigevent quiet = {.sigev_notify = SIGEV_NONE};
    int id;
    for (unsigned i = 0; i < 2; ++i) {
        clockid_t clock = i ? clock_of(0, SCHED | THREAD) : clock_of(0, SCHED);
        CHECK(syscall(SYS_timer_create, clock, &quiet, &id) == 0 && syscall(SYS_timer_delete, id) == 0);
        clock = i ? clock_of(pid, SCHED | THREAD) : clock_of(pid, SCHED);
        CHECK(syscall(SYS_timer_create, clock, &quiet, &id) == 0 && syscall(SYS_timer_delete, id) == 0);
    }
    TELL(syscall(SYS_timer_create, clock_of(999999, SCHED), &quiet, &id));
    TELL(syscall(SYS_timer_create, clock_of(0, 3), &quiet, &id));
    struct timespec ns = {0, 1};
    TELL(syscall(SYS_clock_nanosleep, clock_of(0, SCHED | THREAD), 0, &ns, NULL));
    TELL(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ns, NULL));
    TELL(syscall(SYS_clock_nanosleep, clock_of(0, 3), 0, &ns, NULL));
}

static void touch(long mib) {
    char* memory = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    for (long i = 0; i < mib << 20; i += PAGE) memory[i] = 1;
    CHECK(munmap(memory, mib << 20) == 0);
}
TEST(usage) {
    struct rusage usage, before;
    getrusage(RUSAGE_SELF, &before);
    touch(8);
    getrusage(RUSAGE_SELF, &usage);
    CHECK(usage.ru_maxrss >= 7600 && usage.ru_maxrss < 8192 + 8192 && usage.ru_minflt - before.ru_minflt >= 2048 && usage.ru_majflt == 0);
    CHECK(read_file("/proc/self/status") > 0 && number_after("VmHWM:") >= 7600 && number_after("VmRSS:") < 7600);
    pid_t child = fork();
    if (child == 0) {
        getrusage(RUSAGE_SELF, &usage);
        CHECK(usage.ru_maxrss < 7600);           // fork begins anew
        touch(16);
        for (int i = 0; i < 10; ++i) sleep_ms(5);
        _exit(failures != 0);
    }
    int status = -1;
    CHECK(wait4(child, &status, 0, &usage) == child && status == 0);
    CHECK(usage.ru_maxrss >= 15800 && usage.ru_maxrss < 16384 + 8192 && usage.ru_minflt >= 4096 && usage.ru_nvcsw >= 5);
    getrusage(RUSAGE_CHILDREN, &usage);
    CHECK(usage.ru_maxrss >= 15800 && usage.ru_minflt >= 4096 && usage.ru_nvcsw >= 5);
    getrusage(RUSAGE_THREAD, &usage);
    CHECK(usage.ru_maxrss >= 7600 && usage.ru_minflt >= 2048);
    CHECK(read_file("/proc/self/stat") > 0);
    char const* at = strrchr(text, ')');
    unsigned long minor, of_children;
    CHECK(at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %lu %lu", &minor, &of_children) == 2 && minor >= 2048 && of_children >= 4096);
    // exec keeps what there was.
    child = fork();
    if (child == 0) {
        touch(6);
        execl("/proc/self/exe", "proc_objects", "--usage", (char*)NULL);
        _exit(9);
    }
    CHECK(wait_for(child) == 0);
}

void when_executed(int argument_count, char** words) {
    if (argument_count < 2 || strcmp(words[1], "--usage")) return;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    _exit(usage.ru_maxrss < 5600 || usage.ru_minflt < 1536);   // Linux counts pages a few dozen at a time
}

static void* change_limits(void* stack) {
    while (go == 0) sched_yield();
    for (int i = 0; i < 3000; ++i) {
        struct rlimit limit = {(rlim_t)(stack ? 1 << 30 : 2 << 30), RLIM_INFINITY};
        setrlimit(RLIMIT_AS, &limit);
    }
    return NULL;
}
TEST(limit_is_the_last_in_both) {
    // What prlimit says last is what holds for the memory.
    int wrong = 0;
    for (int round = 0; round < 8; ++round) {
        pthread_t one, two;
        struct rlimit limit;
        go = 0;
        REQUIRE(pthread_create(&one, NULL, change_limits, NULL) == 0 && pthread_create(&two, NULL, change_limits, &limit) == 0);
        go = 1;
        pthread_join(one, NULL);
        pthread_join(two, NULL);
        getrlimit(RLIMIT_AS, &limit);
        void* memory = mmap(NULL, 1400l << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        wrong += (memory != MAP_FAILED) != (limit.rlim_cur > 1 << 30);
        if (memory != MAP_FAILED) munmap(memory, 1400l << 20);
    }
    SHOW(wrong);
}
