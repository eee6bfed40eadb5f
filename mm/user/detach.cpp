// SPDX-License-Identifier: MIT
// shmdt(2): an attachment may have been cut into several VMAs (mprotect, munmap) since shmat.
#include "mm/user/address_space.h"

namespace mm {

Result<Ref<VmObject>> AddressSpace::detach(UserAddr start) {
    if (!start.is_page_aligned()) return fail(EINVAL);
    Ref<VmObject> segment;
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    u64 const base = start.value();
    u64 end = base;
    for (Vma* vma = vmas_.first_ending_above(base); vma; vma = vmas_.first_ending_above(end)) {
        u64 const from = vma->start;
        end = vma->end;
        u64 const size = segment ? segment->segment_size() : vma->object ? vma->object->segment_size() : 0;
        if (segment && from - base >= size) break;
        bool const is_piece = size != 0 && from >= base && from - base == vma->offset && (!segment || segment == vma->object);
        if (!is_piece) continue;
        segment = vma->object;
        TRY(unmap_range(from, end, removed, guard));
    }
    if (!segment) return fail(EINVAL);
    return segment;
}

}
