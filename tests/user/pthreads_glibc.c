// SPDX-License-Identifier: MIT
// libc: glibc
#include "pthreads.h"
