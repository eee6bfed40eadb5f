// SPDX-License-Identifier: MIT
// Control transfers (4.11.2.2), one at a time, and requests for the reports of interrupt endpoints.
#include <algorithm>
#include <cstring>

#include "kernel/drivers/usb/xhci.h"

namespace drivers::usb::xhci {

namespace {

constexpr u64 control_ms = 5000;   // USB 2.0, 9.2.6.1
constexpr u32 stage_shift = 16, stage_out = 2, stage_in = 3, setup_bytes = 8;

}

void Controller::push_control(Slot& slot, Setup const& setup) {
    bool const has_data = setup.length != 0;
    u32 const stage = !has_data ? 0 : setup.is_in() ? stage_in : stage_out;
    slot.transfer = {};
    slot.transfer.has_data = has_data;
    slot.control_ring.push({setup.packed(), setup_bytes, type_bits(TrbType::Setup) | trb_immediate | stage << stage_shift});
    if (has_data)
        slot.transfer.data_entry = slot.control_ring.push({slot.buffers.address(0).value(), setup.length,
                                                           type_bits(TrbType::Data) | trb_interrupt_if_short | (setup.is_in() ? trb_direction_in : 0)});
    // The status stage goes the other way.
    bool const ends_in = !has_data || !setup.is_in();
    slot.transfer.status_entry = slot.control_ring.push({0, 0, type_bits(TrbType::Status) | trb_interrupt | (ends_in ? trb_direction_in : 0)});
}

Result<size_t> Controller::control(Device& device, Setup const& setup, std::span<u8> data) {
    if (setup.length > data.size() || setup.length > Slot::control_buffer_size) return fail(EINVAL);
    Slot* const slot = slot_of_device(device);
    if (!slot || !works_) return fail(EIO);
    u8* const buffer = slot->buffers.at<u8>(0);
    if (setup.length != 0 && !setup.is_in()) std::memcpy(buffer, data.data(), setup.length);
    push_control(*slot, setup);
    ring_doorbell(device.slot, control_endpoint);
    // A controller need not report the end of a transfer to a device that is gone.
    auto const waited = wait_until([&] { return slot->transfer.is_done || was_unplugged(device.root_port); }, control_ms);
    if (!slot->transfer.is_done) {
        if (works_) TRY(restart_endpoint(device.slot, control_endpoint, slot->control_ring, false));
        return fail(waited ? Errno(EIO) : waited.error());
    }
    Completion const completion = slot->transfer.completion;
    if (completion != Completion::Success && completion != Completion::ShortPacket) {
        TRY(restart_endpoint(device.slot, control_endpoint, slot->control_ring, true));
        return fail(completion == Completion::Stall ? EPIPE : EIO);
    }
    size_t const count = setup.length - std::min<u32>(slot->transfer.residue, setup.length);
    if (setup.is_in()) std::memcpy(data.data(), buffer, count);
    return count;
}

void Controller::listen(Device& device) {
    Slot* const slot = slot_of_device(device);
    if (!slot || slot->report_endpoint == 0 || !works_) return;
    slot->report_ring.push({slot->buffers.address(Slot::report_buffer_at).value(), slot->report_size,
                            type_bits(TrbType::Normal) | trb_interrupt | trb_interrupt_if_short});
    ring_doorbell(device.slot, slot->report_endpoint);
}

Result<> Controller::recover(Device& device) {
    Slot* const slot = slot_of_device(device);
    if (!slot || slot->report_endpoint == 0) return fail(EIO);
    return restart_endpoint(device.slot, slot->report_endpoint, slot->report_ring, true);
}

}
