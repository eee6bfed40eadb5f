// SPDX-License-Identifier: MIT
// Reads the descriptors of a USB device. A device may lie: any bytes are safe to read. Pure.
#include "kernel/drivers/usb/descriptors.h"

#include <algorithm>
#include <utility>

namespace drivers::usb {

namespace {

constexpr u8 subclass_boot = 1, protocol_keyboard = 1;
constexpr u8 endpoint_in = 0x80, endpoint_number = 0x0f, transfer_type = 3, interrupt_transfer = 3;
constexpr u16 packet_size_mask = 0x7ff, largest_packet = 1024;
constexpr size_t configuration_size = 9, interface_size = 9, endpoint_size = 7, hub_size = 7;

u16 word(std::span<u8 const> bytes, size_t offset) { return static_cast<u16>(bytes[offset] | bytes[offset + 1] << 8); }

bool is_descriptor(std::span<u8 const> bytes, u8 kind, size_t size) {
    return bytes.size() >= size && bytes[0] >= size && bytes[1] == kind;
}

/// The interface to which the descriptors being read belong.
struct Current {
    Kind kind = Kind::Unknown;
    u8 number = 0;
};

Current read_interface(std::span<u8 const> bytes) {
    u8 const alternative = bytes[3], interface_class = bytes[5], subclass = bytes[6], protocol = bytes[7];
    Current now{Kind::Unknown, bytes[2]};
    if (alternative != 0) return now;
    if (interface_class == class_hub) now.kind = Kind::Hub;
    if (interface_class == class_hid && subclass == subclass_boot && protocol == protocol_keyboard) now.kind = Kind::Keyboard;
    return now;
}

std::optional<InterruptEndpoint> read_endpoint(std::span<u8 const> bytes) {
    u8 const address = bytes[2], number = address & endpoint_number;
    u16 const packet_size = word(bytes, 4) & packet_size_mask;
    if (!(address & endpoint_in) || number == 0 || (bytes[3] & transfer_type) != interrupt_transfer) return std::nullopt;
    if (packet_size == 0 || packet_size > largest_packet) return std::nullopt;
    return InterruptEndpoint{number, packet_size, std::max<u8>(bytes[6], 1)};
}

}

std::optional<DeviceDescriptor> read_device_descriptor(std::span<u8 const> bytes) {
    if (!is_descriptor(bytes, descriptor_device, DeviceDescriptor::size)) return std::nullopt;
    return DeviceDescriptor{bytes[4], bytes[7], word(bytes, 8), word(bytes, 10), bytes[17]};
}

std::optional<u16> configuration_length(std::span<u8 const> bytes) {
    if (!is_descriptor(bytes, descriptor_configuration, configuration_size)) return std::nullopt;
    return std::max<u16>(word(bytes, 2), configuration_size);
}

std::optional<Function> find_function(std::span<u8 const> configuration) {
    auto const length = configuration_length(configuration);
    if (!length) return std::nullopt;
    auto rest = configuration.first(std::min<size_t>(*length, configuration.size()));
    Function found;
    found.configuration = rest[5];
    Current now;
    bool seen_interface = false;
    // Each descriptor begins with its own length; an impossible length ends the list.
    while (rest.size() >= 2 && rest[0] >= 2 && rest[0] <= rest.size()) {
        auto const bytes = rest.first(rest[0]);
        rest = rest.subspan(rest[0]);
        if (is_descriptor(bytes, descriptor_interface, interface_size)) {
            now = read_interface(bytes);
            if (!std::exchange(seen_interface, true)) found.first_class = bytes[5];
        } else if (now.kind != Kind::Unknown && is_descriptor(bytes, descriptor_endpoint, endpoint_size)) {
            auto const endpoint = read_endpoint(bytes);
            if (!endpoint) continue;
            found.kind = now.kind, found.interface = now.number, found.endpoint = *endpoint;
            return found;
        }
    }
    return found;
}

std::optional<HubDescriptor> read_hub_descriptor(std::span<u8 const> bytes) {
    if (!is_descriptor(bytes, descriptor_hub, hub_size) || bytes[2] == 0) return std::nullopt;
    return HubDescriptor{bytes[2], static_cast<u16>(bytes[5] * 2), static_cast<u8>(bytes[3] >> 5 & 3)};
}

}
