// SPDX-License-Identifier: MIT
// Physical memory: a buddy allocator behind a small per-CPU cache of single frames; O(1) in the size of memory.
// Owns every Frame record. Invariant: a managed frame is either in the lists, in one CPU's cache, or referenced.
#pragma once

#include <arch/per_cpu.h>
#include <arch/spin_lock.h>
#include <base/result.h>
#include <boot/boot_info.h>

#include "mm/buddy.h"
#include "mm/frame.h"
#include "mm/memory_map.h"

namespace mm {

enum class Fill : u8 { Dirty, Zero };

/// How badly the caller needs memory. A request fails while less than its floor is free, so that memory runs out in
/// an order the machine survives: first new processes fail, then pages for programs, while the
/// kernel still works (and a shell can kill a fork bomb); only Reserve may take the last frame.
enum class Urgency : u8 { NewProcess, User, Kernel, Reserve };

struct FrameStatistics {
    u64 total = 0;       ///< frames of RAM under management
    u64 free = 0;        ///< including those in per-CPU caches
    u64 allocations = 0, releases = 0, failures = 0;
};

/// One CPU's free frames, in a ring: the hottest is used next, the coldest returns to the lists first. It is large
/// enough for what a short-lived process takes and gives back. Beside the ring it keeps a few frames known to hold
/// zeros, because a process returns as many page tables as the next one needs. Use only with preemption off.
class FrameCache {
public:
    static constexpr u32 capacity = 256, batch = 64, zeroed_capacity = 32;
    u32 count() const { return count_; }               ///< in the ring
    u32 zeroed_count() const { return zeroed_count_; }
    u32 total() const { return count_ + zeroed_count_; }
    void push(Frame& frame) {
        frame.state = Frame::State::Cached;
        frames_[(coldest_ + count_++) % capacity] = &frame;
    }
    Frame* pop_hottest() { return frames_[(coldest_ + --count_) % capacity]; }
    Frame* pop_coldest() {
        --count_;
        return frames_[coldest_++ % capacity];
    }
    void push_zeroed(Frame& frame) {
        frame.state = Frame::State::Cached;
        zeroed_[zeroed_count_++] = &frame;
    }
    Frame* pop_zeroed() { return zeroed_[--zeroed_count_]; }
    u64 allocations = 0, releases = 0, failures = 0;
private:
    u32 count_ = 0;
    u32 zeroed_count_ = 0;
    u32 coldest_ = 0;   ///< never reset; taken modulo capacity
    Frame* frames_[capacity] = {};
    Frame* zeroed_[zeroed_capacity] = {};
};

class FrameAllocator {
public:
    static constexpr unsigned max_order = Buddy::max_order;   ///< 4 MiB

    constexpr FrameAllocator() = default;
    /// Builds the records (in memory of the largest range) and the free lists of RAM below 4 GiB. Leaves out the
    /// kernel, the initramfs, and everything below boot::low_memory_end(). Runs on the boot page tables.
    void initialize(boot::BootInfo const& info);
    /// The same for the rest, once the kernel's page tables map all memory (boot.asm maps 4 GiB).
    void add_high_memory();

    /// One block of 2^order frames with one reference. ENOMEM. Any context except interrupts.
    Result<FrameRef> allocate(unsigned order = 0, Fill fill = Fill::Dirty, Urgency urgency = Urgency::Kernel);
    /// Gives memory that was reserved at boot (the initramfs) to the allocator.
    void free_boot_range(PhysAddr start, u64 size);
    FrameStatistics statistics() const;
    /// Frames in a CPU's cache (slightly out of date); and the move of this CPU's cached frames back to the lists,
    /// which returns their number.
    static u32 cached_on(CpuId cpu);
    u32 drain_this_cpu();
    /// False if taking `frames` frames would fail now (except a few from the CPUs' caches). Any context.
    // Not analysed: a slightly outdated figure is good enough.
    bool may_take(u64 frames, Urgency urgency = Urgency::Kernel) const NO_THREAD_SAFETY_ANALYSIS {
        return buddy_.free_frames() >= floors_[static_cast<size_t>(urgency)] + frames;
    }
    u64 total_bytes() const { return total_frames_ * page_size; }
    /// All RAM, including reserved parts: what the direct map shows.
    MemoryMap const& ram() const { return ram_; }

private:
    friend void frame_return(Frame& frame);
    using Guard = SpinLock<LockRank::frame_allocator, InterruptsOff>::Guard;

    // mm/frame_allocator.cpp
    void release(Frame& frame);   // the last reference is gone
    Frame* take_one(Fill& fill, Urgency urgency);
    [[gnu::noinline]] Frame* refill(FrameCache& cache, Urgency urgency);
    [[gnu::noinline]] Frame* take_block(unsigned order, Urgency urgency);
    [[gnu::noinline]] void release_block(Frame& frame);
    [[gnu::noinline]] void make_room(FrameCache& cache);
    void drain(FrameCache& cache, u32 keep, Guard const&) REQUIRES(lock_);
    void drain_all(FrameCache& cache, Guard const& guard) REQUIRES(lock_);

    // mm/frame_records.cpp: at boot, with one CPU
    void map_low_records();
    u64 add_high_pieces();
    bool add_high_piece(u64 start, u64 end);
    void add_free(u64 start, u64 end) REQUIRES(lock_);
    void set_floors();
    void report(u64 kernel_bytes, u64 initramfs_bytes) const;

    mutable SpinLock<LockRank::frame_allocator, InterruptsOff> lock_;
    Buddy buddy_ GUARDED_BY(lock_);
    u64 floors_[4] = {};                 ///< frames, by Urgency; written at boot
    u64 total_frames_ = 0;               ///< written at boot, under lock_
    MemoryMap ram_;                      ///< written at boot
    MemoryMap free_at_boot_;             ///< RAM without the kernel, the initramfs and the low 1 MiB
    u64 record_bytes_ = 0;
};

extern constinit FrameAllocator frame_allocator;

}
