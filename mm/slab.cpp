// SPDX-License-Identifier: MIT
// Bonwick, The Slab Allocator (USENIX 1994), without constructors: a free object holds the link to the next free one.
// Objects never used are counted instead of linked, so a new slab costs nothing per object.
// Invariant: the record of every frame of a slab names its cache and its slab.
// Debug builds fill free objects and check the filling, which catches double frees and late writes.
#include "mm/slab.h"

#include <algorithm>
#include <cstring>

#include <base/config.h>
#include <base/panic.h>

#include "mm/frame_allocator.h"

namespace mm {

struct Slab {
    Slab* next;
    Slab* previous;
    void* free;          ///< freed objects, linked through their first word
    u32 in_use;
    u32 capacity;
    u32 touched;         ///< objects below this index have been handed out at least once
    u32 order;
    std::byte* objects;
};

namespace {

constexpr unsigned most_order = 3;
constexpr u8 poison = 0x6b;

// Ordering: release by the cache that enters, acquire by a reader: the reader sees next_cache_.
constinit std::atomic<ObjectCache*> first{nullptr};

void*& link_of(void* object) { return *static_cast<void**>(object); }

Slab& slab_of(void const* object) { return *reinterpret_cast<Slab*>(frame_record(arch::direct_map_inverse(object)).used.data); }

void poison_object(void* object, size_t size) {
    if constexpr (!config::debug) return;
    std::memset(static_cast<std::byte*>(object) + sizeof(void*), poison, size - sizeof(void*));
}

bool is_poisoned(void const* object, size_t size) {
    auto const* const bytes = static_cast<u8 const*>(object);
    return std::all_of(bytes + sizeof(void*), bytes + size, [](u8 b) { return b == poison; });
}

bool is_free(Slab const& slab, void const* object) {
    for (void* at = slab.free; at; at = link_of(at))
        if (at == object) return true;
    return false;
}

void check_free(Slab const& slab, void const* object, size_t stride) {
    if constexpr (!config::debug) return;
    auto const offset = static_cast<size_t>(static_cast<std::byte const*>(object) - slab.objects);
    ASSERT(offset % stride == 0 && offset / stride < slab.touched);
    if (is_poisoned(object, stride) && is_free(slab, object)) panic("an object was freed twice");
}

/// The smallest block that wastes at most an eighth; else the largest.
unsigned best_order(size_t stride, size_t header) {
    for (unsigned order = 0; order < most_order; ++order) {
        size_t const bytes = page_size << order;
        if (bytes >= header + stride && (bytes - header) / stride * stride >= bytes - bytes / 8) return order;
    }
    return most_order;
}

}

void* ObjectCache::allocate() {
    Locked const guard(lock_);
    Slab* const slab = partial_ ? partial_ : usable_slab(guard);
    if (!slab) [[unlikely]] return nullptr;
    if (slab == empty_) empty_ = nullptr;
    void* object = slab->free;
    if (object) {
        slab->free = link_of(object);
        if constexpr (config::debug) ASSERT(is_poisoned(object, stride_));   // else it was written to after free()
    } else {
        object = slab->objects + slab->touched++ * stride_;
    }
    if (++slab->in_use == slab->capacity) unlink(*slab, guard);
    ++objects_;
    return object;
}

void ObjectCache::free(void* object) {
    Slab& slab = slab_of(object);
    Locked const guard(lock_);
    check_free(slab, object, stride_);
    poison_object(object, stride_);
    link_of(object) = slab.free;
    slab.free = object;
    --objects_;
    if (slab.in_use-- == slab.capacity) link(slab, guard);
    if (slab.in_use == 0) [[unlikely]] retire(slab, guard);
}

void ObjectCache::link(Slab& slab, Lock::Guard const&) {
    slab.next = partial_;
    slab.previous = nullptr;
    if (partial_) partial_->previous = &slab;
    partial_ = &slab;
}

void ObjectCache::unlink(Slab& slab, Lock::Guard const&) {
    if (slab.next) slab.next->previous = slab.previous;
    (slab.previous ? slab.previous->next : partial_) = slab.next;
}

/// Makes a new slab and puts it into the list; called when no slab has room.
Slab* ObjectCache::usable_slab(Lock::Guard const& guard) {
    Slab* const slab = create_slab(guard);
    if (slab) link(*slab, guard);
    return slab;
}

Slab* ObjectCache::create_slab(Lock::Guard const&) {
    size_t const header = align_up(sizeof(Slab), std::max<size_t>(alignment_, 16)), size = stride_;
    unsigned order = best_order(size, header);
    auto frame = frame_allocator.allocate(order);
    while (!frame && order > 0 && (page_size << (order - 1)) >= header + size) frame = frame_allocator.allocate(--order);
    if (!frame) return nullptr;
    auto* const memory = static_cast<std::byte*>(frame->data());
    auto* const slab = new (memory) Slab{nullptr, nullptr, nullptr, 0, static_cast<u32>(((page_size << order) - header) / size), 0,
                                         order, memory + header};
    Frame* const record = &frame->leak();
    for (size_t i = 0; i < size_t{1} << order; ++i) record[i].used = {this, reinterpret_cast<u64>(slab)};
    frames_ += u64{1} << order;
    if (!is_in_list_) enter_list();
    return slab;
}

/// A slab has lost its last object. If it is the only empty one, it is kept where it is. (So an object that comes and
/// goes beside full slabs costs as little as any other.)
void ObjectCache::retire(Slab& slab, Lock::Guard const& guard) {
    if (!empty_) {
        empty_ = &slab;
        return;
    }
    unlink(slab, guard);
    frames_ -= u64{1} << slab.order;
    frame_release(frame_record(arch::direct_map_inverse(&slab)));
}

void ObjectCache::enter_list() {
    is_in_list_ = true;
    next_cache_ = first.load(std::memory_order_relaxed);
    while (!first.compare_exchange_weak(next_cache_, this, std::memory_order_release, std::memory_order_relaxed)) {}
}

ObjectCache* ObjectCache::first_cache() { return first.load(std::memory_order_acquire); }

SlabStatistics ObjectCache::statistics() const {
    Locked const guard(lock_);
    return {.objects = objects_, .frames = frames_, .empty_frames = empty_ ? u64{1} << empty_->order : 0};
}

SlabStatistics slab_statistics() {
    SlabStatistics sum;
    for (ObjectCache const* cache = ObjectCache::first_cache(); cache; cache = cache->next_cache()) {
        SlabStatistics const one = cache->statistics();
        sum.objects += one.objects;
        sum.frames += one.frames;
        sum.empty_frames += one.empty_frames;
    }
    return sum;
}

}
