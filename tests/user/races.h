// SPDX-License-Identifier: MIT
// Tests of races: a page that the processes of a test share, and pauses too short to sleep.
#pragma once
#include "test.h"

static volatile long* shared;
__attribute__((constructor)) static void map_shared(void) { shared = shared_memory(PAGE); }

static void spin(long turns) { for (volatile long i = 0; i < turns; ++i) { } }
