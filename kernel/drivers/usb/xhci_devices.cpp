// SPDX-License-Identifier: MIT
// Commands (4.6), one at a time, and the contexts with which they describe a device to the controller (6.2).
#include <algorithm>
#include <cstring>

#include <base/log.h>

#include "kernel/drivers/usb/xhci.h"

namespace drivers::usb::xhci {

namespace {

constexpr u64 command_ms = 5000, address_recovery_ms = 10;
constexpr u32 add_slot = 1, add_control = 1 << control_endpoint;
constexpr u32 slot_is_hub = 1 << 26, entries_shift = 27, speed_shift = 20, root_port_shift = 16, ports_shift = 24, translator_port_shift = 8,
              think_time_shift = 16;
constexpr u32 three_errors = 3 << 1, endpoint_type_shift = 3, packet_size_shift = 16, interval_shift = 16, payload_shift = 16, endpoint_shift = 16;
constexpr size_t context_words = 8;   ///< words that mean something; larger contexts only have more room

/// The size of control packets that every device of that speed understands before its descriptor is read (USB 2.0, 5.5.3).
constexpr u16 first_packet_size(Speed speed) { return speed >= Speed::Super ? 512 : speed == Speed::High ? 64 : 8; }

constexpr u16 largest_report_packet(Speed speed) { return speed == Speed::Low ? 8 : speed == Speed::Full ? 64 : Slot::report_buffer_size; }

void copy_context(u32* to, u32 const* from) { std::memcpy(to, from, context_words * sizeof(u32)); }

}

/// Issues a command and waits for its end; no other command is issued before. EIO: the controller failed or does not answer.
Result<Trb> Controller::command(Trb trb) {
    if (!works_) return fail(EIO);
    command_result_.reset();
    command_address_ = shared_.address(command_ring_at).value() + commands_.push(trb) * sizeof(Trb);
    ring_doorbell(0, 0);
    if (!wait_until([&] { return command_result_.has_value(); }, command_ms)) {
        give_up("the controller does not answer a command");
        return fail(EIO);
    }
    return *command_result_;
}

Result<Trb> Controller::slot_command(TrbType type, u8 slot, u64 parameter, u32 bits) {
    Trb const result = TRY(command({parameter, 0, type_bits(type) | bits | u32{slot} << 24}));
    Completion const completion = completion_of(result);
    if (completion == Completion::Success) return result;
    log_debug("usb", "command {} for slot {} ended with {}", static_cast<u32>(type), slot, static_cast<u32>(completion));
    return fail(completion == Completion::NoSlots ? ENODEV : EIO);
}

// ---------------------------------------------------------------- contexts

/// Prepares an empty input context for changing the contexts whose bits are in `added`.
void Controller::prepare_input(u32 added) {
    std::memset(input_.at<u8>(0), 0, page_size);
    input_context(0)[1] = added;
}

void Controller::fill_slot(Device const& device) {
    u32* const slot = input_context(1);
    slot[0] = device.route | static_cast<u32>(device.speed) << speed_shift | 1u << entries_shift;
    slot[1] = u32{device.root_port} << root_port_shift;
    if (device.translator) slot[2] = device.translator->slot | u32{device.translator_port} << translator_port_shift;
}

void Controller::fill_endpoint(u8 index, EndpointType type, u16 packet_size, u8 interval, u64 dequeue) {
    u32* const endpoint = input_context(index + 1u);
    bool const is_control = type == EndpointType::Control;
    endpoint[0] = u32{interval} << interval_shift;
    endpoint[1] = three_errors | static_cast<u32>(type) << endpoint_type_shift | u32{packet_size} << packet_size_shift;
    endpoint[2] = static_cast<u32>(dequeue);
    endpoint[3] = static_cast<u32>(dequeue >> 32);
    endpoint[4] = is_control ? 8 : packet_size | u32{packet_size} << payload_shift;
}

// ---------------------------------------------------------------- devices

Result<> Controller::open(Device& device) {
    mm::Owned<Slot> slot(TRY(mm::make<Slot>(device)));
    TRY(slot->allocate(reach_));
    Trb const enabled = TRY(slot_command(TrbType::EnableSlot, 0, 0, u32{ports_[device.root_port].slot_type} << 16));
    u8 const number = xhci::slot_of(enabled);
    if (number == 0 || number > slot_count_ || slots_[number]) return fail(EIO);
    shared_.at<u64>(0)[number] = slot->structures.address(0).value();
    prepare_input(add_slot | add_control);
    fill_slot(device);
    fill_endpoint(control_endpoint, EndpointType::Control, first_packet_size(device.speed), 0, slot->control_ring.dequeue_pointer());
    slots_[number] = std::move(slot);
    device.slot = number;   // from here on the slot must be closed
    TRY(slot_command(TrbType::AddressDevice, number, input_.address(0).value()));
    pause_ms(address_recovery_ms);
    return {};
}

/// If the controller no longer answers, the slot's memory is kept until shut_down() has stopped it.
void Controller::close(Device& device) {
    u8 const number = std::exchange(device.slot, u8{0});
    slots_[number]->device = nullptr;
    if (works_) static_cast<void>(slot_command(TrbType::DisableSlot, number));
    if (!works_) return;
    shared_.at<u64>(0)[number] = 0;
    slots_[number] = mm::Owned<Slot>();
}

Result<> Controller::set_control_packet_size(Device& device, u16 size) {
    u32 const* const now = output_context(*slot_of_device(device), control_endpoint);
    if (now[1] >> packet_size_shift == size) return {};
    prepare_input(add_control);
    u32* const endpoint = input_context(control_endpoint + 1);
    copy_context(endpoint, now);
    endpoint[1] = (endpoint[1] & 0xffff) | u32{size} << packet_size_shift;
    TRY(slot_command(TrbType::EvaluateContext, device.slot, input_.address(0).value()));
    return {};
}

Result<> Controller::configure(Device& device, InterruptEndpoint const& endpoint) {
    Slot& slot = *slot_of_device(device);
    u8 const index = index_of_in(endpoint.number);
    u16 const packet_size = std::min(endpoint.packet_size, largest_report_packet(device.speed));
    bool const is_slow = device.speed == Speed::Low || device.speed == Speed::Full;
    prepare_input(add_slot | 1u << index);
    u32* const context = input_context(1);
    copy_context(context, output_context(slot, 0));
    context[0] = (context[0] & ~(0x1fu << entries_shift)) | u32{index} << entries_shift;
    fill_endpoint(index, EndpointType::InterruptIn, packet_size, interval_exponent(endpoint.interval, is_slow), slot.report_ring.dequeue_pointer());
    TRY(slot_command(TrbType::ConfigureEndpoint, device.slot, input_.address(0).value()));
    slot.report_endpoint = index;
    slot.report_size = packet_size;
    return {};
}

Result<> Controller::describe_hub(Device& device, HubDescriptor const& hub) {
    prepare_input(add_slot);
    u32* const context = input_context(1);
    copy_context(context, output_context(*slot_of_device(device), 0));
    context[0] |= slot_is_hub;
    context[1] |= u32{hub.ports} << ports_shift;
    if (device.speed == Speed::High) context[2] |= u32{hub.think_time} << think_time_shift;
    TRY(slot_command(TrbType::ConfigureEndpoint, device.slot, input_.address(0).value()));
    return {};
}

/// Makes an endpoint that an error has halted, or that is to be stopped, continue past every entry it was given (4.6.8 to 4.6.10).
Result<> Controller::restart_endpoint(u8 slot, u8 index, Ring const& ring, bool halted) {
    u32 const which = u32{index} << endpoint_shift;
    // The endpoint may be in the other state by now: then this command fails, and the next one is still right.
    static_cast<void>(slot_command(halted ? TrbType::ResetEndpoint : TrbType::StopEndpoint, slot, 0, which));
    TRY(slot_command(TrbType::SetDequeue, slot, ring.dequeue_pointer(), which));
    return {};
}

}
