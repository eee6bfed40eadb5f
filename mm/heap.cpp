// SPDX-License-Identifier: MIT
// Sizes up to 2 KiB come from object caches, one per size class; larger ones from whole frames: one contiguous block
// up to 4 MiB, or scattered frames where a block would waste a quarter or none is free.
// The owner of memory is found from its frame's record (or its address), so no header precedes it.
// A throwing `new` deliberately has no definition here: its callers do not check for null, so it must not link. The
// kernel uses new (std::nothrow) everywhere.
#include "mm/heap.h"

#include <algorithm>
#include <array>
#include <bit>

#include "mm/frame_allocator.h"
#include "mm/kernel_space.h"
#include "mm/slab.h"

namespace mm {

namespace {

constexpr size_t granule = 16, largest_class = 2048, class_alignment = 64;

constinit ObjectCache classes[] = {
    {"heap-16", 16, 16},       {"heap-32", 32, 16},       {"heap-48", 48, 16},       {"heap-64", 64, 64},     {"heap-96", 96, 32},
    {"heap-128", 128, 64},     {"heap-192", 192, 64},     {"heap-256", 256, 64},     {"heap-384", 384, 64},   {"heap-512", 512, 64},
    {"heap-768", 768, 64},     {"heap-1024", 1024, 64},   {"heap-1536", 1536, 64},   {"heap-2048", 2048, 64},
};
constexpr std::array<size_t, std::size(classes)> sizes = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048};

/// The class for a size, by its number of granules, rounded up.
constexpr auto class_of_granules = [] {
    std::array<u8, largest_class / granule + 1> table{};
    for (size_t granules = 0, c = 0; granules < table.size(); ++granules) {
        if (granules * granule > sizes[c]) ++c;
        table[granules] = static_cast<u8>(c);
    }
    return table;
}();

void* allocate_block(unsigned order) {
    auto frame = frame_allocator.allocate(order);
    return frame ? arch::direct_map(frame_address(frame->leak())) : nullptr;   // no owner in its record: not from a cache
}

void* allocate_scattered(size_t bytes) {
    auto pages = kernel_space.allocate_pages(bytes);
    return pages ? *pages : nullptr;
}

void* allocate_large(size_t bytes) {
    if (bytes > page_size << FrameAllocator::max_order) return allocate_scattered(bytes);
    auto const order = static_cast<unsigned>(std::bit_width((bytes - 1) >> page_shift));
    size_t const block = page_size << order;
    if (order >= 3 && block - bytes >= block / 4)
        if (void* memory = allocate_scattered(bytes)) return memory;
    if (void* memory = allocate_block(order)) return memory;
    return order == 0 ? nullptr : allocate_scattered(bytes);
}

void* allocate_aligned(size_t bytes, size_t alignment) {
    if (alignment <= granule) return heap_allocate(bytes);
    if (alignment <= class_alignment) return heap_allocate(std::max(align_up(bytes, class_alignment), class_alignment));
    if (bytes > page_size << FrameAllocator::max_order || alignment > page_size) return nullptr;
    return allocate_large(std::max(bytes, largest_class + 1));   // page aligned
}

}

void* heap_allocate(size_t bytes) {
    if (bytes > largest_class) return allocate_large(bytes);
    return classes[class_of_granules[(bytes + granule - 1) / granule]].allocate();
}

void heap_free(void* pointer) {
    if (!pointer) return;
    if (KernelSpace::is_allocated_page(pointer)) return kernel_space.free_pages(pointer);
    Frame& frame = frame_record(arch::direct_map_inverse(pointer));
    if (frame.used.owner) static_cast<ObjectCache*>(frame.used.owner)->free(pointer);
    else frame_release(frame);
}

}

void* operator new(size_t bytes, std::nothrow_t const&) noexcept { return mm::heap_allocate(bytes); }
void* operator new[](size_t bytes, std::nothrow_t const&) noexcept { return mm::heap_allocate(bytes); }
void* operator new(size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
    return mm::allocate_aligned(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment, std::nothrow_t const&) noexcept {
    return mm::allocate_aligned(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* pointer) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, size_t) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, size_t) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, size_t, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, size_t, std::align_val_t) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, std::nothrow_t const&) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, std::nothrow_t const&) noexcept { mm::heap_free(pointer); }
void operator delete(void* pointer, std::align_val_t, std::nothrow_t const&) noexcept { mm::heap_free(pointer); }
void operator delete[](void* pointer, std::align_val_t, std::nothrow_t const&) noexcept { mm::heap_free(pointer); }
