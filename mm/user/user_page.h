// SPDX-License-Identifier: MIT
// One page in a program's page table: how its entry is made, and who owns the frame it shows.
#pragma once

#include "mm/page_table.h"
#include "mm/user/vm_counters.h"
#include "mm/user/vma.h"

namespace mm {

/// Flag of a frame that belongs to the programs that map it, not to a file: it counts as anonymous memory, and its
/// last mapper may write to it in place.
inline constexpr u16 frame_is_anonymous = 1;

enum class Writable : bool { No, Yes };

/// Entries hold no reference to the zero frame, and it is in no resident set: its count would be the only one that
/// grows with the address space instead of with memory. (A VMA maps any other frame at most once, and 2^32 VMAs do
/// not fit into memory.)
extern constinit PhysAddr zero_frame_address;
inline bool is_zero_frame(PhysAddr frame) { return frame == zero_frame_address; }

/// The entry that shows `frame` with the rights of its VMA; writable only if the VMA and `writable` both allow it.
/// Without any right the page stays in place but inaccessible.
inline arch::PageEntry user_entry(PhysAddr frame, Vma const& vma, Writable writable) {
    arch::PageEntry const entry(vma.rights.raw() | frame.value());
    return writable == Writable::Yes ? entry : entry.without_write();
}

/// True if both show the same frame with the same rights; the CPU may have set accessed and dirty in between.
inline bool is_same_mapping(arch::PageEntry a, arch::PageEntry b) {
    return a.is_accessible() == b.is_accessible() && a.is_writable() == b.is_writable() && a.address() == b.address();
}

/// True if only the entry that shows this anonymous frame holds a reference to it.
inline bool is_exclusive(Frame const& frame) {
    // Ordering: acquire, pairs with the release in frame_release: the former owners have finished with it.
    return (frame.flags & frame_is_anonymous) && frame.references.load(std::memory_order_acquire) == 1;
}

/// How a mapped frame (not the zero frame) is counted.
inline PageSource source_of(Frame const& frame, Sharing sharing) {
    if (sharing == Sharing::Shared) return PageSource::Shared;
    return frame.flags & frame_is_anonymous ? PageSource::Anonymous : PageSource::File;
}

/// A frame for a program's own data. ENOMEM.
inline Result<FrameRef> allocate_anonymous(Fill fill) {
    FrameRef frame = TRY(frame_allocator.allocate(0, fill, Urgency::User));
    frame.record().flags = frame_is_anonymous;
    return frame;
}

}
