// SPDX-License-Identifier: MIT
// shmdt(2): since shmat, an attachment may have been cut into several VMAs (mprotect, munmap), enlarged, or moved
// (mremap).
#include "mm/user/address_space.h"

namespace mm {

/// As on Linux: a piece counts if it lies where its attachment at `start` would have it. The first piece found,
/// however far away and however long, decides which attachment is meant; further pieces go only if they belong to
/// that one, not to another of the same segment. The search stops at the first VMA, of any kind, that ends beyond the
/// segment's size: that VMA and all above it stay.
Result<Ref<VmObject>> AddressSpace::detach(UserAddr start) {
    if (!start.is_page_aligned()) return fail(EINVAL);
    Ref<VmObject> segment;
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    u64 const base = start.value();
    u64 end = base;
    u32 opening = 0;
    for (Vma* vma = vmas_.first_ending_above(base); vma; vma = vmas_.first_ending_above(end)) {
        u64 const from = vma->start;
        end = vma->end;
        if (segment && end - base > segment->segment_size()) break;
        bool const lies_right = vma->object && vma->object->segment_size() != 0 && from >= base && from - base == vma->offset;
        if (!lies_right || (segment && (vma->object != segment || vma->attributes.opening != opening))) continue;
        segment = vma->object;
        opening = vma->attributes.opening;
        TRY(unmap_range(from, end, removed, guard));
    }
    if (!segment) return fail(EINVAL);
    return segment;
}

}
