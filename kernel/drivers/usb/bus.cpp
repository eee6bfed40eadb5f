// SPDX-License-Identifier: MIT
// Finds out what each device of one host controller is, starts its driver, and gives work to one device at a time, in turn.
#include "kernel/drivers/usb/bus.h"

#include <algorithm>

#include <base/log.h>

#include "kernel/drivers/usb/hub.h"
#include "kernel/drivers/usb/keyboard.h"

namespace drivers::usb {

namespace {

constexpr u16 first_look = 8;                ///< bytes of a descriptor that every control endpoint can transfer
constexpr u16 longest_configuration = 1024;  ///< bytes beyond it are not read
constexpr u8 most_failures = 5;              ///< of an interrupt endpoint in a row
constexpr u16 endpoint_halt = 0;

Setup descriptor_request(u8 kind, u16 length) { return {from_device, get_descriptor, static_cast<u16>(kind << 8), 0, length}; }

constexpr std::string_view speed_name(Speed speed) {
    switch (speed) {
    case Speed::Full: return "full speed";
    case Speed::Low: return "low speed";
    case Speed::High: return "high speed";
    default: return "SuperSpeed";
    }
}

/// The size in bytes if it is one of those allowed (USB 2.0, 5.5.3), else 0.
u16 control_packet_size(Speed speed, u8 written) {
    if (speed >= Speed::Super) return written == 9 ? 512 : 0;
    if (speed == Speed::High) return written == 64 ? 64 : 0;
    if (speed == Speed::Low) return written == 8 ? 8 : 0;
    return written == 8 || written == 16 || written == 32 || written == 64 ? written : 0;
}

Result<std::span<u8 const>> read_configuration(Device& device, std::span<u8> buffer) {
    u16 const head = 9;
    size_t const first = TRY(device.control(descriptor_request(descriptor_configuration, head), buffer.first(head)));
    auto const length = configuration_length(buffer.first(first));
    if (!length) return fail(EIO);
    u16 const wanted = static_cast<u16>(std::min<size_t>(*length, buffer.size()));
    size_t const all = TRY(device.control(descriptor_request(descriptor_configuration, wanted), buffer.first(wanted)));
    return std::span<u8 const>(buffer.first(all));
}

Result<DeviceDriver*> make_driver(Device& device) {
    if (device.function.kind == Kind::Keyboard) return TRY(mm::make<Keyboard>(device));
    return TRY(mm::make<Hub>(device));
}

}

/// Reads the size of control packets first: without it nothing longer can be read.
Result<> Bus::identify(Device& device) {
    mm::Buffer const memory = TRY(mm::Buffer::allocate(longest_configuration));
    std::span<u8> const buffer(reinterpret_cast<u8*>(memory.data()), memory.size());
    if (TRY(device.control(descriptor_request(descriptor_device, first_look), buffer.first(first_look))) < first_look) return fail(EIO);
    u16 const packet_size = control_packet_size(device.speed, buffer[7]);
    if (packet_size == 0) return fail(EIO);
    TRY(host_.set_control_packet_size(device, packet_size));
    size_t const got = TRY(device.control(descriptor_request(descriptor_device, DeviceDescriptor::size), buffer.first(DeviceDescriptor::size)));
    auto const descriptor = read_device_descriptor(buffer.first(got));
    if (!descriptor) return fail(EIO);
    device.descriptor = *descriptor;
    auto const function = find_function(TRY(read_configuration(device, buffer)));
    if (!function) return fail(EIO);
    device.function = *function;
    return {};
}

Result<> Bus::start(Device& device) {
    auto const& [device_class, packet_size, vendor, product, configurations] = device.descriptor;
    auto const path = device.path();
    // No keyboard is behind the SuperSpeed half of a USB 3 hub.
    bool const is_usable = device.function.kind != Kind::Unknown && !(device.function.kind == Kind::Hub && device.speed >= Speed::Super);
    if (!is_usable) {
        log_info("usb", "device {:04x}:{:04x} at {}, class {:02x}, {}: no driver", vendor, product, path.text(),
                 device_class ? device_class : device.function.first_class, speed_name(device.speed));
        return {};
    }
    TRY(host_.configure(device, device.function.endpoint));
    TRY(device.control({to_device, set_configuration, device.function.configuration, 0, 0}));
    device.driver = mm::Owned<DeviceDriver>(TRY(make_driver(device)));
    TRY(device.driver->start());
    log_info("usb", "{} {:04x}:{:04x} at {}, {}", device.driver->name(), vendor, product, path.text(), speed_name(device.speed));
    return {};
}

Result<> Bus::attach(Device* hub, u8 port, Speed speed) {
    if (hub && hub->depth == Device::deepest) return fail(ENODEV);
    Device* const device = TRY(mm::make<Device>(host_, *this, hub, port, speed));
    devices_.push_back(*device);
    Result<> result = host_.open(*device);
    if (result) result = identify(*device);
    if (result) result = start(*device);
    if (!result) remove(*device);
    return result;
}

void Bus::remove(Device& device) {
    for (auto child = devices_.begin(); child != devices_.end();) {
        if (child->hub != &device) {
            ++child;
            continue;
        }
        remove(*child);   // at most Device::deepest calls deep
        child = devices_.begin();
    }
    if (device.driver) device.driver->stop();
    if (device.slot != 0) host_.close(device);
    devices_.erase(devices_.iterator_to(device));
    delete &device;
}

Device* Bus::find(Device const* hub, u8 port) {
    for (Device& device : devices_)
        if (device.hub == hub && device.port == port) return &device;
    return nullptr;
}

void Bus::detach(Device* hub, u8 port) {
    Device* const device = find(hub, port);
    if (!device) return;
    log_info("usb", "{} at {} is gone", device->driver ? device->driver->name() : "device", device->path().text());
    remove(*device);
}

void Bus::detach_all() {
    while (!devices_.empty()) remove(devices_.front());
}

// ---------------------------------------------------------------- work

/// A device that is served moves to the end of the list, so one that always has work, or always fails, does not starve the others.
bool Bus::work() {
    for (Device& device : devices_) {
        if (!device.driver || !(device.is_halted || device.driver->has_work())) continue;
        devices_.splice(devices_.end(), devices_, devices_.iterator_to(device));
        if (device.is_halted) recover(device);
        else device.driver->work();
        return true;
    }
    return false;
}

bool Bus::has_work() const {
    return std::ranges::any_of(devices_, [](Device const& device) { return device.driver && (device.is_halted || device.driver->has_work()); });
}

void Bus::recover(Device& device) {
    device.is_halted = false;
    if (device.failures == most_failures) return;
    if (++device.failures == most_failures)
        return log_warning("usb", "{} at {} fails again and again: given up until it is plugged again", device.driver->name(), device.path().text());
    if (!host_.recover(device)) return;
    u16 const endpoint = static_cast<u16>(0x80 | device.function.endpoint.number);
    static_cast<void>(device.control({to_endpoint, clear_feature, endpoint_halt, endpoint, 0}));
    host_.listen(device);
}

u64 Bus::deadline_ns() const {
    u64 first = ~u64{0};
    for (Device const& device : devices_)
        if (device.driver) first = std::min(first, device.driver->deadline_ns());
    return first;
}

void Bus::tick(u64 now_ns) {
    for (Device& device : devices_)
        if (device.driver && device.driver->deadline_ns() <= now_ns) device.driver->on_deadline(now_ns);
}

void Bus::lights_changed() {
    for (Device& device : devices_)
        if (device.driver) device.driver->lights_changed();
}

}
