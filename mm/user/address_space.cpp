// SPDX-License-Identifier: MIT
// Creation and end of an address space, its limits and layout, and its statistics.
#include "mm/user/address_space.h"

#include <base/panic.h>

#include "mm/heap.h"
#include "mm/kernel_space.h"
#include "mm/user/shared_tables.h"
#include "mm/user/user_page.h"

namespace mm {

constinit PhysAddr zero_frame_address;

FrameRef zero_frame() { return FrameRef::share(frame_record(zero_frame_address)); }

void initialize_user_memory() {
    auto frame = frame_allocator.allocate(0, Fill::Zero, Urgency::Kernel);
    if (!frame) panic("no memory for the frame of zeros");
    zero_frame_address = frame_address(frame->leak());   // this reference is never given back
}

/// Not analysed: the space is not yet visible to anyone else.
Result<Ref<AddressSpace>> AddressSpace::create() NO_THREAD_SAFETY_ANALYSIS {
    auto space = TRY(create_silently());
    space->vmas_.announce_as(*space);
    return space;
}

Result<Ref<AddressSpace>> AddressSpace::create_silently() {
    PageTable table = TRY(PageTable::create_user());
    auto* const space = new (std::nothrow) AddressSpace(table);
    if (!space) {
        table.destroy_user();
        return fail(ENOMEM);
    }
    return Ref<AddressSpace>::adopt(space);
}

AddressSpace::AddressSpace(PageTable table) : page_table_(table), tlb_(table.root()) {
    note_tables();
    // Linux keeps at least 128 MiB below the top for the stack; exec sets the real base later.
    vmas_.set_search_top(arch::user_space_end - 128 * mib);
}

/// O(pages touched), without recursion or memory of its own. Holds no lock, so it can be preempted.
AddressSpace::~AddressSpace() {
    arch::tlb_leave(tlb_);   // the CPUs whose kernel threads still have it loaded
    if (may_share_tables_)
        page_table_.for_each_table(0, arch::user_space_end, [this](arch::PageEntry& directory, u64, u64) {
            if (!is_shared(directory)) return;
            Frame& table = frame_record(directory.address());
            page_table_.detach(directory);
            release_leaf_table(table);
        });
    vmas_.for_each([this](Vma& vma) {
        page_table_.take_all(vma.start, vma.end, [](arch::PageEntry entry) {
            PhysAddr const frame = entry.address();
            if (!is_zero_frame(frame)) frame_release(frame_record(frame));
        });
    });
    page_table_.destroy_user();
    vm_events.table_frames.add(0 - noted_tables_);
    for (PageSource source : {PageSource::Anonymous, PageSource::File, PageSource::Shared})
        vm_events.resident[static_cast<size_t>(source)].add(0 - resident_[static_cast<size_t>(source)]);
}

void AddressSpace::set_limits(AddressSpaceLimits const& limits) {
    WriteGuard const guard(lock_);
    limits_ = limits;
}

void AddressSpace::set_mmap_base(UserAddr base) {
    WriteGuard const guard(lock_);
    vmas_.set_search_top(base.page_down().value());
}

ImageLayout AddressSpace::layout() const {
    ReadGuard const guard(lock_);
    ImageLayout layout = layout_;
    layout.heap_start = UserAddr(heap_start_);
    layout.heap_end = UserAddr(break_);
    return layout;
}

void AddressSpace::set_layout(ImageLayout const& layout) {
    WriteGuard const guard(lock_);
    layout_ = layout;
}

AddressSpaceStatistics AddressSpace::statistics() const {
    ReadGuard const guard(lock_);
    Locked const entries(page_table_lock_);
    VmaPages const& pages = vmas_.pages();
    return {.mapped_pages = pages.total,
            .peak_mapped_pages = std::max(peak_mapped_, pages.total),
            .locked_pages = pages.locked,
            .resident_pages = resident_pages(),
            .peak_resident_pages = std::max(peak_resident_, resident_pages()),
            .file_pages = resident(PageSource::File),
            .shared_pages = resident(PageSource::Shared),
            .table_frames = page_table_.table_frames(),
            .data_pages = pages.data,
            .stack_pages = pages.stack,
            .text_pages = pages.text};
}

/// The end of [start, start + size), rounded up to pages, if a program can have such a range. ENOMEM.
Result<u64> AddressSpace::checked_end(u64 start, u64 size) {
    u64 const pages = align_up(size, page_size);
    if (pages < size || start > arch::user_space_end || pages > arch::user_space_end - start) return fail(ENOMEM);
    return start + pages;
}

}
