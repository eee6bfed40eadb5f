// SPDX-License-Identifier: MIT
// Large buffers: virtually contiguous memory from scattered frames. Each power of two of pages has 512 places of its
// own, so a place is found and returned in O(1) and nothing fragments.
// Invariant: at least one page behind each buffer stays unmapped.
#include <bit>

#include <arch/tlb.h>
#include <base/panic.h>

#include "mm/kernel_space.h"

namespace mm {

namespace {

constexpr u64 chunk_pages = 64;   ///< mapped or unmapped in one hold of the lock
constexpr u64 most_tables = 4;    ///< that unmapping a chunk may empty: two leaf tables, and those above

/// Pages of all the places in the classes below `size_class`.
constexpr u64 pages_below(u32 size_class, u32 places) { return ((u64{1} << size_class) - 1) * places; }

}

Result<u64> KernelSpace::take_place(u64 pages) {
    Locked const guard(lock_);
    for (u32 c = static_cast<u32>(std::bit_width(pages)); c < page_classes; ++c) {
        u32 const place = places_[c].take();
        if (place != places_[c].none)
            return pages_base + (pages_below(c, places_per_class) + (u64{place} << c)) * page_size;
    }
    return fail(ENOMEM);
}

u32 KernelSpace::class_of(u64 address) {
    u64 const page = (address - pages_base) >> page_shift;
    return static_cast<u32>(std::bit_width(page / places_per_class + 1)) - 1;
}

void KernelSpace::give_place(u64 address) {
    u32 const c = class_of(address);
    u64 const place = (((address - pages_base) >> page_shift) - pages_below(c, places_per_class)) >> c;
    Locked const guard(lock_);
    ASSERT(place < places_per_class && !places_[c].is_free(static_cast<u32>(place)));
    places_[c].give(static_cast<u32>(place));
}

Result<void*> KernelSpace::allocate_pages(u64 size) {
    static_assert(pages_below(page_classes, places_per_class) * page_size <= slot_size);
    if (size == 0 || size > slot_size) return fail(ENOMEM);
    u64 const bytes = align_up(size, page_size);
    if (!frame_allocator.may_take(bytes >> page_shift)) return fail(ENOMEM);   // fail before taking all there is
    u64 const start = TRY(take_place(bytes >> page_shift));
    if (auto mapped = map_pages(start, start + bytes); !mapped) {
        unmap_pages(start, start + bytes);
        give_place(start);
        return fail(mapped.error());
    }
    return reinterpret_cast<void*>(start);
}

void KernelSpace::free_pages(void* start) {
    u64 const address = reinterpret_cast<u64>(start);
    unmap_pages(address, address + (page_size << class_of(address)));
    give_place(address);
}

Result<> KernelSpace::map_pages(u64 start, u64 end) {
    while (start < end) {
        Locked const guard(lock_);
        for (u64 const stop = std::min(end, start + chunk_pages * page_size); start < stop; start += page_size) {
            FrameRef frame = TRY(frame_allocator.allocate());
            auto* const entry = TRY(table_.find_or_create(start));
            table_.set(*entry, arch::PageEntry::leaf(frame.address(), {.writable = true, .global = true}));
            static_cast<void>(frame.leak());
        }
    }
    return {};
}

/// Releases frames, including those of tables, only when no CPU can reach them any more. (Any INVLPG also drops the
/// cached upper levels: Intel SDM vol. 3, 4.10.4.1.)
void KernelSpace::unmap_pages(u64 start, u64 end) {
    while (start < end) {
        u64 const stop = std::min(end, start + chunk_pages * page_size);
        Frame* frames[chunk_pages + most_tables];
        size_t count = 0;
        {
            Locked const guard(lock_);
            table_.for_each_present(start, stop, [&](u64, arch::PageEntry& entry) {
                frames[count++] = &frame_record(entry.address());
                table_.set(entry, arch::PageEntry());
            });
            u64 const tables = table_.table_frames();
            table_.free_empty_tables(start, stop, [&](PhysAddr table) { frames[count++] = &frame_record(table); });
            if (count != 0) arch::tlb_flush_kernel(start, stop, table_.table_frames() != tables);
        }
        while (count != 0) frame_release(*frames[--count]);
        start = stop;
    }
}

}
