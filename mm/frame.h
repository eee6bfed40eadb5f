// SPDX-License-Identifier: MIT
// One record for each 4 KiB frame of physical memory, and FrameRef, which owns one reference to a frame.
// Invariant: a frame returns to the allocator with its last reference, and not before.
#pragma once

#include <atomic>
#include <utility>

#include <arch/paging.h>
#include <base/ref.h>
#include <base/types.h>

namespace mm {

struct Frame {
    /// Free: the head of a block in the free lists. Cached: free, in a CPU's cache.
    enum class State : u8 { Reserved, Free, Cached, Used };

    std::atomic<u32> references{0};
    State state = State::Reserved;      ///< the allocator's, and guarded by its lock while Free
    u8 order = 0;                       ///< of the block that starts here; as `state`
    u16 flags = 0;                      ///< the owner's, except frame_returns_zeroed
    union {                             // all zeros when a block is allocated
        struct { Frame* next; Frame* previous; } free;   ///< in a free list; the allocator's lock guards them
        struct { void* owner; u64 data; } used;          ///< the owner's: slab, object cache
        struct { u32 file_pages, zero_pages; u64 present; } table;   ///< a page table's counts: see mm/page_table.h
    };
    constexpr Frame() : free{nullptr, nullptr} {}
};
static_assert(sizeof(Frame) == 24);

/// Flag of frames whose owner returns them filled with zeros (page tables): the allocator caches them separately.
inline constexpr u16 frame_returns_zeroed = 0x8000;

// Defined in mm/frame_access.h, except is_managed():

/// The record of a frame of RAM. `address` must lie in memory that the allocator knows.
Frame& frame_record(PhysAddr address);
PhysAddr frame_address(Frame const& frame);
/// Drops one reference; the last one frees the block.
void frame_release(Frame& frame);

/// True where frame_record() may be called: RAM, not MMIO.
bool is_managed(PhysAddr address);

inline void frame_acquire(Frame& frame) { frame.references.fetch_add(1, std::memory_order_relaxed); }
/// Owns one reference to a block of frames (usually one).
class FrameRef {
public:
    constexpr FrameRef() = default;
    /// Takes over a reference that the caller owns.
    static FrameRef adopt(Frame& frame) { FrameRef r; r.frame_ = &frame; return r; }
    static FrameRef share(Frame& frame) { frame_acquire(frame); return adopt(frame); }
    FrameRef(FrameRef const& other) : frame_(other.frame_) { if (frame_) frame_acquire(*frame_); }
    FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    FrameRef& operator=(FrameRef other) noexcept { std::swap(frame_, other.frame_); return *this; }
    ~FrameRef() { if (frame_) frame_release(*frame_); }

    explicit operator bool() const { return frame_ != nullptr; }
    Frame& record() const { return *frame_; }
    PhysAddr address() const { return frame_address(*frame_); }
    void* data() const { return arch::direct_map(address()); }
    bool is_shared() const { return frame_->references.load(std::memory_order_acquire) > 1; }
    /// Hands the reference to the caller (who puts it into a page-table entry, say).
    Frame& leak() { return *std::exchange(frame_, nullptr); }

private:
    Frame* frame_ = nullptr;
};

}

#include "mm/frame_access.h"
