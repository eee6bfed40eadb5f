// SPDX-License-Identifier: MIT
// The driver of a hub: powers its ports, watches them, and resets a port when a device is plugged into it. A report only marks ports
// as changed; work() serves them, and asks for the next report after that. USB 2.0, chapter 11.
#include "kernel/drivers/usb/hub.h"

#include <algorithm>

#include <base/log.h>

#include "kernel/drivers/usb/bus.h"

namespace drivers::usb {

namespace {

// Features and bits of ports (11.24.2, 11.24.2.7).
constexpr u16 port_reset = 4, port_power = 8, first_change_feature = 16;
constexpr u16 hub_power_changed = 0, hub_current_changed = 1;
constexpr u16 connected = 1 << 0, enabled = 1 << 1, low_speed = 1 << 9, high_speed = 1 << 10;
constexpr u16 changed_connection = 1 << 0, changed_enable = 1 << 1, changed_reset = 1 << 4;
constexpr unsigned change_kinds = 5;

constexpr u8 most_ports = 15;     ///< the highest port that a route can name; ports beyond are not used
constexpr unsigned attempts = 3;
constexpr u64 debounce_ms = 100, reset_poll_ms = 10, reset_polls = 80, recovery_ms = 10, least_power_ms = 20;

}

Result<HubDescriptor> Hub::read_descriptor() {
    std::array<u8, 16> bytes{};
    Setup const setup{from_class_device, get_descriptor, descriptor_hub << 8, 0, bytes.size()};
    size_t const got = TRY(device_.control(setup, bytes));
    auto const descriptor = read_hub_descriptor(std::span(bytes).first(got));
    if (!descriptor) return fail(EIO);
    return *descriptor;
}

Result<> Hub::port_feature(u8 request, u16 feature, u8 port) { return device_.control({to_class_other, request, feature, port, 0}); }

Result<> Hub::start() {
    HubDescriptor descriptor = TRY(read_descriptor());
    ports_ = descriptor.ports = std::min(descriptor.ports, most_ports);
    TRY(device_.host.describe_hub(device_, descriptor));
    for (u8 port = 1; port <= ports_; ++port) TRY(port_feature(set_feature, port_power, port));
    device_.host.pause_ms(std::max<u64>(descriptor.power_good_ms, least_power_ms));
    changed_ = static_cast<u16>((2u << ports_) - 2);   // look at every port
    return {};
}

void Hub::on_report(std::span<u8 const> report) {
    u16 const bits = static_cast<u16>((report.size() > 0 ? report[0] : 0) | (report.size() > 1 ? report[1] << 8 : 0));
    changed_ = static_cast<u16>(changed_ | (bits & ((2u << ports_) - 1)));
    is_listening_ = false;
}

/// Asks the endpoint again only after every change that it reported has been served: before that it would report the same.
void Hub::work() {
    u16 const changed = std::exchange(changed_, 0);
    if (changed & 1) clear_own_changes();
    for (u8 port = 1; port <= ports_ && device_.host.works(); ++port)
        if (changed >> port & 1) serve_port(port);
    if (!std::exchange(is_listening_, true)) device_.host.listen(device_);
}

void Hub::clear_own_changes() {
    for (u16 const feature : {hub_power_changed, hub_current_changed})
        static_cast<void>(device_.control({to_class_device, clear_feature, feature, 0, 0}));
}

Result<Hub::PortStatus> Hub::port_status(u8 port) {
    std::array<u8, 4> bytes{};
    if (TRY(device_.control({from_class_other, get_status, 0, port, bytes.size()}, bytes)) < bytes.size()) return fail(EIO);
    return PortStatus{static_cast<u16>(bytes[0] | bytes[1] << 8), static_cast<u16>(bytes[2] | bytes[3] << 8)};
}

/// Reads the port's status and acknowledges its changes.
Result<Hub::PortStatus> Hub::look_at_port(u8 port) {
    PortStatus const status = TRY(port_status(port));
    for (unsigned kind = 0; kind < change_kinds; ++kind)
        if (status.changes >> kind & 1) TRY(port_feature(clear_feature, static_cast<u16>(first_change_feature + kind), port));
    return status;
}

void Hub::serve_port(u8 port) {
    auto const status = look_at_port(port);
    if (!status) return;
    bool const was_disabled = (status->changes & changed_enable) && !(status->now & enabled);
    if ((status->changes & changed_connection) || !(status->now & connected) || was_disabled) device_.bus.detach(&device_, port);
    if (!(status->now & connected) || device_.bus.find(&device_, port)) return;
    Errno error(EIO);
    for (unsigned i = 0; i < attempts && device_.host.works(); ++i) {
        auto const attached = attach(port);
        if (attached || attached.error() == Errno(ENXIO)) return;   // ENXIO: unplugged since; the hub will report that
        error = attached.error();
    }
    log_warning("usb", "{}.{}: a device that cannot be used (error {})", device_.path().text(), port, error.value);
}

Result<> Hub::attach(u8 port) {
    device_.host.pause_ms(debounce_ms);
    return device_.bus.attach(&device_, port, TRY(reset_port(port)));
}

Result<Speed> Hub::reset_port(u8 port) {
    TRY(port_feature(set_feature, port_reset, port));
    for (unsigned i = 0; i < reset_polls; ++i) {
        device_.host.pause_ms(reset_poll_ms);
        PortStatus const status = TRY(port_status(port));
        if (!(status.now & connected)) return fail(ENXIO);
        if (!(status.changes & changed_reset)) continue;
        TRY(port_feature(clear_feature, first_change_feature + 4, port));
        if (!(status.now & enabled)) return fail(EIO);
        device_.host.pause_ms(recovery_ms);
        return status.now & low_speed ? Speed::Low : status.now & high_speed ? Speed::High : Speed::Full;
    }
    return fail(ETIMEDOUT);
}

}
