// SPDX-License-Identifier: MIT
// One page in a program's page table: how its entry is made and whose frame it shows.
#pragma once

#include "mm/page_table.h"
#include "mm/user/vm_counters.h"
#include "mm/user/vma.h"

namespace mm {

/// Frame::flags of a frame that belongs to the programs that map it, not to a file: it counts as
/// anonymous memory, and its last mapper may write to it in place.
inline constexpr u16 frame_is_anonymous = 1;

enum class Writable : bool { No, Yes };

/// Entries hold no reference to the frame of zeros and it is in nobody's resident set: its count
/// would be the only one that grows with the address space and not with memory.
/// (Any other frame is mapped at most once by a VMA, and 2^32 VMAs do not fit into memory.)
extern constinit PhysAddr zero_frame_address;
inline bool is_zero_frame(PhysAddr frame) { return frame == zero_frame_address; }

/// The entry that shows `frame` with the rights of its VMA; writable only if both say so. Without any
/// right the page stays in place, out of everyone's reach.
inline arch::PageEntry user_entry(PhysAddr frame, Vma const& vma, Writable writable) {
    arch::PageEntry const entry(vma.rights.raw() | frame.value());
    return writable == Writable::Yes ? entry : entry.without_write();
}

/// The same frame with the same rights; the CPU may have set accessed and dirty in between.
inline bool is_same_mapping(arch::PageEntry a, arch::PageEntry b) {
    return a.is_accessible() == b.is_accessible() && a.is_writable() == b.is_writable() && a.address() == b.address();
}

/// True if nobody but the entry that shows this anonymous frame holds it.
inline bool is_exclusive(Frame const& frame) {
    // Ordering: acquire, with the release in frame_release: the other owners are done with it.
    return (frame.flags & frame_is_anonymous) && frame.references.load(std::memory_order_acquire) == 1;
}

/// Whose a mapped frame is (not the frame of zeros).
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
