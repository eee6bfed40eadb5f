// SPDX-License-Identifier: MIT
// Allocation and release. Single frames go through this CPU's cache without a lock; the buddy
// lists are asked for batches, and for larger blocks.
#include "mm/frame_allocator.h"

#include <arch/interrupts.h>
#include <base/panic.h>

namespace mm {

constinit FrameAllocator frame_allocator;

namespace {

PER_CPU arch::PerCpu<FrameCache> frame_cache;

[[gnu::noinline]] void clear_block(Frame const& block, unsigned order) {
    auto* const memory = static_cast<std::byte*>(arch::direct_map(frame_address(block)));
    for (size_t page = 0; page < size_t{1} << order; ++page) arch::clear_page(memory + page * page_size);
}

}

bool is_managed(PhysAddr address) { return frame_allocator.ram().contains(address.value()); }

void frame_return(Frame& frame) { frame_allocator.release(frame); }

/// A frame from this CPU's cache, if the urgency allows for one.
inline Frame* FrameAllocator::take_one(Urgency urgency) {
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    Frame* frame;
    if (cache.count() != 0 && may_take(1, urgency)) [[likely]] frame = cache.pop_hottest();
    else frame = refill(cache, urgency);
    if (frame) ++cache.allocations;
    else ++cache.failures;
    return frame;
}

Frame* FrameAllocator::refill(FrameCache& cache, Urgency urgency) {
    Guard const guard(lock_);
    while (cache.count() < FrameCache::batch && may_take(1, urgency)) {
        Frame* const frame = buddy_.allocate(0);
        if (!frame) break;
        cache.push(*frame);
    }
    return cache.count() != 0 && may_take(0, urgency) ? cache.pop_hottest() : nullptr;
}

/// A larger block; if there is none, the frames in this CPU's cache may be what keeps one apart.
Frame* FrameAllocator::take_block(unsigned order, Urgency urgency) {
    ASSERT(order <= max_order);
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    u64 const frames = u64{1} << order;
    Guard const guard(lock_);
    Frame* block = may_take(frames, urgency) ? buddy_.allocate(order) : nullptr;
    if (!block) {
        drain(cache, 0, guard);
        block = may_take(frames, urgency) ? buddy_.allocate(order) : nullptr;
    }
    if (block) ++cache.allocations;
    else ++cache.failures;
    return block;
}

void FrameAllocator::drain(FrameCache& cache, u32 keep, Guard const&) {
    while (cache.count() > keep) buddy_.release(*cache.pop_coldest(), 0);
}

u32 FrameAllocator::cached_on(CpuId cpu) { return frame_cache.on(cpu).count(); }

u32 FrameAllocator::drain_this_cpu() {
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    u32 const count = cache.count();
    Guard const guard(lock_);
    drain(cache, 0, guard);
    return count;
}

Result<FrameRef> FrameAllocator::allocate(unsigned order, Fill fill, Urgency urgency) {
    Frame* const frame = order == 0 ? take_one(urgency) : take_block(order, urgency);
    if (!frame) [[unlikely]] return fail(ENOMEM);
    frame->references.store(1, std::memory_order_relaxed);
    frame->state = Frame::State::Used;
    frame->flags = 0;
    frame->used = {nullptr, 0};
    if (fill == Fill::Zero) clear_block(*frame, order);
    return FrameRef::adopt(*frame);
}

void FrameAllocator::release(Frame& frame) {
    ASSERT(frame.state == Frame::State::Used);   // or it was freed twice
    frame.references.store(0, std::memory_order_relaxed);
    if (frame.order != 0) [[unlikely]] return release_block(frame);
    arch::PreemptGuard const on_this_cpu;
    FrameCache& cache = frame_cache.local();
    ++cache.releases;
    if (cache.count() == FrameCache::capacity) [[unlikely]] make_room(cache);
    cache.push(frame);
}

void FrameAllocator::make_room(FrameCache& cache) {
    Guard const guard(lock_);
    drain(cache, FrameCache::capacity - FrameCache::batch, guard);
}

void FrameAllocator::release_block(Frame& frame) {
    Guard const guard(lock_);
    ++frame_cache.local().releases;
    buddy_.release(frame, frame.order);
}

FrameStatistics FrameAllocator::statistics() const {
    Guard const guard(lock_);
    FrameStatistics sum{.total = total_frames_, .free = buddy_.free_frames()};
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        FrameCache const& cache = frame_cache.on(CpuId(cpu));   // another CPU's: a figure that is a moment old
        sum.free += cache.count();
        sum.allocations += cache.allocations;
        sum.releases += cache.releases;
        sum.failures += cache.failures;
    }
    return sum;
}

}
