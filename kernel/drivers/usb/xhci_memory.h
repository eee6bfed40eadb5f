// SPDX-License-Identifier: MIT
// Memory that the controller and the kernel share. DMA is coherent on x86, so it is ordinary memory.
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
    /// Allocates 2^order zeroed pages. ENOMEM; ENXIO: the controller cannot reach the pages that were free.
    static Result<DmaMemory> allocate(Reach const& reach, unsigned order = 0) {
        DmaMemory memory;
        memory.frames_ = TRY(mm::frame_allocator.allocate(order, mm::Fill::Zero));
        if (!reach.all_64_bits && memory.address(0).value() + (page_size << order) > 4 * gib) return fail(ENXIO);
        return memory;
    }
    /// leak() leaves one page to the controller; adopt() takes it back.
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

/// A device that has an address or is about to get one: its contexts, two rings and buffers, in two pages, and the transfer in progress.
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

    Device* device;                  ///< null: the device is gone, and only the memory still belongs to the controller
    DmaMemory structures, buffers;
    Ring control_ring, report_ring;
    u8 report_endpoint = 0;          ///< the index of its context; 0: none
    u16 report_size = 0;

    /// The control transfer in progress.
    struct Transfer {
        u32 data_entry = 0, status_entry = 0;
        bool has_data = false, is_done = false;
        u32 residue = 0;             ///< of the data stage: bytes that were not transferred
        Completion completion = Completion::Success;
    } transfer;
};

}
