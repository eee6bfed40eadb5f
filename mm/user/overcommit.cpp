// SPDX-License-Identifier: MIT
// Linux's overcommit mode 0 (proc(5), overcommit_memory): refuses only what could never be backed.
// Separate from map.cpp so that host tests can choose the size of memory.
#include "mm/user/address_space.h"

namespace mm {

bool AddressSpace::is_obvious_overcommit(u64 size) { return size > frame_allocator.total_bytes(); }

}
