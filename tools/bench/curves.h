// Curves: what an operation costs beside N things that a program chooses the number of, for N = 10, 100, 1000 and where that
// is possible 10000. Flat is good. Each figure is named curve_NAME_N; `curve_*` asks for them, they are not among all.

enum { MOST = 10000 };
static const int sizes[] = { 10, 100, 1000, MOST };

// Calls set_up(N), then measure(n) for each N up to `most`, which emits under the suffix _N.
static char suffix[16];
static int curve(long n, int most, int (*set_up)(int from, int to), int (*measure)(long n, int size))
{
    for (unsigned i = 0, from = 0; i < sizeof sizes / sizeof *sizes && sizes[i] <= most; from = sizes[i++]) {
        int r = set_up(from, sizes[i]);
        if (r != OK) return r;
        snprintf(suffix, sizeof suffix, "_%d", sizes[i]);
        if ((r = measure(n, sizes[i])) != OK) return r;
    }
    return OK;
}

// ---------------------------------------------------------------- crowds

static volatile int crowd_word;
static volatile int crowd_tid;
static int crowd_semaphores = -1;

static void *crowd_nap(void *a)
{
    (void)a;
    crowd_tid = syscall(SYS_gettid);
    for (;;) syscall(SYS_futex, &crowd_word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0);
    return 0;
}
static void *crowd_semop(void *a)
{
    struct sembuf down = { 1, -1, 0 };
    (void)a;
    semop(crowd_semaphores, &down, 1);
    return 0;
}
static int more_threads(int from, int to, void *(*run)(void *))
{
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    for (; from < to; from++) NEED(!pthread_create(&t, &a, run, 0));
    sleep_ms(300);
    return OK;
}
static int more_nappers(int from, int to) { return more_threads(from, to, crowd_nap); }
static int more_semaphore_waiters(int from, int to)
{
    if (crowd_semaphores < 0) NEED((crowd_semaphores = semget(IPC_PRIVATE, 2, 0600)) >= 0);
    return more_threads(from, to, crowd_semop);
}
static int more_children(int from, int to)
{
    for (; from < to; from++) {
        pid_t p = fork();
        if (p == 0) for (;;) pause();
        NEED(p > 0);
    }
    return OK;
}
static int more_descriptors(int from, int to)
{
    struct rlimit all = { 65536, 65536 };
    NEED(!setrlimit(RLIMIT_NOFILE, &all));
    for (; from < to; from++) NEED(dup(0) >= 0);
    return OK;
}

// ---------------------------------------------------------------- the operations

static int m_semop(long n, int size)
{
    struct sembuf up = { 0, 1, 0 }, down = { 0, -1, 0 };
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(!semop(crowd_semaphores, &up, 1) && !semop(crowd_semaphores, &down, 1));
    emit(suffix, 2 * n, tick() - t0);
    return OK;
}
static int c_curve_semop(long n)
{
    int r = curve(n, 1000, more_semaphore_waiters, m_semop);
    semctl(crowd_semaphores, 0, IPC_RMID);
    return r;
}

static int m_meminfo(long n, int size)
{
    char b[4096];
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) {
        int fd = open("/proc/meminfo", O_RDONLY);
        NEED(fd >= 0 && read(fd, b, sizeof b) > 0 && !close(fd));
    }
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_meminfo(long n) { return curve(n, 1000, more_children, m_meminfo); }

static char *gap_area;
static int more_gaps(int from, int to)
{
    if (!gap_area) NEED((gap_area = mmap(0, 2ul * MOST * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) != MAP_FAILED);
    for (; from < to; from++) NEED(!munmap(gap_area + 2ul * from * PAGE, PAGE));
    return OK;
}
static int m_gap(long n, int size)
{
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) {
        void *one = map(PAGE, MAP_PRIVATE), *two = map(2 * PAGE, MAP_PRIVATE);
        NEED(one && two && !munmap(two, 2 * PAGE) && !munmap(one, PAGE));
    }
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_gap(long n) { return curve(n, MOST, more_gaps, m_gap); }

// Names that have one FNV-1a value (32 bits): in each of ten places one of two words of four letters that do the same to it.
enum { FNV_PRIME = 16777619, PLACES = 10, COLLISIONS = 1000, SLOTS = 1 << 19 };
static char (*equal_names)[4 * PLACES + 1];
static void four_letters(char *out, uint32_t v)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (int i = 0; i < 4; i++, v >>= 6) out[i] = letters[v & 63];
}
// Two numbers of words that lead from *state to one value, which is left there.
static int find_twins(uint32_t *state, uint32_t twins[2], uint32_t (*table)[2])
{
    memset(table, 0, sizeof *table * SLOTS);
    for (uint32_t n = 1; n < SLOTS / 2; n++) {
        uint32_t i = n * 0x9e3779u & 0xffffff;   // spread over all words
        char s[4];
        four_letters(s, i);
        uint32_t h = *state;
        for (int k = 0; k < 4; k++) h = (h ^ (uint8_t)s[k]) * FNV_PRIME;
        for (uint32_t q = h * 2654435761u >> 13;; q = (q + 1) % SLOTS) {
            if (!table[q][1]) {
                table[q][0] = h, table[q][1] = i;
                break;
            }
            if (table[q][0] != h) continue;
            twins[0] = table[q][1], twins[1] = i;
            *state = h;
            return OK;
        }
    }
    return BAD;
}
static int find_equal_names(void)
{
    uint32_t (*table)[2] = map(sizeof *table * SLOTS, MAP_PRIVATE), twins[PLACES][2], state = 2166136261u;
    NEED(table && (equal_names = map(sizeof *equal_names * COLLISIONS, MAP_PRIVATE)));
    for (int place = 0; place < PLACES; place++) NEED(find_twins(&state, twins[place], table) == OK);
    for (int i = 0; i < COLLISIONS; i++)
        for (int place = 0; place < PLACES; place++) four_letters(equal_names[i] + 4 * place, twins[place][i >> place & 1]);
    munmap(table, sizeof *table * SLOTS);
    return OK;
}
static int more_names(int from, int to)
{
    if (!equal_names) {
        int r = find_equal_names();
        if (r != OK) return r;
        NEED((!mkdir("/tmp/names", 0700) || errno == EEXIST) && !chdir("/tmp/names"));
    }
    for (; from < to; from++) NEED(!close(open(equal_names[from], O_CREAT | O_WRONLY, 0600)));
    return OK;
}
static int m_names(long n, int size)
{
    struct stat st;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(!stat(equal_names[i % size], &st));
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_equal_names(long n)
{
    int r = curve(n, COLLISIONS, more_names, m_names);
    for (int i = 0; equal_names && i < COLLISIONS; i++) unlink(equal_names[i]);
    return r;
}

static int m_tgkill(long n, int size)
{
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(!syscall(SYS_tgkill, getpid(), crowd_tid, 0));
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_tgkill(long n) { return curve(n, 1000, more_nappers, m_tgkill); }

static int m_waitpid(long n, int size)
{
    int st;
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(waitpid(-1000000, &st, WNOHANG) == -1 && errno == ECHILD);
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_waitpid_group(long n) { return curve(n, 1000, more_children, m_waitpid); }

static int m_fork(long n, int size)
{
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n / 100 + 1; i++) {
        pid_t p = fork();
        if (p == 0) _exit(EXITCODE);
        NEED(reap(p, EXITCODE));
    }
    emit(suffix, n / 100 + 1, tick() - t0);
    return OK;
}
static int c_curve_fork_descriptors(long n) { return curve(n, MOST, more_descriptors, m_fork); }

static int more_files(int from, int to)
{
    char name[32];
    NEED((!mkdir("/tmp/list", 0700) || errno == EEXIST) && !chdir("/tmp/list"));
    for (; from < to; from++) {
        snprintf(name, sizeof name, "%d", from);
        NEED(!close(open(name, O_CREAT | O_WRONLY, 0600)));
    }
    return OK;
}
// Each entry that is read is renamed to something else and back: it must not be read again for ever.
static int m_readdir(long n, int size)
{
    long seen = 0;
    (void)n;
    DIR *d = opendir(".");
    NEED(d);
    uint64_t t0 = tick();
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        NEED(++seen <= 20l * size);
        NEED(!rename(e->d_name, "other") && !rename("other", e->d_name));
    }
    emit(suffix, size, tick() - t0);
    closedir(d);
    return OK;
}
static int c_curve_readdir_rename(long n)
{
    int r = curve(n, MOST, more_files, m_readdir);
    char name[32];
    for (int i = 0; i < MOST; i++) snprintf(name, sizeof name, "%d", i), unlink(name);
    return r;
}

static int m_getrusage(long n, int size)
{
    struct rusage u;
    (void)size;
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(!getrusage(RUSAGE_SELF, &u));
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_getrusage(long n) { return curve(n, 1000, more_nappers, m_getrusage); }

static int lock_file = -1;
static int set_lock(int type, long at)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
    return fcntl(lock_file, F_SETLK, &l);
}
static int more_locks(int from, int to)
{
    if (lock_file < 0) NEED((lock_file = open("/tmp/locks", O_CREAT | O_RDWR, 0600)) >= 0);
    for (; from < to; from++) NEED(!set_lock(F_WRLCK, 2l * from));
    return OK;
}
static int m_locks(long n, int size)
{
    uint64_t t0 = tick();
    for (long i = 0; i < n; i++) NEED(!set_lock(F_WRLCK, 2l * size) && !set_lock(F_UNLCK, 2l * size));
    emit(suffix, n, tick() - t0);
    return OK;
}
static int c_curve_file_locks(long n) { return curve(n, MOST, more_locks, m_locks); }
