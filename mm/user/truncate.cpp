// SPDX-License-Identifier: MIT
// A file becomes shorter while programs map it: pages beyond its new end leave their page tables, so the next access
// there faults and finds the end (SIGBUS). The truncating thread walks the object's mappings, with a mark in their
// list for its position:
//
//   a VMA ahead of the mark goes      nothing is left to do for it
//   a VMA is split, moved or forked   the new VMA enters the list last, so it is still ahead; the space's lock, held for
//                                     writing, keeps this from happening halfway
//   a fault is in progress            it holds the space's lock for reading, so it comes before (its page is found here)
//                                     or after (it sees the new end)
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

void VmObject::pass(Mapping& mark) {
    auto const next = std::next(mappings_.iterator_to(mark));
    mappings_.erase(mappings_.iterator_to(mark));
    mappings_.insert(std::next(next), mark);
}

/// The space of the first mapping ahead of the mark. Null: there is none, and the mark has been removed.
Ref<AddressSpace> VmObject::next_space(Mapping& mark) {
    Locked const guard(mappings_lock_);
    for (;; pass(mark)) {
        auto const next = std::next(mappings_.iterator_to(mark));
        if (next == mappings_.end()) {
            mappings_.erase(mappings_.iterator_to(mark));
            return nullptr;
        }
        // A space without references is ending: nobody runs in it, and it releases its pages itself.
        if (next->space && next->space->try_acquire_ref()) return Ref<AddressSpace>::adopt(next->space);
    }
}

/// The mapping ahead of the mark, if it belongs to `space`, whose lock is held for writing; the mark moves past it.
Mapping* VmObject::next_of(Mapping& mark, AddressSpace const& space) {
    Locked const guard(mappings_lock_);
    auto const next = std::next(mappings_.iterator_to(mark));
    if (next == mappings_.end() || next->space != &space) return nullptr;
    pass(mark);
    return &*next;
}

bool VmObject::unmap_from(u64 first) {
    Mapping mark;
    {
        Locked const guard(mappings_lock_);
        if (mappings_.empty()) return true;
        mappings_.push_front(mark);
    }
    bool is_complete = true;
    while (auto const space = next_space(mark)) is_complete &= space->forget_pages(*this, mark, first);
    return is_complete;
}

/// Handles this space's mappings ahead of `mark`. A private copy may lie in a table shared with another program,
/// which cannot be copied if no frame at all is left. Then that copy stays, which only this program can see, and the
/// result is false.
bool AddressSpace::forget_pages(VmObject& object, Mapping& mark, u64 first) {
    WriteGuard const guard(lock_);
    note_peak(guard);
    TlbBatch batch(tlb_);
    bool is_complete = true;
    while (Mapping* const mapping = object.next_of(mark, *this)) {
        auto const& vma = static_cast<Vma const&>(*mapping);
        u64 const index = vma.offset >> page_shift;
        u64 const start = vma.start + (first > index ? std::min(first - index, vma.pages()) * page_size : 0);
        if (start == vma.end) continue;
        if (!own_edges(start, vma.end, batch, guard, Urgency::Reserve)) {
            is_complete = false;
            continue;
        }
        drop_shared_tables(start, vma.end, batch, guard);
        zap_range(start, vma.end, vma.attributes.sharing, batch, guard);
    }
    return is_complete;
}

}
