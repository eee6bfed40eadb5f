// SPDX-License-Identifier: MIT
// What whole address spaces stand on in host tests: memory is an array of frames that can be told to run out; locks,
// TLBs and traces do nothing. The fixture looks whether every frame is back.
// sources: mm/user/vma.cpp mm/user/vma_set.cpp mm/user/vma_gap.cpp mm/user/address_space.cpp mm/user/map.cpp mm/user/lock.cpp
// sources: mm/user/unmap.cpp mm/user/protect.cpp mm/user/remap.cpp mm/user/brk.cpp mm/user/advise.cpp mm/user/page_fault.cpp
// sources: mm/user/copy_on_write.cpp mm/user/remote_access.cpp mm/user/maps.cpp mm/user/anonymous_object.cpp mm/user/truncate.cpp
// sources: mm/user/shared_tables.cpp mm/user/tlb_batch.cpp mm/user/vm_counters.cpp mm/page_table.cpp kernel/base/format.cpp
#pragma once

#include <cstdlib>
#include <cstring>

#include <base/format.h>
#include <base/trace.h>

#include "kernel/sync/mutex.h"
#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "mm/user/user_page.h"

namespace {

constexpr size_t frame_count = 16384;
alignas(page_size) std::byte memory[frame_count * page_size];
mm::Frame records[frame_count];
std::vector<u32> free_list;

/// The next allocation of a frame or an object that is to fail, counted down; negative: none.
int failing_allocation = -1;
bool allocation_fails() { return failing_allocation >= 0 && failing_allocation-- == 0; }

void prepare_memory() {
    if (arch::host_memory) return;
    arch::host_memory = memory;
    for (u32 i = 1; i < frame_count; ++i) free_list.push_back(i);
    mm::initialize_user_memory();
}

}

// ---- what the spaces stand on

namespace mm {

constinit FrameAllocator frame_allocator;
constinit KernelSpace kernel_space;

Frame& frame_record(PhysAddr address) { return records[address.value() / page_size]; }
PhysAddr frame_address(Frame const& frame) { return PhysAddr(static_cast<u64>(&frame - records) * page_size); }
bool is_managed(PhysAddr) { return true; }
bool AddressSpace::is_obvious_overcommit(u64 size) { return size > frame_count * page_size; }

Result<FrameRef> FrameAllocator::allocate(unsigned, Fill fill, Urgency) {
    if (free_list.empty() || allocation_fails()) return fail(ENOMEM);
    Frame& frame = records[free_list.back()];
    free_list.pop_back();
    frame.references = 1;
    frame.flags = 0;
    frame.used = {};
    std::memset(arch::direct_map(frame_address(frame)), fill == Fill::Zero ? 0 : 0xa5, page_size);
    return FrameRef::adopt(frame);
}

void frame_return(Frame& frame) {
    std::memset(arch::direct_map(frame_address(frame)), 0x5a, page_size);   // who still uses it sees nonsense
    free_list.push_back(static_cast<u32>(&frame - records));
}
void frame_release(Frame& frame) {
    ASSERT(frame.references != 0);
    if (frame_release_last(frame)) frame_return(frame);
}

void* ObjectCache::allocate() { return allocation_fails() ? nullptr : std::malloc(object_size_); }
void ObjectCache::free(void* object) { std::free(object); }
ObjectCache& Vma::object_cache() {
    static constinit ObjectCache cache("Vma", sizeof(Vma), alignof(Vma));
    return cache;
}

}

arch::TlbSpace::TlbSpace(PhysAddr its_root) : root(its_root), id(1) {}
void arch::tlb_flush(TlbSpace&, std::span<u64 const>) {}
void arch::tlb_flush(TlbSpace&) {}
void arch::tlb_leave(TlbSpace const&) {}

namespace sched { bool caller_is_dying(); }
bool sched::caller_is_dying() { return false; }

namespace sync {
void RwLockBase::acquire_shared() {}
void RwLockBase::release_shared() {}
void RwLockBase::acquire_exclusive() {}
void RwLockBase::release_exclusive() {}
void MutexBase::acquire() {}
void MutexBase::release() {}
}

constinit u32 trace::enabled_events = 0;
void trace::record(Event, u64, u64) {}

namespace {

using mm::AddressSpace;
using mm::FaultKind;
using mm::FaultResult;
using mm::MapRequest;
using mm::Protection;
using mm::Sharing;

/// A file of `pages` pages whose holes read as the frame of zeros, as tmpfs has it.
class FakeFile final : public mm::VmObject {
public:
    explicit FakeFile(u64 pages) : frames_(pages) {}
    Result<mm::FrameRef> page(u64 index, mm::Access access) override {
        if (index >= frames_.size()) return fail(ENXIO);
        if (!frames_[index]) {
            if (access == mm::Access::Read) return mm::zero_frame();
            frames_[index] = TRY(mm::frame_allocator.allocate(0, mm::Fill::Zero, mm::Urgency::User));
        }
        return frames_[index];
    }
    void describe(base::Writer& out) const override { out.write("/bin/file"); }
    u64 device() const override { return 0x1203; }
    u64 inode_number() const override { return 42; }
private:
    std::vector<mm::FrameRef> frames_;
};

class MemoryTest : public testing::Test {
protected:
    MemoryTest() {
        prepare_memory();
        free_before_ = free_list.size();
    }
    void expect_every_frame_back() const {
        EXPECT_EQ(free_list.size(), free_before_);
        auto const counters = mm::vm_counters();
        EXPECT_EQ(counters.resident_anonymous + counters.resident_file + counters.resident_shared, 0u);
    }
private:
    size_t free_before_ = 0;
};

}
