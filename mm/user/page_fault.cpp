// SPDX-License-Identifier: MIT
// Page faults: demand paging and stack growth. lock_ is held for reading, so VMAs do not change. Frames are found or
// made with no spin lock held (a file may sleep), then the entry is checked again under page_table_lock_: if another
// thread was faster, the access is simply retried.
#include "mm/user/address_space.h"
#include "mm/user/shared_tables.h"
#include "mm/user/user_page.h"

namespace mm {

namespace {

/// A write or an execution needs its own right; a read works with any right, as on Linux.
bool permits(Protection protection, FaultKind kind) {
    if (kind == FaultKind::Write) return protection.write;
    if (kind == FaultKind::Execute) return protection.execute;
    return !protection.none();
}

FaultResult result_of(Errno error) {
    return error.value == ENOMEM ? FaultResult::OutOfMemory : FaultResult::PastEnd;
}

}

/// The absent entry to fill; null if there is no memory for its table, or if another thread was faster (see
/// `result`).
inline arch::PageEntry* AddressSpace::absent_entry(Fault const& fault, PageTableGuard const&, FaultResult& result) {
    arch::PageEntry* entry = fault.entry;
    if (!entry) [[unlikely]] {
        auto const created = page_table_.find_or_create(fault.page);
        if (!created) {
            result = FaultResult::OutOfMemory;
            return nullptr;
        }
        note_tables();
        entry = *created;
    }
    return entry->is_present() ? nullptr : entry;
}

/// Puts `frame` into the absent entry, and counts the event in `counter`.
[[gnu::always_inline]] inline FaultResult AddressSpace::install(Fault const& fault, FrameRef frame, Writable writable, PageSource source,
                                                                arch::PerCpu<u64>& counter) {
    auto result = FaultResult::Handled;
    Locked const guard(page_table_lock_);
    arch::PageEntry* const entry = absent_entry(fault, guard, result);
    if (!entry) [[unlikely]] return result;
    page_table_.set(*entry, user_entry(frame.address(), fault.vma, writable));
    counter.add(1);
    count_page(*entry, source, 1);
    static_cast<void>(frame.leak());   // the entry owns it now
    return result;
}

inline FaultResult AddressSpace::install_zero_frame(Fault const& fault) {
    auto result = FaultResult::Handled;
    Locked const guard(page_table_lock_);
    arch::PageEntry* const entry = absent_entry(fault, guard, result);
    if (!entry) [[unlikely]] return result;
    page_table_.set(*entry, user_entry(zero_frame_address, fault.vma, Writable::No));
    count_zero_page(*entry, 1);
    vm_events.zero_page_maps.add(1);
    return result;
}

inline FaultResult AddressSpace::map_anonymous(Fault const& fault) {
    if (fault.kind != FaultKind::Write) return install_zero_frame(fault);
    auto frame = allocate_anonymous(Fill::Zero);
    if (!frame) return FaultResult::OutOfMemory;
    return install(fault, std::move(*frame), Writable::Yes, PageSource::Anonymous, vm_events.anonymous_pages);
}

FaultResult AddressSpace::map_private_copy(Fault const& fault, FrameRef const& original) {
    auto frame = copy_frame(original.address());
    if (!frame) return FaultResult::OutOfMemory;
    fault.vma.has_private_pages.store(true, std::memory_order_relaxed);
    return install(fault, std::move(*frame), Writable::Yes, PageSource::Anonymous, copy_counter(original.address()));
}

FaultResult AddressSpace::map_object(Fault const& fault) {
    Vma& vma = fault.vma;
    bool const writes_object = vma.is_shared() && vma.attributes.protection.write;
    bool const copies = fault.kind == FaultKind::Write && !vma.is_shared();
    u64 const index = vma.page_index(fault.page);
    auto frame = vma.object->page(index, writes_object ? Access::Write : Access::Read);
    // A mapped hole needs its own frame now, or this mapping would miss later writes to the file.
    if (frame && !copies && is_zero_frame(frame->address())) frame = vma.object->page(index, Access::Write);
    if (!frame) return result_of(frame.error());
    if (copies) return map_private_copy(fault, *frame);
    if (fault.kind == FaultKind::Write) vma.object->written();
    return install(fault, std::move(*frame), writes_object ? Writable::Yes : Writable::No,
                   vma.is_shared() ? PageSource::Shared : PageSource::File, vm_events.file_maps);
}

inline FaultResult AddressSpace::resolve_fault(Vma& vma, u64 page, FaultKind kind) {
    if (!permits(vma.attributes.protection, kind)) return FaultResult::NotPermitted;
    arch::PageEntry const* const way = page_table_.find_directory_entry(page);
    arch::PageEntry directory = way ? *way : arch::PageEntry();
    if (is_shared(directory)) [[unlikely]] {
        if (auto const result = own_table_for_fault(page); result != FaultResult::Handled) return result;
        directory = *way;
    }
    arch::PageEntry* const entry = directory.is_present() ? page_table_.leaf_below(directory, page) : nullptr;
    Fault const fault{vma, page, kind, entry, entry ? *entry : arch::PageEntry()};
    if (!fault.seen.is_present()) return vma.object ? map_object(fault) : map_anonymous(fault);
    if (kind == FaultKind::Write && !fault.seen.is_writable()) return make_writable(fault);
    return FaultResult::Handled;   // the TLB was out of date
}

FaultResult AddressSpace::handle_fault(UserAddr address, FaultKind kind) {
    vm_events.page_faults.add(1);
    u64 const page = address.page_down().value();
    for (;;) {
        {
            ReadGuard const guard(lock_);
            if (Vma* const vma = find_vma(page)) [[likely]] return resolve_fault(*vma, page, kind);
        }
        if (!grow_stack(page)) return FaultResult::NotMapped;
    }
}

/// True if `page` now lies in a stack. Any address within the limit extends it: programs may touch their stack in any
/// order.
bool AddressSpace::grow_stack(u64 page) {
    WriteGuard const guard(lock_);
    Vma* const stack = vmas_.first_ending_above(page);
    if (!stack) return false;
    if (stack->start <= page) return true;   // another thread was faster
    if (!stack->is_stack() || page < VmaSet::lowest_address || stack->end - page > limits_.stack) return false;
    Vma const* const below = vmas_.previous(*stack);
    if (below && !below->is_stack() && !below->attributes.protection.none() && page - below->end < VmaSet::stack_guard_gap) return false;
    if (!may_expand((stack->start - page) >> page_shift, 0, guard)) return false;
    vmas_.resize(*stack, page, stack->end);
    return true;
}

}
