// SPDX-License-Identifier: MIT
// Physical memory: a buddy allocator with a small cache of single frames per CPU in
// front, O(1) in the size of memory. Owner of every Frame record.
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

/// Who wants memory. Each fails while less than its floor is free, so that memory runs out in an
/// order the machine survives: first there are no new processes, then no pages for programs, while
/// the kernel goes on (and a shell can kill a fork bomb); only Reserve may take the last frame.
enum class Urgency : u8 { NewProcess, User, Kernel, Reserve };

struct FrameStatistics {
    u64 total = 0;       ///< frames of RAM under management
    u64 free = 0;        ///< free, those in per-CPU caches too
    u64 allocations = 0, releases = 0, failures = 0;
};

/// This CPU's free frames, in a ring: the hottest is used next, the coldest goes back to the lists first.
/// Large enough for what a short-lived process takes and gives back. Beside it a few that are known to hold
/// zeros: a process gives as many page tables back as the next one asks for. Only with preemption off.
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
    u32 coldest_ = 0;   ///< counts on for ever, and wraps where the ring does
    Frame* frames_[capacity] = {};
    Frame* zeroed_[zeroed_capacity] = {};
};

class FrameAllocator {
public:
    static constexpr unsigned max_order = Buddy::max_order;   ///< 4 MiB

    constexpr FrameAllocator() = default;
    /// Builds the records (in the largest range's own memory) and the free lists of RAM below 4 GiB;
    /// keeps out the kernel, the initramfs, and what lies below boot::low_memory_end(). On the boot page tables.
    void initialize(boot::BootInfo const& info);
    /// The rest, once the kernel's page tables map all memory (boot.asm maps 4 GiB).
    void add_high_memory();

    /// One block of 2^order frames with one reference. ENOMEM. Any context but interrupts.
    Result<FrameRef> allocate(unsigned order = 0, Fill fill = Fill::Dirty, Urgency urgency = Urgency::Kernel);
    /// Gives memory that was reserved at boot (the initramfs) to the allocator.
    void free_boot_range(PhysAddr start, u64 size);
    FrameStatistics statistics() const;
    /// Frames in a CPU's cache, as of a moment ago; and all of this CPU's back to the lists: how many.
    static u32 cached_on(CpuId cpu);
    u32 drain_this_cpu();
    /// False if so many frames would fail now (but for a few in the CPUs' caches). Any context.
    // Not analysed: a figure that is a moment old will do.
    bool may_take(u64 frames, Urgency urgency = Urgency::Kernel) const NO_THREAD_SAFETY_ANALYSIS {
        return buddy_.free_frames() >= floors_[static_cast<size_t>(urgency)] + frames;
    }
    u64 total_bytes() const { return total_frames_ * page_size; }
    /// All RAM, reserved parts too; what the direct map shows.
    MemoryMap const& ram() const { return ram_; }

private:
    friend void frame_return(Frame& frame);
    using Guard = SpinLock<LockRank::frame_allocator, InterruptsOff>::Guard;

    // mm/frame_allocator.cpp
    void release(Frame& frame);   // references are 0
    Frame* take_one(Fill& fill, Urgency urgency);
    [[gnu::noinline]] Frame* refill(FrameCache& cache, Urgency urgency);
    [[gnu::noinline]] Frame* take_block(unsigned order, Urgency urgency);
    [[gnu::noinline]] void release_block(Frame& frame);
    [[gnu::noinline]] void make_room(FrameCache& cache);
    void drain(FrameCache& cache, u32 keep, Guard const&) REQUIRES(lock_);
    void drain_all(FrameCache& cache, Guard const& guard) REQUIRES(lock_);

    // mm/frame_records.cpp: while booting, one CPU
    void map_low_records();
    u64 add_high_pieces();
    bool add_high_piece(u64 start, u64 end);
    void add_free(u64 start, u64 end) REQUIRES(lock_);
    void set_floors();
    void report(u64 kernel_bytes, u64 initramfs_bytes) const;

    mutable SpinLock<LockRank::frame_allocator, InterruptsOff> lock_;
    Buddy buddy_ GUARDED_BY(lock_);
    u64 floors_[4] = {};                 ///< frames, by Urgency; written while booting
    u64 total_frames_ = 0;               ///< written while booting, under lock_
    MemoryMap ram_;                      ///< written while booting
    MemoryMap free_at_boot_;             ///< RAM without the kernel, the initramfs and the low 1 MiB
    u64 record_bytes_ = 0;
};

extern constinit FrameAllocator frame_allocator;

}
