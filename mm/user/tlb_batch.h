// SPDX-License-Identifier: MIT
// TlbBatch: what one operation removed from a space's page tables. Invariant: a gathered frame is released only after
// no CPU can reach it through its TLB. A batch lives on one thread's stack; the thread holds the tables' lock until
// flush().
#pragma once

#include <array>

#include <arch/tlb.h>

#include "mm/page_table.h"

namespace mm {

class TlbBatch {
public:
    explicit TlbBatch(arch::TlbSpace& space);
    TlbBatch(TlbBatch const&) = delete;
    ~TlbBatch() { flush(); }

    /// The entry of `address` has lost rights or now shows another frame.
    void changed(u64 address) {
        if (pages_count_ < most_pages) pages_[pages_count_] = address;
        if (pages_count_ < everything) ++pages_count_;
    }
    /// Takes over a reference that an entry held, and drops it after the next flush.
    void release_later(Frame& frame) {
        if (frame_count_ == frames_.size()) flush();
        frames_[frame_count_++] = &frame;
    }
    /// The same for a leaf table that other programs may share; the last reference also releases what it shows.
    void release_table_later(Frame& table) {
        changed_all();
        if (table_count_ == tables_.size()) flush();
        tables_[table_count_++] = &table;
    }
    /// Too many to list, or a table was removed: CPUs may have cached the way through it.
    void changed_all() { pages_count_ = everything; }
    void flush();
    /// Flushes one page at once.
    static void flush_page(arch::TlbSpace& space, u64 address);

private:
    static constexpr u32 most_pages = 32;         ///< above that, one full flush is cheaper than INVLPGs
    static constexpr u32 everything = most_pages + 1;

    arch::TlbSpace& space_;
    u32 pages_count_ = 0;
    u32 frame_count_ = 0, table_count_ = 0;
    std::array<u64, most_pages> pages_;
    std::array<Frame*, 64> frames_;
    std::array<Frame*, 16> tables_;
};

}
