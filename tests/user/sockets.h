// SPDX-License-Identifier: MIT
// Tests of sockets: the two ends that a test talks between.
#pragma once
#include "test.h"

#include <sys/socket.h>

static int a, b;
static void make(int type) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, type, 0, ends) == 0);
    a = ends[0];
    b = ends[1];
}
