// SPDX-License-Identifier: MIT
// madvise(2) and msync(2): calls on a range that change no VMA.
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

/// Calls act(vma, start, end) for each mapped part of [start, end), which is not empty and may reach beyond user
/// space. ENOMEM if there is a hole, after the rest has been done.
template <class Action>
Result<> AddressSpace::for_each_mapped(u64 start, u64 end, Action&& act) const {
    u64 at = start;
    bool hole = false;
    for (Vma* vma = vmas_.first_ending_above(start); vma && vma->start < end; vma = vmas_.next(*vma)) {
        if (vma->start > at) hole = true;
        TRY(act(*vma, std::max(start, vma->start), std::min(end, vma->end)));
        at = vma->end;
    }
    if (hole || at < end) return fail(ENOMEM);
    return {};
}

Result<> AddressSpace::advise(UserAddr start, u64 size, Advice advice) {
    u64 const pages = align_up(size, page_size), end = start.value() + pages;
    if (!start.is_page_aligned() || pages < size || end < start.value()) return fail(EINVAL);
    if (pages == 0) return {};
    WriteGuard const guard(lock_);
    note_peak(guard);
    TlbBatch batch(tlb_);
    return for_each_mapped(start.value(), end, [&](Vma& vma, u64 from, u64 to) -> Result<> {
        lock_.assert_held();
        bool const is_refused = advice != Advice::Normal && advice != Advice::WillNeed && advice != Advice::DontNeedLocked;
        if (is_refused && vma.is_locked()) return fail(EINVAL);
        if (advice == Advice::Free && (vma.object || vma.is_shared())) return fail(EINVAL);
        // MADV_FREE lets the kernel take the pages at any time before they are next written: this one takes them at
        // once.
        if (advice != Advice::DontNeed && advice != Advice::DontNeedLocked && advice != Advice::Free) return {};
        TRY(own_edges(from, to, batch, guard));
        drop_shared_tables(from, to, batch, guard);
        zap_range(from, to, vma.attributes.sharing, batch, guard);
        return {};
    });
}

/// Files live in memory, so there is nothing to write back and no second copy: only the range is checked.
Result<> AddressSpace::sync(UserAddr start, u64 size, bool invalidates) {
    if (!start.is_page_aligned()) return fail(EINVAL);
    u64 const end = start.value() + align_up(size, page_size);   // as on Linux, a size whose last page wraps rounds up to 0
    if (end < start.value()) return fail(ENOMEM);
    if (end == start.value()) return {};
    ReadGuard const guard(lock_);
    return for_each_mapped(start.value(), end, [invalidates](Vma& vma, u64, u64) {
        return invalidates && vma.is_locked() ? Result<>(fail(EBUSY)) : Result<>();
    });
}

}
