// SPDX-License-Identifier: MIT
// mprotect(2): changes the rights of a range, VMA by VMA; pages before an error keep their new rights, as on Linux.
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"
#include "mm/user/user_page.h"

namespace mm {

namespace {

/// A page keeps its write right. It also gets one at once if its first write would only find that no copy is needed.
bool may_be_writable(Vma const& vma, arch::PageEntry entry) {
    if (entry.is_writable()) return true;
    if (vma.is_shared() || is_zero_frame(entry.address())) return false;
    return is_exclusive(frame_record(entry.address()));
}

}

/// Gives the present entries of a VMA its new rights. If rights only grow, nothing is flushed: a stale translation
/// faults once and is recognised as stale.
void AddressSpace::change_entries(Vma const& vma, Protection old, TlbBatch& batch, WriteGuard const&) {
    bool const can_write = vma.attributes.protection.write;
    bool const narrows = !vma.attributes.protection.covers(old);
    page_table_.for_each_present(vma.start, vma.end, [&](u64 address, arch::PageEntry& entry) {
        auto const writable = can_write && may_be_writable(vma, entry) ? Writable::Yes : Writable::No;
        entry = user_entry(entry.address(), vma, writable);   // still present: its table's count stays
        if (narrows) batch.changed(address);
    });
}

Result<> AddressSpace::protect_piece(Vma& whole, u64 start, u64 end, Protection protection, TlbBatch& batch, WriteGuard const& guard) {
    VmaAttributes const& attributes = whole.attributes;
    if (!attributes.max_protection.covers(protection)) return fail(EACCES);
    Protection const old = attributes.protection;
    if (old == protection) return {};
    bool const becomes_data = !whole.is_shared() && protection.write && !old.write;
    if (becomes_data && !whole.is_stack() && !may_expand(0, (end - start) >> page_shift, guard)) return fail(ENOMEM);
    if (becomes_data && !attributes.no_reserve && is_obvious_overcommit(end - start)) return fail(ENOMEM);
    TRY(own_tables(start, end, batch, guard));
    Vma& piece = *TRY(vmas_.piece(whole, start, end));
    vmas_.set_protection(piece, protection);
    change_entries(piece, old, batch, guard);
    return {};
}

/// Where the stack begins that reaches into [start, end). ENOMEM; EINVAL: the VMA there does not grow.
Result<u64> AddressSpace::lower_end(u64 start, u64 end, WriteGuard const&) const {
    Vma const* const vma = vmas_.first_ending_above(start);
    if (!vma || vma->start >= end) return fail(ENOMEM);
    return vma->is_stack() ? Result<u64>(vma->start) : fail(EINVAL);
}

Result<> AddressSpace::protect(UserAddr first, u64 size, Protection protection, bool with_lower_end) {
    if (!first.is_page_aligned()) return fail(EINVAL);
    if (size == 0) return {};
    u64 const end = TRY(checked_end(first.value(), size));
    WriteGuard const guard(lock_);
    forget_last_found(guard);
    TlbBatch batch(tlb_);
    u64 const start = with_lower_end ? TRY(lower_end(first.value(), end, guard)) : first.value();
    return vmas_.change_pieces(start, end, [&](Vma& vma, u64 from, u64 to) {
        lock_.assert_held();
        return protect_piece(vma, from, to, protection, batch, guard);
    });
}

}
