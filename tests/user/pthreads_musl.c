// SPDX-License-Identifier: MIT
// libc: musl
#include "pthreads.h"
