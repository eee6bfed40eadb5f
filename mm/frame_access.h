// SPDX-License-Identifier: MIT
// The hot operations on frame records, inline. The records form one array, indexed by frame number, in a virtual
// region of its own. Only the records of 4 MiB blocks that contain RAM are backed by memory, so a hole costs nothing,
// and record and address are computed from each other without a table.
// Part of mm/frame.h. Host tests have a header of this name that only declares.
#pragma once

#include "mm/frame.h"

namespace mm {

/// A top-level table slot above the rest of kernel space: records for 64 TiB of memory.
inline constexpr u64 frame_records_base = arch::kernel_space_base + arch::kernel_space_size;

inline Frame* frame_records() { return reinterpret_cast<Frame*>(frame_records_base); }

inline Frame& frame_record(PhysAddr address) { return frame_records()[frame_of(address).value]; }

inline PhysAddr frame_address(Frame const& frame) {
    return address_of(FrameNumber(static_cast<u64>(&frame - frame_records())));
}

/// Returns the frame to the allocator. No reference is left, except perhaps the caller's own.
void frame_return(Frame& frame);

/// Drops one reference. True: it was the last, and the caller must call frame_return().
inline bool frame_release_last(Frame& frame) {
    // Ordering: acquire, pairs with the release of the other owners' decrements: they have finished with the
    // frame. If one reference is left, it is the caller's, and nobody else can make another.
    return frame.references.load(std::memory_order_acquire) == 1 || frame.references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

inline void frame_release(Frame& frame) {
    if (frame_release_last(frame)) frame_return(frame);
}

}
