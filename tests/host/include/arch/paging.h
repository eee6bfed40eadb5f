// SPDX-License-Identifier: MIT
// The CPU's own page-table entries, over physical memory that is an array of the test's:
// a test points host_memory at it before it touches a physical address.
#pragma once

#define direct_map cpu_direct_map
#define direct_map_inverse cpu_direct_map_inverse
#define current_page_table_root cpu_current_page_table_root
#define load_page_table_root cpu_load_page_table_root
#include "arch/x86_64/include/arch/paging.h"
#undef direct_map
#undef direct_map_inverse
#undef current_page_table_root
#undef load_page_table_root

namespace arch {

/// Where physical address 0 is in the test program; page aligned.
inline std::byte* host_memory = nullptr;

inline void* direct_map(PhysAddr address) { return host_memory + address.value(); }
inline PhysAddr direct_map_inverse(void const* pointer) {
    return PhysAddr(static_cast<u64>(static_cast<std::byte const*>(pointer) - host_memory));
}

/// The host's own tables are always loaded, never a test's.
inline PhysAddr current_page_table_root() { return PhysAddr(~u64{0}); }
inline void load_page_table_root(PhysAddr) {}

}
