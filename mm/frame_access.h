// SPDX-License-Identifier: MIT
// The hot operations on frame records, inline. The records are one array in a virtual region
// of its own, indexed by frame number; only those of 4 MiB blocks with RAM are backed by memory,
// so a hole costs nothing and record and address find each other without a table.
// Part of mm/frame.h. Host tests have a header of this name with declarations alone.
#pragma once

#include "mm/frame.h"

namespace mm {

/// A slot of the top-level table for 64 TiB of memory, behind the rest of kernel space.
inline constexpr u64 frame_records_base = arch::kernel_space_base + arch::kernel_space_size;

inline Frame* frame_records() { return reinterpret_cast<Frame*>(frame_records_base); }

inline Frame& frame_record(PhysAddr address) { return frame_records()[frame_of(address).value]; }

inline PhysAddr frame_address(Frame const& frame) {
    return address_of(FrameNumber(static_cast<u64>(&frame - frame_records())));
}

/// Back to the allocator: nobody has a reference any more but, perhaps, the caller.
void frame_return(Frame& frame);

/// Gives one reference back. True: it was the last, and the caller does frame_return().
inline bool frame_release_last(Frame& frame) {
    // Ordering: acquire, with the release of the others' decrements: they are done with the
    // frame. With one reference left it is the caller's, and nobody can make another.
    return frame.references.load(std::memory_order_acquire) == 1 || frame.references.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

inline void frame_release(Frame& frame) {
    if (frame_release_last(frame)) frame_return(frame);
}

}
