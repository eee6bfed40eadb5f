// SPDX-License-Identifier: MIT
// Frames inside the running kernel: what is taken is whole, zeroed when asked for, and back to
// the frame when it is given back; memory runs out in the order that Urgency promises.
#include <algorithm>
#include <iterator>
#include <span>

#include <arch/paging.h>

#include "mm/frame_allocator.h"
#include "mm/frame_caches.h"
#include "tests/selftest/self_test.h"

namespace {

using mm::Fill;
using mm::frame_allocator;
using mm::FrameAllocator;
using mm::FrameCache;
using mm::FrameRef;
using mm::Urgency;

u64 free_now() { return frame_allocator.statistics().free; }

/// Frames that are held in a chain through their records.
class Hoard {
public:
    ~Hoard() { release(); }
    /// Takes frames until there are no more for `urgency`; returns how many.
    u64 take_all(Urgency urgency) {
        u64 count = 0;
        for (; auto frame = frame_allocator.allocate(0, Fill::Dirty, urgency); ++count) {
            mm::Frame& record = frame->leak();
            record.used.owner = last_;
            last_ = &record;
        }
        return count;
    }
    void release() {
        while (last_) {
            auto* const frame = last_;
            last_ = static_cast<mm::Frame*>(frame->used.owner);
            mm::frame_release(*frame);
        }
    }
private:
    mm::Frame* last_ = nullptr;
};

}

SELF_TEST(frame_blocks_are_aligned_zeroed_and_returned) {
    u64 const before = free_now();
    for (unsigned order = 0; order <= FrameAllocator::max_order; ++order) {
        for (int round = 0; round < 2; ++round) {   // the second gets back what the first has dirtied
            auto block = frame_allocator.allocate(order, Fill::Zero);
            REQUIRE(block);
            CHECK(is_aligned(block->address().value(), page_size << order));
            CHECK(&mm::frame_record(block->address()) == &block->record());
            CHECK(block->record().references.load() == 1);
            CHECK(free_now() == before - (u64{1} << order));
            std::span const words(static_cast<u64*>(block->data()), (page_size << order) / sizeof(u64));
            CHECK(std::all_of(words.begin(), words.end(), [](u64 word) { return word == 0; }));
            std::fill(words.begin(), words.end(), ~u64{0});
        }
    }
    CHECK(free_now() == before);
}

SELF_TEST(frames_given_back_as_zeros_are_zeros) {
    u64 const before = free_now();
    for (int round = 0; round < 3; ++round) {
        FrameRef frames[FrameCache::zeroed_capacity + 8];   // more than are kept apart
        for (FrameRef& frame : frames) {
            frame = *frame_allocator.allocate(0, Fill::Zero);
            frame.record().flags = mm::frame_returns_zeroed;
        }
        CHECK(free_now() == before - std::size(frames));
        for (FrameRef& frame : frames) frame = FrameRef();
        CHECK(free_now() == before);
        for (FrameRef& frame : frames) {   // who asks for no zeros does not promise them either
            frame = *frame_allocator.allocate(0, round == 1 ? Fill::Dirty : Fill::Zero);
            CHECK(frame.record().flags == 0);
            std::span const words(static_cast<u64*>(frame.data()), page_size / sizeof(u64));
            if (round != 1) CHECK(std::all_of(words.begin(), words.end(), [](u64 word) { return word == 0; }));
            std::fill(words.begin(), words.end(), ~u64{0});
        }
    }
    CHECK(free_now() == before);
}

SELF_TEST(frame_references_keep_a_frame) {
    u64 const before = free_now();
    {
        auto first = frame_allocator.allocate();
        REQUIRE(first);
        FrameRef second = *first;
        CHECK(second.is_shared());
        CHECK(free_now() == before - 1);
        *first = FrameRef();
        CHECK(!second.is_shared());
        CHECK(free_now() == before - 1);
    }
    CHECK(free_now() == before);
}

SELF_TEST(memory_runs_out_in_the_promised_order) {
    (void)mm::drain_frame_caches();   // what other CPUs have kept would be free to the end
    u64 const before = free_now();
    u64 const failures = frame_allocator.statistics().failures;
    Hoard hoard;
    CHECK(hoard.take_all(Urgency::NewProcess) > 0);
    CHECK(hoard.take_all(Urgency::User) > 0);
    CHECK(hoard.take_all(Urgency::Kernel) > 0);
    CHECK(!frame_allocator.allocate(0, Fill::Dirty, Urgency::User));
    CHECK(hoard.take_all(Urgency::Reserve) > 0);
    CHECK(free_now() == 0);
    CHECK(!frame_allocator.allocate(3));
    CHECK(frame_allocator.statistics().failures == failures + 6);
    hoard.release();
    CHECK(free_now() == before);
    CHECK(frame_allocator.allocate(FrameAllocator::max_order).has_value());   // all has joined again
}

SELF_TEST(every_frame_of_ram_knows_its_address) {
    for (auto const& range : frame_allocator.ram().ranges()) {
        CHECK(mm::is_managed(PhysAddr(range.start)) && mm::is_managed(PhysAddr(range.end - 1)));
        CHECK(!mm::is_managed(PhysAddr(range.end)));
        for (u64 address = range.start; address < range.end; address += page_size)
            REQUIRE(mm::frame_address(mm::frame_record(PhysAddr(address))).value() == address);
    }
}
