// SPDX-License-Identifier: MIT
// Allocation and release. Single frames come from this CPU's cache, without a lock; the buddy lists supply batches to
// the caches, and larger blocks.
#include "mm/frame_allocator.h"

#include <algorithm>

#include <arch/interrupts.h>
#include <base/panic.h>

namespace mm {

constinit FrameAllocator frame_allocator;

namespace {

PER_CPU arch::PerCpu<FrameCache> frame_cache;

/// Debug build: checks what the owner promised with frame_returns_zeroed.
[[maybe_unused]] bool holds_zeros(Frame const& frame) {
    auto const* const words = static_cast<u64 const*>(arch::direct_map(frame_address(frame)));
    return std::all_of(words, words + page_size / sizeof(u64), [](u64 word) { return word == 0; });
}

[[gnu::noinline]] void clear_block(Frame const& block, unsigned order) {
    auto* const memory = static_cast<std::byte*>(arch::direct_map(frame_address(block)));
    for (size_t page = 0; page < size_t{1} << order; ++page) arch::clear_page(memory + page * page_size);
}

}

bool is_managed(PhysAddr address) { return frame_allocator.ram().contains(address.value()); }

void frame_return(Frame& frame) { frame_allocator.release(frame); }

/// Takes a frame from this CPU's cache, if the urgency allows one. On return `fill` is what the caller has yet to do.
inline Frame* FrameAllocator::take_one(Fill& fill, Urgency urgency) {
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    Frame* frame;
    if (fill == Fill::Zero && cache.zeroed_count() != 0 && may_take(1, urgency)) {
        frame = cache.pop_zeroed();
        fill = Fill::Dirty;
    } else if (cache.count() != 0 && may_take(1, urgency)) [[likely]] frame = cache.pop_hottest();
    else frame = refill(cache, urgency);
    if (frame) ++cache.allocations;
    else ++cache.failures;
    return frame;
}

Frame* FrameAllocator::refill(FrameCache& cache, Urgency urgency) {
    Locked const guard(lock_);
    while (cache.count() < FrameCache::batch && may_take(1, urgency)) {
        Frame* const frame = buddy_.allocate(0);
        if (!frame) break;
        cache.push(*frame);
    }
    if (!may_take(0, urgency)) return nullptr;
    if (cache.count() != 0) return cache.pop_hottest();
    return cache.zeroed_count() != 0 ? cache.pop_zeroed() : nullptr;
}

/// Takes a larger block; if there is none, first returns the frames in this CPU's cache, which may be what keeps one
/// apart.
Frame* FrameAllocator::take_block(unsigned order, Urgency urgency) {
    ASSERT(order <= max_order);
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    u64 const frames = u64{1} << order;
    Locked const guard(lock_);
    Frame* block = may_take(frames, urgency) ? buddy_.allocate(order) : nullptr;
    if (!block) {
        drain_all(cache, guard);
        block = may_take(frames, urgency) ? buddy_.allocate(order) : nullptr;
    }
    if (block) ++cache.allocations;
    else ++cache.failures;
    return block;
}

void FrameAllocator::drain(FrameCache& cache, u32 keep, Guard const&) {
    while (cache.count() > keep) buddy_.release(*cache.pop_coldest(), 0);
}

void FrameAllocator::drain_all(FrameCache& cache, Guard const& guard) {
    drain(cache, 0, guard);
    while (cache.zeroed_count() != 0) buddy_.release(*cache.pop_zeroed(), 0);
}

u32 FrameAllocator::cached_on(CpuId cpu) { return frame_cache.on(cpu).total(); }

u32 FrameAllocator::drain_this_cpu() {
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    u32 const count = cache.total();
    Locked const guard(lock_);
    drain_all(cache, guard);
    return count;
}

Result<FrameRef> FrameAllocator::allocate(unsigned order, Fill fill, Urgency urgency) {
    Frame* const frame = order == 0 ? take_one(fill, urgency) : take_block(order, urgency);
    if (!frame) [[unlikely]] return fail(ENOMEM);
    frame->references.store(1, std::memory_order_relaxed);
    frame->state = Frame::State::Used;
    frame->flags = 0;
    frame->used = {nullptr, 0};
    if (fill == Fill::Zero) clear_block(*frame, order);
    return FrameRef::adopt(*frame);
}

void FrameAllocator::release(Frame& frame) {
    ASSERT(frame.state == Frame::State::Used);   // else it was freed twice
    frame.references.store(0, std::memory_order_relaxed);
    if (frame.order != 0) [[unlikely]] return release_block(frame);
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    ++cache.releases;
    if (frame.flags & frame_returns_zeroed) {
        DEBUG_ASSERT(holds_zeros(frame));
        if (cache.zeroed_count() != FrameCache::zeroed_capacity) return cache.push_zeroed(frame);
    }
    if (cache.count() == FrameCache::capacity) [[unlikely]] make_room(cache);
    cache.push(frame);
}

void FrameAllocator::make_room(FrameCache& cache) {
    Locked const guard(lock_);
    drain(cache, FrameCache::capacity - FrameCache::batch, guard);
}

void FrameAllocator::release_block(Frame& frame) {
    Locked const guard(lock_);
    ++frame_cache.local().releases;
    buddy_.release(frame, frame.order);
}

FrameStatistics FrameAllocator::statistics() const {
    Locked const guard(lock_);
    FrameStatistics sum{.total = total_frames_, .free = buddy_.free_frames()};
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        FrameCache const& cache = frame_cache.on(CpuId(cpu));   // another CPU's: slightly out of date
        sum.free += cache.total();
        sum.allocations += cache.allocations;
        sum.releases += cache.releases;
        sum.failures += cache.failures;
    }
    return sum;
}

}
