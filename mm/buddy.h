// SPDX-License-Identifier: MIT
// The buddy algorithm and nothing else: free blocks of 2^order frames, split on allocation, joined on release.
// It touches frame records, never the memory behind them, so it runs on the host too.
// O(1) in the number of frames. It has no lock of its own: the caller holds FrameAllocator's.
// Invariant: a block never crosses its 2^max_order alignment; records exist for whole blocks of that size.
#pragma once

#include <atomic>

#include "mm/frame.h"

namespace mm {

class Buddy {
public:
    static constexpr unsigned max_order = 10;
    static constexpr u64 max_block = u64{1} << max_order;   ///< frames

    constexpr Buddy() = default;
    /// `records` is the record of frame 0; not every record needs memory behind it.
    void initialize(Frame* records) { records_ = records; }

    /// Moves the Reserved frames [first, end) to the free lists.
    void add(u64 first, u64 end);
    /// A block of 2^order frames, marked Used; null if there is none.
    Frame* allocate(unsigned order);
    /// Takes back a block exactly as it was allocated.
    void release(Frame& block, unsigned order);

    /// Frames in the lists. Any context; without the lock the figure may be slightly out of date.
    u64 free_frames() const { return free_frames_.load(std::memory_order_relaxed); }
    u64 free_blocks(unsigned order) const;

private:
    u64 index_of(Frame const& frame) const { return static_cast<u64>(&frame - records_); }
    void push(Frame& block, unsigned order);
    void unlink(Frame& block, unsigned order);
    // Ordering: relaxed; the figure is written under the lock and read without it.
    void count(i64 change) {
        free_frames_.store(free_frames_.load(std::memory_order_relaxed) + static_cast<u64>(change), std::memory_order_relaxed);
    }

    Frame* records_ = nullptr;
    Frame* heads_[max_order + 1] = {};
    u32 non_empty_ = 0;   ///< bit n: heads_[n] is not null
    std::atomic<u64> free_frames_{0};
};

}
