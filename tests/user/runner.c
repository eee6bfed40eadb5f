// SPDX-License-Identifier: MIT
// Runs a list of programs, one line each: NAME TIMEOUT_S COMMAND WORDS…, and prints what
// each wrote and how it ended. As process 1 it is the /init of a test machine, reads
// /tests/list and powers off at the end; on the host it is `runner ROOT LIST`, and every
// word that begins with / is looked up below ROOT. The same binary on both.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORDS = 32, LINE = 4096 };

static char const* root = "";

static void put(int fd, char const* text, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written <= 0) return;
        text += written;
        length -= written;
    }
}
static void put_text(char const* text) { put(1, text, strlen(text)); }

/// Prints a file with "|" before each line, so that the kernel's own lines stand out.
static void print_output(char const* path) {
    static char buffer[65536], line[LINE + 2] = "|";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 1;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; ++i) {
            line[used++] = buffer[i];
            if (buffer[i] == '\n' || used > LINE) {
                put(1, line, used);
                used = 1;
                if (buffer[i] != '\n') put_text("\n");
            }
        }
    if (used > 1) {
        put(1, line, used);
        put_text("\\\n");
    }
    close(fd);
}

/// `words` of a command with ROOT put before those that are absolute paths.
static void place_words(char** words) {
    for (; *words; ++words)
        if (**words == '/' && *root) {
            char* placed = malloc(strlen(root) + strlen(*words) + 1);
            strcpy(placed, root);
            strcat(placed, *words);
            *words = placed;
        }
}

static void run_child(char** words, char const* folder, char const* output) {
    char path[LINE], home[LINE];
    snprintf(path, sizeof path, "PATH=%s/bin:%s/sbin:%s/usr/bin:%s/usr/sbin", root, root, root, root);
    snprintf(home, sizeof home, "HOME=%s", folder);
    char* environment[] = {path, home, "TERM=dumb", "TZ=UTC0", "LC_ALL=C", NULL};
    setsid();
    int in = open("/dev/null", O_RDONLY);
    int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (in < 0 || out < 0 || chdir(folder) < 0) _exit(126);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    for (int fd = 3; fd < 16; ++fd) close(fd);
    umask(022);
    execve(words[0], words, environment);
    dprintf(2, "cannot run %s: errno %d\n", words[0], errno);
    _exit(127);
}

/// Waits for `child`; kills its session's group after `seconds`. The wait status.
static int wait_with_limit(pid_t child, int seconds) {
    int status = 0;
    for (long tick = 0;; ++tick) {
        pid_t got;
        while ((got = waitpid(-1, &status, WNOHANG)) > 0)   // init has others' orphans, too: they take no time
            if (got == child) return status;
        if (got == -1 && errno == ECHILD) return -1;
        if (tick == seconds * 100L) {
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
        }
        if (tick > seconds * 100L + 1000) return -1;
        struct timespec rest = {0, 10000000};
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &rest, NULL);
    }
}

static void run_line(char* line) {
    char* words[MAX_WORDS + 1];
    int count = 0;
    for (char* word = strtok(line, " \n"); word && count < MAX_WORDS; word = strtok(NULL, " \n")) words[count++] = word;
    words[count] = NULL;
    if (count < 3 || words[0][0] == '#') return;

    char folder[LINE], output[LINE], text[LINE];
    snprintf(folder, sizeof folder, "%s/tmp/%s", root, words[0]);
    snprintf(output, sizeof output, "%s/tmp/%s.out", root, words[0]);
    mkdir(folder, 0755);
    place_words(words + 2);
    snprintf(text, sizeof text, "@@BEGIN %s\n", words[0]);
    put_text(text);
    pid_t child = fork();
    if (child == 0) run_child(words + 2, folder, output);
    int status = child < 0 ? -1 : wait_with_limit(child, atoi(words[1]));
    if (child > 0) kill(-child, SIGKILL);   // what it left running
    print_output(output);
    unlink(output);
    if (status == -1) snprintf(text, sizeof text, "@@END %s lost\n", words[0]);
    else if (WIFSIGNALED(status)) snprintf(text, sizeof text, "@@END %s signal %d\n", words[0], WTERMSIG(status));
    else snprintf(text, sizeof text, "@@END %s exit %d\n", words[0], WEXITSTATUS(status));
    put_text(text);
}

int main(int argument_count, char** arguments) {
    int is_init = getpid() == 1;
    char const* list_path = "/tests/list";
    if (is_init) {   // Linux needs it; Aubrac has made both itself
        mount("proc", "/proc", "proc", 0, NULL);
        mount("dev", "/dev", "devtmpfs", 0, NULL);
    } else {
        if (argument_count != 3) return 2;
        root = arguments[1];
        list_path = arguments[2];
    }
    static char list[65536];
    int fd = open(list_path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, list, sizeof list - 1);
    if (length < 0) put_text("@@NOLIST\n");
    close(fd);
    for (char *line = list, *end; line < list + length; line = end + 1) {
        end = strchr(line, '\n');
        if (!end) break;
        *end = 0;
        run_line(line);
    }
    put_text("@@DONE\n");
    if (is_init) reboot(RB_POWER_OFF);
    return 0;
}
