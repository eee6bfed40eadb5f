// SPDX-License-Identifier: MIT
// Runs vttest on a virtual console for tests/boot/vttest.py, answers its menus and turns its pages, and prints each page as
// /dev/vcsa1 shows it. Arguments: the tests, each by the choices in its menus (11/6/2). What is printed:
//   == TEST.PAGE cursor ROW COLUMN, all AA    the attribute of most cells (in fact of the last one)
//   ROW|TEXT          bytes that are not ASCII as \xHH; blanks at the end are left out, rows without anything too
//   ROW:FROM-TO HH …  the other attributes
// A page is complete when vttest sleeps with nothing typed ahead and the cursor stands behind its question.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "task_state.h"

enum { most_rows = 60, most_columns = 132, limit_ms = 30000 };
enum stop { page, menu, none };

static char const tty_name[] = "/dev/tty1", screen_name[] = "/dev/vcsa1";
static int tty;
static pid_t child;
static unsigned char screen[4 + most_rows * most_columns * 2];

static void fail(char const* what) {
    printf("FAILED: %s\n", what);
    if (child > 0) kill(child, SIGKILL);
    exit(1);
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void start(char const* size) {
    child = fork();
    if (child == 0) {
        setsid();
        int const own = open(tty_name, O_RDWR);   // and so it is the controlling terminal
        for (int i = 0; i < 3; ++i) dup2(own, i);
        setenv("TERM", "linux", 1);
        execlp("vttest", "vttest", size, (char*)NULL);
        _exit(127);
    }
}

static char state(void) {
    char const now = state_of(child);
    if (!now) fail("vttest has gone");
    return now;
}

static void look(void) {
    int const file = open(screen_name, O_RDONLY);
    if (read(file, screen, sizeof screen) < 4 + screen[0] * screen[1] * 2) fail("cannot read the screen");
    close(file);
}

static unsigned char const* cell(int row, int column) { return screen + 4 + (row * screen[1] + column) * 2; }

/// What is left of the cursor ends with this.
static int is_asked(char const* question) {
    int const length = (int)strlen(question), from = screen[2] - length;
    for (int i = 0; i < length; ++i)
        if (from < 0 || *cell(screen[3], from + i) != (unsigned char)question[i]) return 0;
    return 1;
}

static int sleeps(void) {
    int typed = 0;
    return ioctl(tty, FIONREAD, &typed) == 0 && typed == 0 && state() == 'S';
}

static enum stop wait_for_stop(void) {
    for (long const start = now_ms(); now_ms() - start < limit_ms;) {
        usleep(2000);
        if (!sleeps()) continue;
        look();
        if (is_asked("Push <RETURN>")) return page;
        if (is_asked("): ")) return menu;
    }
    look();
    return none;
}

static void type(char const* keys) {
    for (; *keys; ++keys)
        if (ioctl(tty, TIOCSTI, keys) < 0) fail("TIOCSTI");
}

static void show_row(int row, int usual) {
    int length = screen[1], other = 0;
    while (length > 0 && *cell(row, length - 1) == ' ') --length;
    for (int i = 0; i < screen[1]; ++i) other |= cell(row, i)[1] != usual;
    if (length == 0 && !other) return;
    printf("%d|", row);
    for (int i = 0; i < length; ++i) {
        unsigned char const c = *cell(row, i);
        printf(c < ' ' || c > '~' || c == '\\' ? "\\x%02x" : "%c", c);
    }
    if (other) printf("\n%d:", row);
    for (int from = 0, to; from < screen[1]; from = to) {
        for (to = from; to < screen[1] && cell(row, to)[1] == cell(row, from)[1];) ++to;
        if (cell(row, from)[1] != usual) printf("%d-%d %02x ", from, to - 1, cell(row, from)[1]);
    }
    printf("\n");
}

static void show_page(char const* name, int number) {
    int const usual = cell(screen[0] - 1, screen[1] - 1)[1];
    printf("== %s.%d cursor %d %d, all %02x\n", name, number, screen[3], screen[2], usual);
    for (int row = 0; row < screen[0]; ++row) show_row(row, usual);
}

/// Chooses KEYS in the menu NAME; prints the pages up to the next menu.
static void choose(char const* keys, char const* name) {
    type(keys);
    type("\n");
    for (int number = 1;; ++number) {
        enum stop const stop = wait_for_stop();
        if (stop == menu) return;
        show_page(name, number);
        if (stop == none) fail("vttest asks nothing");
        type("\n");
    }
}

static size_t common_menus(char const* from, char const* to) {
    size_t common = 0;
    for (size_t i = 0; from[i] && from[i] == to[i]; ++i)
        if (from[i] == '/') common = i + 1;
    return common;
}

/// Leaves the menus that the next test is not in, and goes down to it.
static void go(char const* from, char const* to) {
    char keys[16], name[64];
    size_t const common = common_menus(from, to);
    for (char const* menu = from + common; (menu = strchr(menu, '/')) != NULL; ++menu) choose("0", from);
    for (char const* rest = to + common; *rest;) {
        size_t const length = strcspn(rest, "/");
        snprintf(keys, sizeof keys, "%.*s", (int)length, rest);
        rest += length;
        snprintf(name, sizeof name, "%.*s", (int)(rest - to), to);
        choose(keys, name);
        rest += *rest == '/';
    }
}

int main(int argc, char** argv) {
    char size[32];
    setvbuf(stdout, NULL, _IOLBF, 0);
    tty = open(tty_name, O_RDWR | O_NOCTTY);
    if (tty < 0) fail(tty_name);
    look();
    snprintf(size, sizeof size, "%dx%d.%d", screen[0], screen[1], screen[1]);
    start(size);
    if (wait_for_stop() != menu) fail("no menu");
    for (int i = 1; i < argc; ++i) go(i == 1 ? "" : argv[i - 1], argv[i]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("== end\n");
    return 0;
}
