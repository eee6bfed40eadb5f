// SPDX-License-Identifier: MIT
// execve: arguments and their limits, what survives, scripts, what is refused and leaves
// the old program running, the auxiliary vector.
#include "test.h"

#include <elf.h>
#include <sys/auxv.h>

extern char** environ;

/// In the new program: does what the second word says.
void when_executed(int count, char** words) {
    if (count < 2 || strncmp(words[1], "--", 2)) return;
    if (!strncmp(words[1], "--echo", 6)) {
        for (int i = 0; i < count; ++i) say("[%s]", words[i]);
        for (char** e = environ; *e; ++e) say("{%s}", *e);
        say("\n");
        _exit(0);
    }
    if (!strcmp(words[1], "--measure")) {
        unsigned long bytes = 0, environment = 0;
        for (int i = 0; i < count; ++i) bytes += strlen(words[i]) + 1;
        for (char** e = environ; *e; ++e) environment += strlen(*e) + 1;
        say("arguments %d bytes %lu environment %lu\n", count, bytes, environment);
        _exit(0);
    }
    if (!strcmp(words[1], "--auxv")) {
        CHECK(getauxval(AT_PAGESZ) == PAGE && getauxval(AT_PHENT) == sizeof(Elf64_Phdr) && getauxval(AT_PHNUM) > 0);
        CHECK(getauxval(AT_ENTRY) != 0 && getauxval(AT_PHDR) != 0 && getauxval(AT_RANDOM) != 0);
        CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_SECURE) == 0);
        CHECK(!strcmp((char*)getauxval(AT_EXECFN), words[2]));
        unsigned long top = (unsigned long)__builtin_frame_address(0);
        CHECK(top < 0x800000000000 && top > 0x400000000000);
        unsigned long at = (unsigned long)&words[0] - 8;
        CHECK(at % 16 == 0 && *(long*)at == count);
        _exit(failures != 0);
    }
}

static int run(char const* path, char* const* words, char* const* environment) {
    pid_t child = fork();
    if (child == 0) {
        execve(path, words, environment);
        _exit(200 + (errno < 50 ? errno : 50));
    }
    int status = wait_for(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
#define REFUSED(number) (200 + (number))
static char* const no_words[] = {"x", NULL};

static char self[512];
static void find_self(void) {
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    REQUIRE(length > 0);
    self[length] = 0;
}
static void write_file(char const* name, void const* bytes, size_t length, mode_t mode) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    REQUIRE(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    fchmod(fd, mode);
    close(fd);
}
static void write_script(char const* name, char const* text) { write_file(name, text, strlen(text), 0755); }

TEST(words_and_environment) {
    find_self();
    char* words[] = {"", "--echo", "", "a b", "last", NULL};
    char* environment[] = {"A=1", "B=", "odd", NULL};
    CHECK(run(self, words, environment) == 0);
    char* nothing[] = {NULL};
    char* two[] = {"x", "--echo", NULL};
    CHECK(run(self, two, nothing) == 0);
    CHECK(run(self, two, NULL) == 0);
}

TEST(auxiliary_vector) {
    find_self();
    char* words[] = {"x", "--auxv", self, NULL};
    CHECK(run(self, words, environ) == 0);
}

TEST(refusals_leave_the_old_program) {
    find_self();
    static volatile int data = 1;
    data = 2;
    CHECK_ERRNO(execve("none", no_words, NULL), ENOENT);
    CHECK_ERRNO(execve("", no_words, NULL), ENOENT);
    CHECK_ERRNO(execve("/", no_words, NULL), EACCES);
    write_file("plain", "abc", 3, 0644);
    CHECK_ERRNO(execve("plain", no_words, NULL), EACCES);
    write_file("text", "abc", 3, 0755);
    CHECK_ERRNO(execve("text", no_words, NULL), ENOEXEC);
    write_file("empty", "", 0, 0755);
    CHECK_ERRNO(execve("empty", no_words, NULL), ENOEXEC);
    CHECK_ERRNO(execve("plain/x", no_words, NULL), ENOTDIR);
    CHECK_ERRNO(execve((char*)8, no_words, NULL), EFAULT);
    CHECK_ERRNO(execve(self, (char**)8, NULL), EFAULT);
    char* wild[] = {"x", (char*)0xffff800000000000, NULL};
    CHECK_ERRNO(execve(self, wild, NULL), EFAULT);
    CHECK_ERRNO(execve(self, no_words, (char**)0x8000000000000000), EFAULT);
    CHECK(data == 2);
}

TEST(a_file_open_for_writing_is_busy) {
    find_self();
    int in = open(self, O_RDONLY), out = open("copy", O_RDWR | O_CREAT, 0755);
    static char block[65536];
    ssize_t got;
    while ((got = read(in, block, sizeof block)) > 0) write(out, block, got);
    char* words[] = {"x", "--measure", NULL}, *none[] = {NULL};
    CHECK(run("./copy", words, none) == REFUSED(ETXTBSY));
    close(out);
    CHECK(run("./copy", words, none) == 0);
    CHECK(unlink("copy") == 0);
}

TEST(one_mebibyte_of_arguments) {
    find_self();
    static char* words[20000];
    static char word[105];
    memset(word, 'w', 104);
    words[0] = "x";
    words[1] = "--measure";
    int i = 2;
    for (; i < 10000; ++i) words[i] = word;
    words[i] = NULL;
    char* none[] = {NULL};
    CHECK(run(self, words, none) == 0);
    char* two[] = {"x", "--measure", NULL};
    CHECK(run(self, two, words) == 0);
}

TEST(too_many_bytes) {
    find_self();
    static char* words[40000];
    static char word[105];
    memset(word, 'w', 104);
    for (int i = 0; i < 30000; ++i) words[i] = word;   // 3 MiB: above a quarter of the 8 MiB stack
    words[1] = "--measure";
    char* none[] = {NULL};
    CHECK(run(self, words, none) == REFUSED(E2BIG));
    words[18000] = NULL;                               // 1.9 MiB with the pointers: below it
    CHECK(run(self, words, none) == 0);
}

TEST(one_string_may_have_128_kib) {
    find_self();
    static char text[200000];
    memset(text, 't', sizeof text);
    char* words[] = {"x", "--measure", text, NULL}, *none[] = {NULL};
    text[131071] = 0;
    CHECK(run(self, words, none) == 0);
    text[131071] = 't';
    text[131072] = 0;
    CHECK(run(self, words, none) == REFUSED(E2BIG));
}

TEST(scripts) {
    find_self();
    char text[1200], *words[] = {"ignored", "one", "two", NULL}, *none[] = {NULL};
    snprintf(text, sizeof text, "#!%s --echo\nrest\n", self);
    write_script("s1", text);
    CHECK(run("./s1", words, none) == 0);
    snprintf(text, sizeof text, "#! \t %s   --echo one word  \t\n", self);
    write_script("s2", text);
    CHECK(run("./s2", words, none) == 0);
    snprintf(text, sizeof text, "#!%s", self);
    write_script("s3", text);
    char* echo[] = {"ignored", "--echo", NULL};
    (void)echo;
    write_script("nested", "#!./s1\n");
    CHECK(run("./nested", words, none) == 0);
    write_script("none", "#!/does/not/exist\n");
    CHECK(run("./none", words, none) == REFUSED(ENOENT));
    write_script("blank", "#!\n");
    CHECK(run("./blank", words, none) == REFUSED(ENOEXEC));
    write_script("spaces", "#!   \n");
    CHECK(run("./spaces", words, none) == REFUSED(ENOEXEC));
    write_script("loop", "#!./loop\n");
    CHECK(run("./loop", words, none) == REFUSED(ELOOP));
    write_file("target", "x", 1, 0644);
    write_script("noright", "#!./target\n");
    CHECK(run("./noright", words, none) == REFUSED(EACCES));
}

TEST(chains_of_scripts_end) {
    find_self();
    char text[700], name[16], *words[] = {"x", NULL}, *none[] = {NULL};
    snprintf(text, sizeof text, "#!%s --echo\n", self);
    write_script("c0", text);
    for (int i = 1; i < 7; ++i) {
        snprintf(text, sizeof text, "#!./c%d\n", i - 1);
        snprintf(name, sizeof name, "c%d", i);
        write_script(name, text);
    }
    for (int i = 1; i < 7; ++i) {
        snprintf(name, sizeof name, "./c%d", i);
        say("c%d: %d\n", i, run(name, words, none));
    }
}

TEST(corrupt_headers_are_refused) {
    find_self();
    int fd = open(self, O_RDONLY);
    static unsigned char image[1 << 20], wrong[1 << 20];
    ssize_t length = read(fd, image, sizeof image);
    REQUIRE(length > 4096);
    static struct { size_t at; unsigned char value; } const changes[] = {
        {0, 0}, {16, 1}, {16, 4}, {18, 3}, {18, 0xb7},   // magic, type, machine
        {54, 10}, {56, 0}, {57, 0xff}, {39, 0xff},       // phentsize, phnum, phoff
    };
    char* words[] = {"x", "--measure", NULL}, *none[] = {NULL};
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; ++i) {
        memcpy(wrong, image, length);
        wrong[changes[i].at] = changes[i].value;
        write_file("wrong", wrong, length, 0755);
        int result = run("./wrong", words, none);
        say("byte %zu = %d: %d\n", changes[i].at, changes[i].value, result);
    }
    for (int keep = 0; keep < 64; keep += 7) {
        write_file("short", image, keep, 0755);
        CHECK(run("./short", words, none) == REFUSED(ENOEXEC));
    }
}

TEST(exec_keeps_pid_and_closes_the_old_memory) {
    find_self();
    int ends[2];
    REQUIRE(pipe2(ends, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        mmap((void*)0x10000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        dup2(ends[1], 1);
        char* words[] = {"x", "--measure", NULL}, *none[] = {NULL};
        execve(self, words, none);
        _exit(1);
    }
    close(ends[1]);
    char text[100] = "";
    read(ends[0], text, sizeof text - 1);
    CHECK(ended_with(wait_for(child), 0));
    say("%s", text);
}

TEST(vfork_and_exec) {
    find_self();
    char* words[] = {"x", "--measure", NULL}, *none[] = {NULL};
    for (int i = 0; i < 20; ++i) {
        pid_t child = vfork();
        if (child == 0) {
            execve(i % 2 ? "none" : self, words, none);
            _exit(33);
        }
        CHECK(ended_with(wait_for(child), i % 2 ? 33 : 0));
    }
}

TEST(the_name_of_the_program) {
    find_self();
    char name[64] = "";
    int fd = open("/proc/self/comm", O_RDONLY);
    if (fd >= 0) read(fd, name, sizeof name - 1);
    say("comm %s", name);
}
