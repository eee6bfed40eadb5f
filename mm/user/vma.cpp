// SPDX-License-Identifier: MIT
// Creation, copy and end of one VMA. Invariant: a shared VMA is announced to its object (mapped()) from its creation
// to its end.
#include "mm/user/vma.h"

namespace mm {

Vma::Vma(u64 from, u64 to, u64 object_offset, Ref<VmObject> source, VmaAttributes const& what)
    : start(from), end(to), offset(object_offset), object(std::move(source)), attributes(what) {
    set_protection(what.protection);
    if (object && is_shared()) object->mapped(true, attributes.max_protection.write);
}

Vma::~Vma() {
    if (space) object->leave(*this);
    if (object && is_shared()) object->mapped(false, attributes.max_protection.write);
}

Vma* Vma::clone(u64 from, u64 to) const {
    auto* copy = new (std::nothrow) Vma(from, to, object ? offset + (from - start) : 0, object, attributes);
    if (copy) copy->has_private_pages.store(has_private_pages.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return copy;
}

bool Vma::can_merge_with(Vma const& upper) const {
    return attributes == upper.attributes && object == upper.object &&
           (!object || offset + (end - start) == upper.offset);
}

RemovedVmas::~RemovedVmas() {
    while (first_) {
        Vma* const vma = first_;
        first_ = vma->next_removed;
        delete vma;
    }
}

}
