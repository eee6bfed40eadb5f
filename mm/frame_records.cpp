// SPDX-License-Identifier: MIT
// Boot: finds which memory is RAM, places the frame records, and builds the first free lists. Records are mapped for
// 4 MiB blocks of frames, six pages a block, with the largest pages possible. Below 4 GiB their memory is cut from
// the largest free range; above, it comes from the allocator itself.
// Invariant: runs only on the boot CPU, before any other is started.
#include <algorithm>
#include <cstring>

#include <base/log.h>
#include <base/panic.h>

#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "mm/page_table_walker.h"

namespace mm {

namespace {

constexpr u64 boot_mapped_end = 4 * gib;             ///< boot.asm's direct map
constexpr u64 direct_map_end = 64 * 1024 * gib;
constexpr u64 large_page = 2 * mib;
constexpr u64 block_bytes = Buddy::max_block * page_size;
constexpr arch::PageFlags record_flags{.writable = true, .global = true};

u64 record_address(u64 physical) { return frame_records_base + (physical >> page_shift) * sizeof(Frame); }
static_assert(Buddy::max_block * sizeof(Frame) % page_size == 0, "a block's records are whole pages");
static_assert(direct_map_end / page_size * sizeof(Frame) <= 512 * gib, "one top-level entry holds all records");

void must_fit(bool fits) {
    if (!fits) log_warning("memory", "the memory map is too long; some RAM is left out");
}

/// Where memory comes from before there is an allocator: the top of `range`, whose end moves down.
struct EarlyMemory {
    PhysRange range;
    MemoryMap* free;   ///< loses what is taken
};
EarlyMemory* early;

/// Zeroed memory whose address, divided by `alignment`, leaves `remainder`.
PhysAddr take_early(u64 bytes, u64 alignment, u64 remainder) {
    if (bytes + alignment > early->range.size()) panic("not enough memory for the frame records");
    u64 const start = align_down(early->range.end - bytes - remainder, alignment) + remainder;
    early->range.end = start;
    must_fit(early->free->remove(start, start + bytes));
    std::memset(arch::direct_map(PhysAddr(start)), 0, bytes);
    return PhysAddr(start);
}

PhysRange largest_below(u64 end, MemoryMap const& map) {
    PhysRange largest;
    for (auto const& range : map.ranges())
        if (PhysRange const low{range.start, std::min(range.end, end)}; low.start < end && low.size() > largest.size()) largest = low;
    return largest;
}

/// Tables on the way to the low records: made before there are records to count entries in, and never freed.
struct EarlyTables {
    static Result<PhysAddr> allocate() { return take_early(page_size, page_size, 0); }
    static void free(PhysAddr) {}
    static arch::PageEntry* entries(PhysAddr table) { return static_cast<arch::PageEntry*>(arch::direct_map(table)); }
    static u64& present(arch::PageEntry const&) {
        static constinit u64 not_counted = 0;
        return not_counted;
    }
};
struct BootPageTable : PageTableWalker<EarlyTables> {
    BootPageTable() { root_ = arch::current_page_table_root(); }
};

MemoryMap ram_of(boot::BootInfo const& info) {
    MemoryMap ram;
    std::span const ranges(info.memory, info.memory_count);
    for (auto const& range : ranges)
        if (range.usable) must_fit(ram.add(range.start.value(), range.start.value() + range.size));
    for (auto const& range : ranges)
        if (!range.usable) must_fit(ram.remove(range.start.value(), range.start.value() + range.size));
    must_fit(ram.remove(direct_map_end, ~u64{0}));
    // Even if the map calls a screen's memory RAM, it is the screen: the allocator must not hand it out.
    if (auto const& screen = info.framebuffer; screen.kind == boot::Framebuffer::Kind::Linear)
        must_fit(ram.remove(screen.address.value(), screen.address.value() + u64{screen.pitch} * screen.height));
    return ram;
}

}

/// Not analysed: no other CPU runs yet.
void FrameAllocator::initialize(boot::BootInfo const& info) NO_THREAD_SAFETY_ANALYSIS {
    ram_ = ram_of(info);
    free_at_boot_ = ram_;
    must_fit(free_at_boot_.remove(0, boot::low_memory_end().value()));   // the firmware's data; the other CPUs' start code
    must_fit(free_at_boot_.remove(boot::kernel_start().value(), boot::kernel_end().value()));
    must_fit(free_at_boot_.remove(info.initramfs.value(), info.initramfs.value() + info.initramfs_size));
    map_low_records();
    buddy_.initialize(frame_records());
    for (auto const& range : free_at_boot_.ranges()) add_free(range.start, std::min(range.end, boot_mapped_end));
    set_floors();
    report(boot::kernel_end() - boot::kernel_start(), info.initramfs_size);
}

void FrameAllocator::add_free(u64 start, u64 end) {
    if (start >= end) return;
    buddy_.add(start >> page_shift, end >> page_shift);
    total_frames_ += (end - start) >> page_shift;
}

/// Maps records for every 4 MiB block below 4 GiB that contains RAM, free or not.
void FrameAllocator::map_low_records() {
    EarlyMemory memory_below{largest_below(boot_mapped_end, free_at_boot_), &free_at_boot_};
    early = &memory_below;
    BootPageTable table;
    u64 done = 0;
    for (auto const& range : ram_.ranges()) {
        u64 const start = std::max(align_down(range.start, block_bytes), done);
        u64 const end = align_up(std::min(range.end, boot_mapped_end), block_bytes);
        if (start >= end) continue;
        u64 const address = record_address(start), bytes = record_address(end) - address;
        bool const large = bytes >= large_page;
        PhysAddr const memory = take_early(bytes, large ? large_page : page_size, large ? address % large_page : 0);
        if (!table.map_range(address, memory, bytes, record_flags)) panic("not enough memory for the frame records");
        record_bytes_ += bytes;
        done = end;
    }
    early = nullptr;
}

void FrameAllocator::add_high_memory() {
    if (ram_.ranges().back().end <= boot_mapped_end) return;
    if (u64 const rest = add_high_pieces()) {
        log_warning("memory", "no memory for frame records: RAM from {:#x} on is left out", rest);
        must_fit(ram_.remove(rest, ~u64{0}));
    }
    set_floors();
    log_info("memory", "{} KiB free with the memory above 4 GiB ({} KiB of frame records)", statistics().free * (page_size / kib),
             record_bytes_ / kib);
}

/// Adds one piece at a time: each piece's memory helps to pay for the next one's records. Returns where it failed, or
/// 0.
u64 FrameAllocator::add_high_pieces() {
    constexpr u64 piece = 1 * gib;   // whose records are exactly three large pages
    for (auto const& range : ram_.ranges()) {
        u64 start = std::max(range.start, boot_mapped_end);
        while (start < range.end) {
            u64 const end = std::min(range.end, align_down(start, piece) + piece);
            if (!add_high_piece(start, end)) return start;
            start = end;
        }
    }
    return 0;
}

bool FrameAllocator::add_high_piece(u64 start, u64 end) {
    auto const mapped = kernel_space.back_with_frames(record_address(align_down(start, block_bytes)),
                                                      record_address(align_up(end, block_bytes)));
    if (!mapped) return false;
    Locked const guard(lock_);
    record_bytes_ += *mapped;
    for (auto const& range : free_at_boot_.ranges()) add_free(std::max(range.start, start), std::min(range.end, end));
    return true;
}

void FrameAllocator::free_boot_range(PhysAddr start, u64 size) {
    u64 const first = std::max(align_up(start.value(), page_size), boot::low_memory_end().value()), last = align_down(start.value() + size, page_size);
    Locked const guard(lock_);
    for (auto const& range : ram_.ranges())
        add_free(std::max(range.start, first), std::min(range.end, last));
}

void FrameAllocator::set_floors() {
    u64 const reserve = std::clamp<u64>(total_frames_ / 64, 256, 4096);   // 1 to 16 MiB
    floors_[static_cast<size_t>(Urgency::NewProcess)] = 2 * reserve;
    floors_[static_cast<size_t>(Urgency::User)] = reserve;
    floors_[static_cast<size_t>(Urgency::Kernel)] = reserve / 4;
    floors_[static_cast<size_t>(Urgency::Reserve)] = 0;
}

void FrameAllocator::report(u64 kernel_bytes, u64 initramfs_bytes) const {
    log_info("memory", "{} KiB of RAM in {} ranges, {} KiB free below 4 GiB (kernel {} KiB, initramfs {} KiB, frame records {} KiB)",
             ram_.bytes() / kib, ram_.ranges().size(), total_bytes() / kib, kernel_bytes / kib, initramfs_bytes / kib, record_bytes_ / kib);
    for (auto const& range : ram_.ranges()) log_debug("memory", "RAM {:#014x}-{:#014x}", range.start, range.end - 1);
}

}
