// SPDX-License-Identifier: MIT
// Roots of programs' page tables. Invariant: the lower half is the program's own; the upper half is a copy of the
// kernel's 256 entries.
#include "mm/page_table.h"

#include <cstring>

#include "mm/kernel_space.h"

namespace mm {

namespace { constexpr unsigned first_kernel_entry = arch::entries_per_table / 2; }

Result<PhysAddr> FrameTables::allocate(Fill fill, Urgency urgency) {
    Frame& frame = TRY(frame_allocator.allocate(0, fill, urgency)).leak();
    frame.flags = frame_returns_zeroed;   // an absent entry is all zeros, and a table is freed only when none is present
    return frame_address(frame);
}

void FrameTables::free(PhysAddr table) { frame_release(frame_record(table)); }

PageTable PageTable::wrap(PhysAddr root) {
    PageTable table;
    table.root_ = root;
    table.table_frames_ = 1;
    return table;
}

Result<PageTable> PageTable::create_user() {
    PageTable const table = wrap(frame_address(TRY(frame_allocator.allocate(0, Fill::Dirty, Urgency::NewProcess)).leak()));
    auto* const own = FrameTables::entries(table.root_);
    auto const* const kernel = FrameTables::entries(kernel_space.page_table().root());
    static_assert(sizeof(arch::PageEntry) == sizeof(u64) && std::is_trivially_copyable_v<arch::PageEntry>);
    std::memset(static_cast<void*>(own), 0, page_size / 2);
    std::memcpy(static_cast<void*>(own + first_kernel_entry), kernel + first_kernel_entry, page_size / 2);
    return table;
}

void PageTable::destroy_user() {
    free_all_below<arch::page_table_levels>(FrameTables::entries(root_), 0, arch::user_space_end - 1);
    FrameTables::free(root_);
    *this = PageTable();
}

}
