// SPDX-License-Identifier: MIT
// A file is executed or written, not both: every way to write to what runs, and to run what is open or mapped for
// writing. ETXTBSY.
#include "permissions.h"

void when_executed(int argument_count, char** arguments) {
    if (argument_count < 2) return;
    if (!strcmp(arguments[1], "end")) _exit(7);
    if (strcmp(arguments[1], "run")) return;
    char byte;
    while (read(3, &byte, 1) == 1) { }
    _exit(7);
}

static int keep[2], begun[2];

/// A child that runs `path` until keep[1] is closed.
static pid_t start(char const* path) {
    REQUIRE(pipe(keep) == 0 && pipe2(begun, O_CLOEXEC) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        close(keep[1]);
        if (keep[0] != 3) dup2(keep[0], 3);
        execl(path, path, "run", (char*)NULL);
        _exit(1);
    }
    close(keep[0]);
    close(begun[1]);
    char byte;
    REQUIRE(read(begun[0], &byte, 1) == 0);   // closed by exec
    close(begun[0]);
    return child;
}

static void stop(pid_t child) {
    close(keep[1]);
    CHECK(ended_with(wait_for(child), 7));
}

#define BUSY(call) CHECK_ERRNO(call, ETXTBSY)

TEST(what_runs_is_not_written) {
    copy_self("program", 0, 0, 0755);
    struct stat before, after;
    REQUIRE(stat("program", &before) == 0);
    pid_t child = start("program");
    BUSY(truncate("program", 0));
    BUSY(truncate("program", before.st_size));
    BUSY(truncate("program", before.st_size * 2));
    BUSY(open("program", O_WRONLY));
    BUSY(open("program", O_RDWR));
    BUSY(open("program", O_WRONLY | O_TRUNC));
    BUSY(open("program", O_RDONLY | O_TRUNC));
    BUSY(open("program", O_WRONLY | O_APPEND));
    BUSY(creat("program", 0755));
    BUSY(open("program", O_CREAT | O_RDONLY | O_TRUNC, 0755));
    int fd = open("program", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EACCES);
    char* private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(private != MAP_FAILED && (private[0] = 1));
    CHECK(fchmod(fd, 0700) == 0);
    CHECK(link("program", "second") == 0);
    BUSY(truncate("second", 0));
    CHECK(rename("program", "moved") == 0);
    BUSY(truncate("moved", 0));
    CHECK(unlink("moved") == 0 && unlink("second") == 0);
    REQUIRE(fstat(fd, &after) == 0);
    CHECK(after.st_size == before.st_size);
    stop(child);
}

static char const* answer_of(pid_t child) {
    int status = wait_for(child);
    return ended_with(status, 7) ? "runs" : ended_with(status, ETXTBSY) ? "ETXTBSY" : "something else";
}

static char const* run(char const* path) {
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "end", (char*)NULL);
        _exit(errno);
    }
    return answer_of(child);
}

TEST(what_is_written_does_not_run) {
    copy_self("program", 0, 0, 0755);
    say("  at rest: %s\n", run("program"));
    int fd = open("program", O_WRONLY);
    say("  open for writing: %s\n", run("program"));
    int copy = dup(fd);
    close(fd);
    say("  a copy of that descriptor: %s\n", run("program"));
    close(copy);
    say("  closed: %s\n", run("program"));
    fd = open("program", O_RDWR);
    char* writable = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    say("  mapped for writing, descriptor closed: %s\n", run("program"));
    REQUIRE(mprotect(writable, PAGE, PROT_READ) == 0);
    say("  read only now, but it may become writable: %s\n", run("program"));
    REQUIRE(munmap(writable, PAGE) == 0);
    say("  half of it: %s\n", run("program"));
    REQUIRE(munmap(writable + PAGE, PAGE) == 0);
    say("  unmapped: %s\n", run("program"));
    fd = open("program", O_RDONLY);
    char* readable = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    say("  mapped for reading: %s\n", run("program"));
    munmap(readable, PAGE);
    int script = open("script", O_CREAT | O_WRONLY, 0755);
    REQUIRE(write(script, "#!program\n", 10) == 10);
    say("  a script open for writing: %s\n", run("script"));
    close(script);
}

TEST(a_childs_mapping_counts) {
    copy_self("program", 0, 0, 0755);
    int go[2];
    REQUIRE(pipe(go) == 0);
    int fd = open("program", O_RDWR);
    char* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(page != MAP_FAILED);
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        read(go[0], &byte, 1);
        _exit(0);
    }
    close(go[0]);
    munmap(page, PAGE);
    say("  in the child: %s\n", run("program"));
    close(go[1]);
    CHECK(ended_with(wait_for(child), 0));
    say("  in none: %s\n", run("program"));
}

TEST(files_in_memory_run_while_open) {
    int fd = syscall(SYS_memfd_create, "text", 0);
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    static char bytes[65536];
    int in = open("/proc/self/exe", O_RDONLY);
    for (long count; (count = read(in, bytes, sizeof bytes)) > 0;) REQUIRE(write(fd, bytes, count) == count);
    char* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(page != MAP_FAILED);
    say("  open and mapped for writing: %s\n", run(path));
    int second = open(path, O_RDWR);
    say("  opened again for writing: %s\n", run(path));
    close(second);
}

/// The interpreter is held while its program is loaded, as the program is while it runs.
TEST(an_interpreter_that_is_written) {
    int fd = open("interpreter", O_CREAT | O_WRONLY, 0755);
    REQUIRE(fd >= 0);
    int script = open("run", O_CREAT | O_WRONLY, 0755);
    REQUIRE(write(script, "#!interpreter\n", 14) == 14);
    close(script);
    say("  of a script, open for writing: %s\n", run("run"));
}
