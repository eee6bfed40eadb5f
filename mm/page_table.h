// SPDX-License-Identifier: MIT
// Page tables in frames: the kernel's and a program's. Host tests run the same walker (mm/page_table_walker.h). Table
// frames are reference-counted Frames: programs share leaf tables after a fork (mm/user/shared_tables.cpp).
// Frame::table counts the present entries and, in a program's leaf table, how many of them show a file's pages or the
// zero frame.
// The caller holds the address space's lock and flushes TLBs.
#pragma once

#include "mm/frame_allocator.h"
#include "mm/page_table_walker.h"

namespace mm {

struct FrameTables {
    static Result<PhysAddr> allocate(Fill fill = Fill::Zero, Urgency urgency = Urgency::Kernel);
    static void free(PhysAddr table);
    static arch::PageEntry* entries(PhysAddr table) { return static_cast<arch::PageEntry*>(arch::direct_map(table)); }
    static Frame& record(arch::PageEntry const& entry) { return frame_record(arch::direct_map_inverse(&entry)); }
    static u64& present(arch::PageEntry const& entry) { return record(entry).table.present; }
};

/// A root and the tables below it. Does not own the user frames' references: unmapping gives them back.
class PageTable : public PageTableWalker<FrameTables> {
public:
    constexpr PageTable() = default;
    /// A new root whose upper half is the kernel's (shared). ENOMEM.
    static Result<PageTable> create_user();
    /// Wraps the root that is in use (boot).
    static PageTable wrap(PhysAddr root);
    /// Frees all user tables and the root; no user entry may be present.
    void destroy_user();
};

}
