// SPDX-License-Identifier: MIT
// Copy-on-write, the heart of the kernel: fork shares every private page read-only; the first write to a page copies
// it, and the last sharer's write takes it in place. The frame's reference count says how many entries show it. (If a
// table is full of pages, fork shares the whole table instead: shared_tables.h.)
//
//   two sharers write at once           both copy, each drops its reference: the frame is freed
//   a sharer writes, the other exits    it sees one reference (acquire) and writes in place
#include <base/trace.h>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"
#include "mm/user/user_page.h"

namespace mm {

/// An anonymous copy of a frame. While it is made, another thread that resolves the same fault may change or even
/// free the frame: then the entry has changed too, and the copy is dropped.
Result<FrameRef> AddressSpace::copy_frame(PhysAddr original) {
    if (is_zero_frame(original)) return allocate_anonymous(Fill::Zero);
    FrameRef copy = TRY(allocate_anonymous(Fill::Dirty));
    arch::copy_page(copy.data(), arch::direct_map(original));
    return copy;
}

arch::PerCpu<u64>& AddressSpace::copy_counter(PhysAddr original) {
    return is_zero_frame(original) ? vm_events.anonymous_pages : vm_events.cow_copies;
}

/// Handles a write to a page whose entry is present and read-only, in a VMA that allows writing.
FaultResult AddressSpace::make_writable(Fault const& fault) {
    if (fault.vma.is_shared()) return make_shared_writable(fault);
    PhysAddr const original = fault.seen.address();
    // Other holders may go away from here on: then the copy was not needed, but does no harm.
    if (!is_zero_frame(original) && is_exclusive(frame_record(original))) return reuse_in_place(fault);
    auto copy = copy_frame(original);
    if (!copy) return FaultResult::OutOfMemory;
    fault.vma.has_private_pages.store(true, std::memory_order_relaxed);
    return replace(fault, std::move(*copy), PageSource::Anonymous, copy_counter(original));
}

/// mprotect made the page writable: the object must be notified.
FaultResult AddressSpace::make_shared_writable(Fault const& fault) {
    auto frame = fault.vma.object->page(fault.vma.page_index(fault.page), Access::Write);
    if (!frame) return frame.error().value == ENOMEM ? FaultResult::OutOfMemory : FaultResult::PastEnd;
    fault.vma.object->written();
    return replace(fault, std::move(*frame), PageSource::Shared, vm_events.file_maps);
}

/// With one reference and an unchanged entry there is no other holder, because only a holder of a frame can share it.
inline FaultResult AddressSpace::reuse_in_place(Fault const& fault) {
    Locked const guard(page_table_lock_);
    if (!is_same_mapping(*fault.entry, fault.seen)) return FaultResult::Handled;
    *fault.entry = fault.entry->with_write();   // rights only grow, so no flush
    vm_events.cow_reuses.add(1);
    TRACE_EVENT(CowReuse, fault.page);
    return FaultResult::Handled;
}

/// Makes the entry show `frame`, writable, in place of another frame, which is released once no CPU can reach it any
/// more.
inline FaultResult AddressSpace::replace(Fault const& fault, FrameRef frame, PageSource source, arch::PerCpu<u64>& counter) {
    PhysAddr const original = fault.seen.address();
    FrameRef replaced;
    {
        Locked const guard(page_table_lock_);
        if (!is_same_mapping(*fault.entry, fault.seen)) return FaultResult::Handled;
        if (!is_zero_frame(original)) {
            replaced = FrameRef::adopt(frame_record(original));
            count_page(*fault.entry, source_of(replaced.record(), fault.vma.attributes.sharing), ~u64{0});
        } else {
            count_zero_page(*fault.entry, ~u64{0});
        }
        count_page(*fault.entry, source, 1);
        *fault.entry = user_entry(frame.address(), fault.vma, Writable::Yes);
        static_cast<void>(frame.leak());
    }
    // Threads on other CPUs may read the old frame until this flush; one that faults there in the meantime finds the
    // new entry.
    TlbBatch::flush_page(tlb_, fault.page);
    counter.add(1);
    TRACE_EVENT(CowCopy, fault.page);
    return FaultResult::Handled;
}

// ---- fork

/// Not analysed: the child is not yet visible to anyone else, so its lock is not taken.
Result<> AddressSpace::copy_from(AddressSpace const& parent) NO_THREAD_SAFETY_ANALYSIS {
    limits_ = parent.limits_;
    layout_ = parent.layout_;
    heap_start_ = parent.heap_start_;
    break_ = parent.break_;
    vmas_.set_search_top(parent.vmas_.search_top());
    for (Vma const* vma = parent.vmas_.first(); vma; vma = parent.vmas_.next(*vma)) {
        Vma* const copy = vma->clone(vma->start, vma->end);
        if (!copy) return fail(ENOMEM);
        copy->attributes.locking = Locking::None;   // a child inherits no locks
        vmas_.insert(*copy);
    }
    return {};
}

/// From here on a truncation may visit the child. It visits the parent first, whose lock is still held, so it finds a
/// copied page beyond the new end in the child too.
void AddressSpace::begin_showing() NO_THREAD_SAFETY_ANALYSIS {
    vmas_.announce_as(*this);
    note_tables();
}

/// Makes the child show the private pages of [first, last], in one table, too; read-only in both: some twenty
/// instructions a page. ENOMEM.
Result<> AddressSpace::copy_entries(arch::PageEntry directory, u64 first, u64 last, AddressSpace& child, TlbBatch& batch, WriteGuard const&) {
    bool narrowed = false;
    auto const result = page_table_.for_each_pair(directory, child.page_table_, first, last, [&](u64, arch::PageEntry& own, arch::PageEntry& copy) {
        if (own.is_writable()) {
            own = own.without_write();
            narrowed = true;
        }
        copy = own;
        if (is_zero_frame(own.address())) return count_zero_page(copy, 1);
        Frame& frame = frame_record(own.address());
        frame_acquire(frame);
        if (!(frame.flags & frame_is_anonymous)) child.count_page(copy, PageSource::File, 1);
    });
    if (narrowed) batch.changed_all();
    return result;
}

/// What fork does with the table that begins at `base`: decided once, however many VMAs reach into it.
struct AddressSpace::TableVerdict {
    u64 base = ~u64{0};
    bool shares = false;
};

/// Handles the private pages of `vma`, table by table: shares a full table itself, copies the entries of the others.
/// ENOMEM.
Result<> AddressSpace::share_pages(Vma const& vma, AddressSpace& child, TableVerdict& verdict, TlbBatch& batch, WriteGuard const& guard) {
    Result<> result;
    page_table_.for_each_table(vma.start, vma.end, [&](arch::PageEntry& directory, u64 first, u64 last) {
        lock_.assert_held();
        if (!result) return;
        u64 const base = align_down(first, arch::entries_per_table * page_size);
        bool const is_new = base != verdict.base;
        if (is_new) verdict = {base, is_worth_sharing(directory, base, guard)};
        if (!verdict.shares) result = copy_entries(directory, first, last, child, batch, guard);
        else if (is_new) result = share_table(directory, base, child, batch, guard);
    });
    return result;
}

Result<Ref<AddressSpace>> AddressSpace::fork() {
    Ref<AddressSpace> child = TRY(create_silently());
    WriteGuard const guard(lock_);
    TRY(child->copy_from(*this));
    TlbBatch batch(tlb_);
    TableVerdict verdict;
    // Pages that a file or shared memory can supply again are not copied: most children call exec first.
    for (Vma const* vma = vmas_.first(); vma; vma = vmas_.next(*vma)) {
        bool const has_own_pages = !vma->object || vma->has_private_pages.load(std::memory_order_relaxed);
        if (!vma->is_shared() && has_own_pages) TRY(share_pages(*vma, *child, verdict, batch, guard));
    }
    child->count_resident(PageSource::Anonymous, resident(PageSource::Anonymous));   // every one of them was copied
    child->begin_showing();
    vm_events.forks.add(1);
    return child;
}

}
