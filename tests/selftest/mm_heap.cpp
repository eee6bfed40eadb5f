// SPDX-License-Identifier: MIT
// The heap inside the running kernel: every size is aligned, whole, apart from all others, and
// back to the frame when freed in any order.
#include <algorithm>
#include <array>
#include <cstring>

#include "mm/heap.h"
#include "mm/kernel_space.h"
#include "mm/slab.h"
#include "tests/selftest/self_test.h"

namespace {

/// A fixed sequence that looks random (Knuth's MMIX generator).
class Sequence {
public:
    u32 next(u32 below) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<u32>(state_ >> 33) % below;
    }
private:
    u64 state_ = 42;
};

struct Piece {
    u8* memory = nullptr;
    size_t size = 0;
    u8 mark = 0;
    bool is_whole() const { return std::all_of(memory, memory + size, [this](u8 byte) { return byte == mark; }); }
};

bool fill(Piece& piece, size_t size, u8 mark) {
    piece = {static_cast<u8*>(mm::heap_allocate(size)), size, mark};
    if (piece.memory) std::memset(piece.memory, mark, size);
    return piece.memory != nullptr;
}

struct alignas(64) Aligned { u8 bytes[200]; };
struct alignas(512) VeryAligned { u8 bytes[8]; };

}

SELF_TEST_ON_ALL_CPUS(heap_pieces_never_overlap) {
    static constinit std::array<Piece, 400> pieces;
    Sequence sequence;
    u64 const before = mm::free_frames();
    for (int step = 0; step < 20000; ++step) {
        Piece& piece = pieces[sequence.next(pieces.size())];
        if (piece.memory) {
            REQUIRE(piece.is_whole());
            mm::heap_free(piece.memory);
            piece.memory = nullptr;
        } else {
            u32 const kind = sequence.next(100);
            size_t const size = kind < 70 ? sequence.next(300) : kind < 97 ? sequence.next(3000) : sequence.next(40000);
            REQUIRE(fill(piece, size, static_cast<u8>(step)));
            REQUIRE(is_aligned(reinterpret_cast<u64>(piece.memory), 16));
        }
    }
    for (Piece& piece : pieces) {
        if (piece.memory) CHECK(piece.is_whole());
        mm::heap_free(piece.memory);
        piece.memory = nullptr;
    }
    CHECK(mm::free_frames() == before);
}

SELF_TEST(heap_gives_large_buffers_and_takes_them_back) {
    u64 const before = mm::free_frames();
    for (size_t size : {size_t{0}, size_t{2049}, size_t{5000}, size_t{40000}, size_t{1} << 20, size_t{4} << 20, (size_t{5} << 20) + 1}) {
        auto buffer = mm::Buffer::allocate(size);
        REQUIRE(buffer);
        CHECK(buffer->size() == size);
        std::memset(buffer->data(), 0x5a, size);
        CHECK(size == 0 || buffer->data()[size - 1] == std::byte{0x5a});
        CHECK(before - mm::free_frames() <= size / page_size * 4 / 3 + 8);
    }
    CHECK(mm::free_frames() == before);
}

SELF_TEST(heap_refuses_what_cannot_be) {
    u64 const before = mm::free_frames();
    CHECK(mm::heap_allocate(~size_t{0}) == nullptr);
    CHECK(mm::heap_allocate(size_t{1} << 63) == nullptr);
    CHECK(mm::heap_allocate(mm::frame_allocator.total_bytes() + 4096) == nullptr);
    mm::heap_free(nullptr);
    CHECK(mm::free_frames() == before);
}

SELF_TEST(new_keeps_alignment) {
    mm::Owned<Aligned> aligned(new (std::nothrow) Aligned);
    mm::Owned<VeryAligned> very_aligned(new (std::nothrow) VeryAligned);
    REQUIRE(aligned && very_aligned);
    CHECK(is_aligned(reinterpret_cast<u64>(aligned.get()), 64));
    CHECK(is_aligned(reinterpret_cast<u64>(very_aligned.get()), 512));
}

SELF_TEST(object_cache_counts_and_owns) {
    static constinit mm::ObjectCache cache("selftest", 200, 8);
    static constinit std::array<void*, 500> objects;
    u64 const before = mm::free_frames();
    for (void*& object : objects) {
        object = cache.allocate();
        REQUIRE(object);
        std::memset(object, 0xee, 200);
    }
    CHECK(cache.statistics().objects == objects.size());
    CHECK(&mm::ObjectCache::owner_of(objects[77]) == &cache);
    u64 const used = before - mm::free_frames();
    CHECK(used == cache.statistics().frames);
    CHECK(used * page_size < objects.size() * 200 * 8 / 7 + 2 * page_size);
    for (size_t i = 0; i < objects.size(); i += 2) cache.free(objects[i]);
    for (size_t i = 1; i < objects.size(); i += 2) cache.free(objects[i]);
    CHECK(cache.statistics().objects == 0);
    CHECK(cache.statistics().frames == cache.statistics().empty_frames);
    CHECK(mm::free_frames() == before);
}
