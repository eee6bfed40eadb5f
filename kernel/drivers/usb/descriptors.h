// SPDX-License-Identifier: MIT
// Reads what a USB device says about itself. A device may lie, so every length is checked. Pure.
// USB 2.0 chapters 9.3, 9.6 and 11.23; HID 1.11 appendix B.
#pragma once

#include <optional>
#include <span>

#include <base/types.h>

namespace drivers::usb {

/// The eight bytes that begin a control transfer (9.3).
struct Setup {
    u8 type = 0, request = 0;
    u16 value = 0, index = 0, length = 0;
    constexpr bool is_in() const { return type & 0x80; }
    constexpr u64 packed() const { return u64{type} | u64{request} << 8 | u64{value} << 16 | u64{index} << 32 | u64{length} << 48; }
};

// Setup::type: direction, kind, recipient.
inline constexpr u8 from_device = 0x80, from_class_device = 0xa0, from_class_other = 0xa3;
inline constexpr u8 to_device = 0x00, to_endpoint = 0x02, to_class_device = 0x20, to_class_interface = 0x21, to_class_other = 0x23;
// Setup::request, of every device and of hubs.
inline constexpr u8 get_status = 0, clear_feature = 1, set_feature = 3, get_descriptor = 6, set_configuration = 9;
// Kinds of descriptors.
inline constexpr u8 descriptor_device = 1, descriptor_configuration = 2, descriptor_interface = 4, descriptor_endpoint = 5, descriptor_hub = 0x29;
inline constexpr u8 class_hid = 3, class_hub = 9;

struct DeviceDescriptor {
    static constexpr u16 size = 18;
    u8 device_class = 0;
    u8 control_packet_size = 0;      ///< as written: an exponent of 2 if the device is SuperSpeed
    u16 vendor = 0, product = 0;
    u8 configurations = 0;
};
/// Nothing if the bytes are not a device descriptor.
std::optional<DeviceDescriptor> read_device_descriptor(std::span<u8 const> bytes);

/// From a configuration descriptor's first 9 bytes: the length in bytes of the configuration, with all its descriptors.
std::optional<u16> configuration_length(std::span<u8 const> bytes);

struct InterruptEndpoint {
    u8 number = 0;                   ///< 1 to 15; it is always an IN endpoint
    u16 packet_size = 0;             ///< 1 to 1024
    u8 interval = 0;                 ///< as written, but never 0
};

enum class Kind : u8 { Unknown, Keyboard, Hub };

/// What can be used of a configuration.
struct Function {
    Kind kind = Kind::Unknown;
    u8 configuration = 0;            ///< for SET_CONFIGURATION
    u8 interface = 0;
    u8 first_class = 0;              ///< of the first interface
    InterruptEndpoint endpoint;
};
/// The first boot keyboard or hub with an interrupt endpoint; Kind::Unknown: there is none. Nothing if the bytes are not a
/// configuration descriptor.
std::optional<Function> find_function(std::span<u8 const> configuration);

struct HubDescriptor {
    u8 ports = 0;
    u16 power_good_ms = 0;           ///< from switching a port's power on until it is good
    u8 think_time = 0;               ///< of the transaction translator, encoded as xHCI wants it
};
std::optional<HubDescriptor> read_hub_descriptor(std::span<u8 const> bytes);

}
