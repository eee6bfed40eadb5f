// SPDX-License-Identifier: MIT
// A file becomes shorter while programs show it: pages beyond its new end leave their page tables, so that the next
// access there is a fault, which finds the end (SIGBUS). Who truncates walks along the object's mappings with a mark in their list:
//
//   a VMA ahead goes     nothing is left of it to do
//   a VMA is split, moved or forked meanwhile    the new one comes last, so it is still ahead; the space's lock, held for
//                        writing, keeps that from happening halfway
//   a fault on its way   it holds the space's lock for reading, and comes before (its page is found here) or after (it sees the new end)
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

void VmObject::pass(Mapping& mark) {
    auto const next = std::next(mappings_.iterator_to(mark));
    mappings_.erase(mappings_.iterator_to(mark));
    mappings_.insert(std::next(next), mark);
}

/// The space of the first mapping ahead. Null: there is none, and the mark is gone.
Ref<AddressSpace> VmObject::next_space(Mapping& mark) {
    MappingsGuard const guard(mappings_lock_);
    for (;; pass(mark)) {
        auto const next = std::next(mappings_.iterator_to(mark));
        if (next == mappings_.end()) {
            mappings_.erase(mappings_.iterator_to(mark));
            return nullptr;
        }
        // A space without references ends: nobody runs in it, and it gives its pages back itself.
        if (next->space && next->space->try_acquire_ref()) return Ref<AddressSpace>::adopt(next->space);
    }
}

/// The mapping ahead, if it is one of `space`, whose lock is held for writing; the mark passes it.
Mapping* VmObject::next_of(Mapping& mark, AddressSpace const& space) {
    MappingsGuard const guard(mappings_lock_);
    auto const next = std::next(mappings_.iterator_to(mark));
    if (next == mappings_.end() || next->space != &space) return nullptr;
    pass(mark);
    return &*next;
}

bool VmObject::unmap_from(u64 first) {
    Mapping mark;
    {
        MappingsGuard const guard(mappings_lock_);
        if (mappings_.empty()) return true;
        mappings_.push_front(mark);
    }
    bool is_complete = true;
    while (auto const space = next_space(mark)) is_complete &= space->forget_pages(*this, mark, first);
    return is_complete;
}

/// For the mappings of this space ahead of `mark`. A table that a private copy lies in may be shared with another program and
/// cannot be copied when there is no frame left at all: then such copies stay, which no one but this program can see. False.
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
