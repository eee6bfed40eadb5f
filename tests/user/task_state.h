// SPDX-License-Identifier: MIT
// What a task does just now: the state in /proc/PID/stat (proc(5)).
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/// R, S, Z …; 0: there is no such task.
static char state_of(pid_t task) __attribute__((unused));
static char state_of(pid_t task) {
    char path[40], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)task);
    int const file = open(path, O_RDONLY);
    if (file < 0) return 0;
    ssize_t const length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    char const* const end = strrchr(text, ')');
    return end ? end[2] : 0;
}
