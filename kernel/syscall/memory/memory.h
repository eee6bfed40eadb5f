// SPDX-License-Identifier: MIT
// The family of memory: mappings and the heap.
#pragma once

#include "kernel/syscall/call.h"

namespace syscall {

// ---- memory.cpp
CALL(UserAddr, mmap, u64 address, u64 size, u64 protection, u64 flags, Fd fd, u64 offset)
CALL(void, munmap, u64 address, u64 size)
CALL(void, mprotect, u64 address, u64 size, u64 protection)
CALL(UserAddr, mremap, u64 address, u64 old_size, u64 new_size, u64 flags, u64 new_address)
CALL(void, madvise, u64 address, u64 size, int advice)
CALL(void, msync, u64 address, u64 size, u32 flags)
CALL(void, mlock, u64 address, u64 size)
CALL(void, mlock2, u64 address, u64 size, u32 flags)
CALL(void, munlock, u64 address, u64 size)
CALL(void, mlockall, u32 flags)
CALL(void, munlockall)
CALL(UserAddr, brk, UserAddr wanted)

}
