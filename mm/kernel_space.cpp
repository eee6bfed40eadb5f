// SPDX-License-Identifier: MIT
// Builds the final kernel page tables. The image is mapped with exact rights. The direct map shows
// all RAM, but nothing writable that the image has read-only, and no device: a cached alias of
// device memory would be a machine check waiting to happen (Intel SDM vol. 3, 12.12.4).
#include "mm/kernel_space.h"

#include <arch/image.h>
#include <arch/tlb.h>
#include <base/log.h>
#include <base/panic.h>
#include <boot/early_screen.h>

#include "mm/slab.h"

namespace mm {

constinit KernelSpace kernel_space;

namespace {

constexpr u64 large_page = 2 * mib;
constexpr arch::PageFlags data_flags{.writable = true, .global = true};

arch::PageEntry& top_entry(PhysAddr root, u64 address) {
    return FrameTables::entries(root)[address >> 39 & (arch::entries_per_table - 1)];
}

void must(Result<> mapped) {
    if (!mapped) panic("not enough memory for the kernel's page tables");
}

}

void KernelSpace::initialize() {
    PhysAddr const boot_root = arch::current_page_table_root();
    auto root = frame_allocator.allocate(0, Fill::Zero);
    if (!root) panic("not enough memory for the kernel's page tables");
    table_ = PageTable::wrap(frame_address(root->leak()));
    map_direct();
    map_image();
    table_.set(top_entry(table_.root(), frame_records_base), top_entry(boot_root, frame_records_base));
    for (u64 directory = 0; directory < stack_slots * stack_slot_size; directory += gib)
        must(table_.reserve_table(stacks_base + directory, 2));
    must(table_.reserve_table(windows_base, 3));
    must(table_.reserve_table(pages_base, 3));
    auto const screen = boot::early_screen_memory();
    auto const window = map_mmio(screen.start, screen.size, screen.pixels ? arch::CacheMode::WriteCombining : arch::CacheMode::Uncached);
    arch::tlb_set_kernel_root(table_.root());
    boot::early_screen_move(window ? *window : nullptr);
    log_info("memory", "direct map in {} pages, {} page tables for the kernel",
             arch::cpu_features.gigabyte_pages ? "1 GiB and smaller" : "2 MiB and smaller", table_.table_frames());
}

void KernelSpace::map_direct() {
    MemoryMap writable = frame_allocator.ram();
    for (auto const& segment : arch::image_segments()) {
        u64 const start = segment.physical().value(), size = segment.end - segment.start;
        if (segment.flags.writable || size == 0) continue;
        writable.remove(start, start + size);
        must(table_.map_range(arch::direct_map_base + start, PhysAddr(start), size, {.global = true}));
    }
    for (auto const& range : writable.ranges())
        must(table_.map_range(arch::direct_map_base + range.start, PhysAddr(range.start), range.size(), data_flags));
}

void KernelSpace::map_image() {
    for (auto const& segment : arch::image_segments())
        must(table_.map_range(segment.start, segment.physical(), segment.end - segment.start, segment.flags));
}

Result<void*> KernelSpace::map_mmio(PhysAddr start, u64 size, arch::CacheMode cache) {
    return map_window(start, size, {.writable = true, .global = true, .cache = cache});
}

Result<std::span<std::byte const>> KernelSpace::look_at(PhysAddr start, u64 size) {
    void const* const bytes = frame_allocator.ram().contains_all(start.value(), size) ? arch::direct_map(start)
                                                                                     : TRY(map_window(start, size, {.global = true}));
    return std::span(static_cast<std::byte const*>(bytes), size);
}

Result<void*> KernelSpace::map_window(PhysAddr start, u64 size, arch::PageFlags flags) {
    u64 const end_of_bus = u64{1} << arch::cpu_features.physical_bits;
    if (size == 0 || start.value() >= end_of_bus || size > end_of_bus - start.value()) return fail(EINVAL);
    PhysAddr const first = start.page_down();
    u64 const bytes = (start + size).page_up() - first;
    Locked const guard(lock_);
    u64 window = next_window_;
    if (bytes >= large_page) window = align_up(window, large_page) + first.value() % large_page;
    if (bytes > windows_base + slot_size - window) return fail(ENOMEM);
    next_window_ = window + bytes + page_size;   // a page apart: an overrun faults
    TRY(table_.map_range(window, first, bytes, flags));
    return reinterpret_cast<void*>(window + start.page_offset());
}

Result<u64> KernelSpace::back_with_frames(u64 start, u64 end) {
    Locked const guard(lock_);
    u64 taken = 0;
    for (u64 address = start, size; address < end; address += size) {
        size = page_size;
        if (table_.is_mapped(address)) continue;
        FrameRef frame;
        if (is_aligned(address, large_page) && end - address >= large_page)
            if (auto large = frame_allocator.allocate(9, Fill::Zero)) frame = std::move(*large), size = large_page;
        if (!frame) frame = TRY(frame_allocator.allocate(0, Fill::Zero));
        TRY(table_.map_range(address, frame.address(), size, data_flags));
        static_cast<void>(frame.leak());
        taken += size;
    }
    return taken;
}

u64 free_frames() {
    return frame_allocator.statistics().free + slab_statistics().empty_frames + kernel_space.cached_frames();
}

}
