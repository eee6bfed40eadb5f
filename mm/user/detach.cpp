// SPDX-License-Identifier: MIT
// shmdt(2): an attachment may have been cut into several VMAs (mprotect, munmap), enlarged and moved (mremap) since shmat.
#include "mm/user/address_space.h"

namespace mm {

/// As Linux: a piece lies where its attachment at `start` has it. The first piece, however far away and however long it is, says
/// which attachment it was; of that one alone, not of another of the same segment, the further pieces go. They are looked for up to
/// the first VMA, of whatever kind, that ends beyond the segment's size: it stays with all behind it.
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
