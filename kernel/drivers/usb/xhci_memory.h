// SPDX-License-Identifier: MIT
// Memory that controller and kernel share. It is coherent on x86, so it is ordinary memory.
#pragma once

#include <span>

#include "kernel/drivers/usb/device.h"
#include "kernel/drivers/usb/xhci_ring.h"
#include "mm/frame_allocator.h"

namespace drivers::usb::xhci {

/// What the controller can reach.
struct Reach {
    bool all_64_bits = true;
    bool large_contexts = false;    ///< of 64 bytes, not 32
    size_t context_size() const { return large_contexts ? 64 : 32; }
};

class DmaMemory {
public:
    DmaMemory() = default;
    /// 2^order zeroed pages. ENOMEM; ENXIO: the controller cannot reach what there is.
    static Result<DmaMemory> allocate(Reach const& reach, unsigned order = 0) {
        DmaMemory memory;
        memory.frames_ = TRY(mm::frame_allocator.allocate(order, mm::Fill::Zero));
        if (!reach.all_64_bits && memory.address(0).value() + (page_size << order) > 4 * gib) return fail(ENXIO);
        return memory;
    }
    /// Gives one page up to the controller, and takes it back.
    void leak() { static_cast<void>(frames_.leak()); }
    static DmaMemory adopt(PhysAddr page) {
        DmaMemory memory;
        memory.frames_ = mm::FrameRef::adopt(mm::frame_record(page));
        return memory;
    }
    PhysAddr address(size_t offset) const { return frames_.address() + offset; }
    template <class T> T* at(size_t offset) const { return reinterpret_cast<T*>(static_cast<u8*>(frames_.data()) + offset); }
    Ring ring(size_t offset, u32 count) const { return {at<Trb>(offset), address(offset), count}; }
private:
    mm::FrameRef frames_;
};

inline constexpr u32 small_ring = 64;                                          ///< entries
inline constexpr size_t small_ring_size = small_ring * sizeof(Trb), contexts_size = 2048;

/// A device that has an address, or is to get one: its contexts, two rings and buffers, in two pages; and what is under way.
struct Slot {
    static constexpr size_t control_ring_at = contexts_size, report_ring_at = control_ring_at + small_ring_size;
    static constexpr size_t control_buffer_size = 2048, report_buffer_at = control_buffer_size, report_buffer_size = 1024;
    static_assert(report_ring_at + small_ring_size <= page_size && report_buffer_at + report_buffer_size <= page_size);

    explicit Slot(Device& its_device) : device(&its_device) {}
    Result<> allocate(Reach const& reach) {
        structures = TRY(DmaMemory::allocate(reach));
        buffers = TRY(DmaMemory::allocate(reach));
        control_ring = structures.ring(control_ring_at, small_ring);
        report_ring = structures.ring(report_ring_at, small_ring);
        return {};
    }

    Device* device;                  ///< null: it is gone, and only the memory is still the controller's
    DmaMemory structures, buffers;
    Ring control_ring, report_ring;
    u8 report_endpoint = 0;          ///< index of its context; 0: none
    u16 report_size = 0;

    /// The control transfer under way.
    struct Transfer {
        u32 data_entry = 0, status_entry = 0;
        bool has_data = false, is_done = false;
        u32 residue = 0;             ///< of the data stage: bytes that did not come
        Completion completion = Completion::Success;
    } transfer;
};

}
