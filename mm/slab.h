// SPDX-License-Identifier: MIT
// Object caches: equal-sized objects cut from frames, O(1) allocate and free. A class opts in with
// `MM_OBJECT_CACHE(Class)`; other sizes share the heap's caches. An empty slab returns to the frame allocator at
// once, except one per cache, which counts as free memory.
#pragma once

#include <atomic>
#include <new>

#include <arch/spin_lock.h>
#include <base/types.h>

#include "mm/frame.h"

namespace mm {

struct SlabStatistics { u64 objects = 0, frames = 0, empty_frames = 0; };

/// Header of a block of frames that is cut into objects. Full slabs are in no list.
struct Slab;

class ObjectCache {
public:
    constexpr ObjectCache(char const* name, size_t object_size, size_t alignment)
        : name_(name), object_size_(object_size), alignment_(alignment < smallest_alignment ? smallest_alignment : alignment),
          stride_(align_up(object_size < smallest_object ? smallest_object : object_size, alignment_)) {}
    /// Null when memory runs out. The object is uninitialised. Any context except interrupts.
    [[nodiscard]] void* allocate();
    /// `object` came from this cache.
    void free(void* object);
    /// The cache that an object came from, found by its frame.
    static ObjectCache& owner_of(void const* object) {
        return *static_cast<ObjectCache*>(frame_record(arch::direct_map_inverse(object)).used.owner);
    }
    SlabStatistics statistics() const;
    char const* name() const { return name_; }
    /// All caches that have ever allocated; each links to the next one.
    static ObjectCache* first_cache();
    ObjectCache* next_cache() const { return next_cache_; }

private:
    using Lock = SpinLock<LockRank::slab, PreemptOff>;

    static constexpr size_t smallest_object = 16, smallest_alignment = 8;

    Slab* usable_slab(Lock::Guard const&) REQUIRES(lock_);
    Slab* create_slab(Lock::Guard const&) REQUIRES(lock_);
    void retire(Slab& slab, Lock::Guard const&) REQUIRES(lock_);
    void link(Slab& slab, Lock::Guard const&) REQUIRES(lock_);
    void unlink(Slab& slab, Lock::Guard const&) REQUIRES(lock_);
    void enter_list() REQUIRES(lock_);

    char const* name_;
    size_t object_size_, alignment_;
    size_t stride_;                ///< bytes from one object to the next
    mutable Lock lock_;
    Slab* partial_ GUARDED_BY(lock_) = nullptr;   ///< slabs with room
    Slab* empty_ GUARDED_BY(lock_) = nullptr;   ///< one of the partial_ slabs, which has no objects
    u64 objects_ GUARDED_BY(lock_) = 0;
    u64 frames_ GUARDED_BY(lock_) = 0;
    bool is_in_list_ GUARDED_BY(lock_) = false;
    ObjectCache* next_cache_ = nullptr;   ///< written once, before the cache enters the list
};

/// Sums over all caches: /proc/meminfo's Slab.
SlabStatistics slab_statistics();

}

/// In a class body: the class's objects come from their own cache (operator new may return null).
#define MM_OBJECT_CACHE(Class)                                                                  \
    static ::mm::ObjectCache& object_cache();                                                   \
    static void* operator new(std::size_t, std::nothrow_t const&) noexcept { return object_cache().allocate(); } \
    static void operator delete(void* object) noexcept { if (object) object_cache().free(object); }

/// In the class's .cpp file.
#define MM_OBJECT_CACHE_DEFINE(Class)                                                           \
    ::mm::ObjectCache& Class::object_cache() {                                                  \
        static constinit ::mm::ObjectCache cache(#Class, sizeof(Class), alignof(Class));        \
        return cache;                                                                           \
    }
