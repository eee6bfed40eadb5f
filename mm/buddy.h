// SPDX-License-Identifier: MIT
// The buddy algorithm alone: free blocks of 2^order frames, split on allocation, joined on
// release. Knows frames by their records only, never memory, and so runs on the host too.
// O(1) in the number of frames. No lock: FrameAllocator's guards it.
// A block never crosses its 2^max_order alignment; records exist for such blocks as a whole.
#pragma once

#include <atomic>

#include "mm/frame.h"

namespace mm {

class Buddy {
public:
    static constexpr unsigned max_order = 10;
    static constexpr u64 max_block = u64{1} << max_order;   ///< frames

    constexpr Buddy() = default;
    /// `records` is the record of frame 0; there need not be memory behind all of them.
    void initialize(Frame* records) { records_ = records; }

    /// Gives frames [first, end) that are Reserved to the free lists.
    void add(u64 first, u64 end);
    /// A block of 2^order frames, marked Used; null if there is none.
    Frame* allocate(unsigned order);
    /// Takes back a block as allocated.
    void release(Frame& block, unsigned order);

    /// Frames in the lists. Any context; may be a moment old without the lock.
    u64 free_frames() const { return free_frames_.load(std::memory_order_relaxed); }
    u64 free_blocks(unsigned order) const;

private:
    u64 index_of(Frame const& frame) const { return static_cast<u64>(&frame - records_); }
    void push(Frame& block, unsigned order);
    void unlink(Frame& block, unsigned order);
    // Ordering: relaxed; a figure that is written under the lock and read without it.
    void count(i64 change) {
        free_frames_.store(free_frames_.load(std::memory_order_relaxed) + static_cast<u64>(change), std::memory_order_relaxed);
    }

    Frame* records_ = nullptr;
    Frame* heads_[max_order + 1] = {};
    u32 non_empty_ = 0;   ///< bit n: heads_[n] is not null
    std::atomic<u64> free_frames_{0};
};

}
