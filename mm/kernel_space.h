// SPDX-License-Identifier: MIT
// The kernel's half of every address space: the direct map, the image with exact rights, MMIO, and stacks with guard
// pages.
// Invariant: all top-level entries exist from boot on, so a new address space copies 256 words and never has to
// follow a change.
#pragma once

#include <span>

#include <arch/paging.h>
#include <arch/spin_lock.h>
#include <base/result.h>
#include <boot/boot_info.h>

#include "mm/page_table.h"
#include "mm/slot_map.h"

namespace mm {

inline constexpr size_t kernel_stack_size = 16 * kib;

/// A kernel stack. Invariant: the page below it is never mapped.
class KernelStack {
public:
    constexpr KernelStack() = default;
    KernelStack(KernelStack&& o) noexcept : top_(std::exchange(o.top_, 0)) {}
    KernelStack& operator=(KernelStack&& o) noexcept { std::swap(top_, o.top_); return *this; }
    ~KernelStack();
    u64 top() const { return top_; }
    u64 bottom() const { return top_ - kernel_stack_size; }
    explicit operator bool() const { return top_ != 0; }
private:
    friend class KernelSpace;
    u64 top_ = 0;
};

class KernelSpace {
public:
    constexpr KernelSpace() = default;
    /// Builds the final kernel page tables (W^X image, direct map of all RAM with the largest pages) and loads them.
    void initialize();
    PageTable const& page_table() const { return table_; }
    /// A virtual window onto device memory; never unmapped. Mapping the same range again makes a new window, which is
    /// allowed.
    Result<void*> map_mmio(PhysAddr start, u64 size, arch::CacheMode cache = arch::CacheMode::Uncached);
    /// Shows bytes that the firmware or the loader left, in RAM or not: through the direct map if it shows all of
    /// them, else through a read-only window. EINVAL: beyond the bus. ENOMEM.
    Result<std::span<std::byte const>> look_at(PhysAddr start, u64 size);
    /// Virtually contiguous memory from scattered frames (large buffers). ENOMEM.
    Result<void*> allocate_pages(u64 size);
    void free_pages(void* start);
    /// True for memory from allocate_pages().
    static bool is_allocated_page(void const* pointer) { return reinterpret_cast<u64>(pointer) - pages_base < slot_size; }
    /// A stack from a bounded cache of free ones, or a new one. ENOMEM.
    Result<KernelStack> allocate_stack();
    /// True if `address` lies in the guard page of a kernel stack.
    bool is_stack_guard(u64 address) const;
    /// Frames held by cached free stacks: they count as free memory.
    u64 cached_frames() const;
    u64 stack_frames() const;   ///< KernelStack of /proc/meminfo
    /// For the frame allocator: puts zeroed memory behind [start, end) of the records. Returns the bytes it took.
    Result<u64> back_with_frames(u64 start, u64 end);

private:
    friend class KernelStack;
    using Lock = SpinLock<LockRank::kernel_space, PreemptOff>;

    // One top-level entry for each purpose.
    static constexpr u64 slot_size = 512 * gib;
    static constexpr u64 stacks_base = arch::kernel_space_base;
    static constexpr u64 windows_base = stacks_base + slot_size;
    static constexpr u64 pages_base = windows_base + slot_size;

    // mm/kernel_space.cpp: boot
    void map_direct();
    void map_image();
    Result<void*> map_window(PhysAddr start, u64 size, arch::PageFlags flags);

    // mm/kernel_pages.cpp
    Result<u64> take_place(u64 pages);
    void give_place(u64 address);
    static u32 class_of(u64 address);
    Result<> map_pages(u64 start, u64 end);
    void unmap_pages(u64 start, u64 end);

    // mm/kernel_stack.cpp. A slot is 16 KiB of guard with 16 KiB of stack above; 64 of them share a leaf table.
    static constexpr u32 stack_slots = 65536, slots_per_table = 64, cached_stacks = 32, unmapped_together = 16;
    static constexpr u64 stack_slot_size = 2 * kernel_stack_size;
    static constexpr u64 frames_per_stack = kernel_stack_size / page_size;
    static u64 stack_top(u32 slot) { return stacks_base + (slot + u64{1}) * stack_slot_size; }
    Result<u32> take_slot(Lock::Guard const&) REQUIRES(lock_);
    Result<> map_stack(u32 slot, Lock::Guard const&) REQUIRES(lock_);
    u32 unmap_stacks(std::span<u32 const> slots, Lock::Guard const&) REQUIRES(lock_);
    void free_stack(u64 top);
    void begin_use(u32 slot, Lock::Guard const&) REQUIRES(lock_);
    void end_use(u32 slot, Lock::Guard const&) REQUIRES(lock_);

    mutable Lock lock_;
    PageTable table_;                              ///< lock_ protects the entries above the direct map; the direct map's never change
    u64 next_window_ GUARDED_BY(lock_) = windows_base;

    // allocate_pages: 512 places for each power of two of pages, so no search is needed.
    static constexpr u32 page_classes = 18, places_per_class = 512;
    SlotMap<places_per_class> places_[page_classes] GUARDED_BY(lock_);

    SlotMap<stack_slots> free_slots_ GUARDED_BY(lock_);
    u32 cache_[cached_stacks] GUARDED_BY(lock_) = {};   ///< free stacks that are still mapped
    u32 cache_count_ GUARDED_BY(lock_) = 0;
    u32 stacks_in_use_ GUARDED_BY(lock_) = 0;
    u32 idle_tables_ GUARDED_BY(lock_) = 0;   ///< leaf tables that show only cached stacks
    u8 in_use_[stack_slots / slots_per_table] GUARDED_BY(lock_) = {};   ///< stacks in use, by leaf table
};

extern constinit KernelSpace kernel_space;

/// Free memory as /proc/meminfo shows it, in frames: free lists, empty slabs, cached stacks.
u64 free_frames();

}
