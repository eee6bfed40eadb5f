// SPDX-License-Identifier: MIT
// The controller's own ports (4.19, 5.4.8): notices what is plugged in or out, and resets a port so that its device answers.
// An event only marks a port as changed; the controller's thread serves it later.
#include <algorithm>

#include <base/log.h>

#include "kernel/drivers/usb/xhci.h"

namespace drivers::usb::xhci {

namespace {

constexpr unsigned attempts = 3;
constexpr u64 power_ms = 20, debounce_ms = 100, port_reset_ms = 1000, recovery_ms = 10;

/// The value to write back that acknowledges no change and starts nothing.
u32 kept(Registers port) { return port.read(0) & port_kept; }

}

void Controller::power_ports() {
    if (registers_.read(reg_capability1) & capability_port_power) {
        for (u32 port = 1; port <= port_count_; ++port) {
            Registers const registers = port_registers(static_cast<u8>(port));
            registers.write(0, kept(registers) | port_power);
        }
        pause_ms(power_ms);
    }
    // No event reports what was plugged in before.
    for (u32 port = 1; port <= port_count_; ++port) ports_[port].has_changed = true;
}

/// True: at least one port was served.
bool Controller::serve_ports() {
    bool any = false;
    for (u32 port = 1; port <= port_count_ && works_; ++port)
        if (std::exchange(ports_[port].has_changed, false)) serve_port(static_cast<u8>(port)), any = true;
    return any;
}

void Controller::serve_port(u8 port) {
    Registers const registers = port_registers(port);
    u32 const status = registers.read(0);
    registers.write(0, (status & port_kept) | (status & port_changes));
    bool const was_disabled = (status & port_enable_changed) && !(status & port_enabled);
    if ((status & port_connect_changed) || !(status & port_connected) || was_disabled) bus_.detach(nullptr, port);
    if (!(status & port_connected) || bus_.find(nullptr, port)) return;
    Errno error(EIO);
    for (unsigned i = 0; i < attempts && works_; ++i) {
        auto const attached = attach_port(port);
        if (attached || was_unplugged(port)) return;   // an event reports the unplugging, too
        error = attached.error();
    }
    if (works_) log_warning("usb", "port {}: a device that cannot be used (error {})", port, error.value);
}

bool Controller::was_unplugged(u8 port) const {
    return (port_registers(port).read(0) & (port_connected | port_connect_changed)) != port_connected;
}

Result<> Controller::attach_port(u8 port) {
    pause_ms(debounce_ms);
    // A SuperSpeed device has enabled the port by itself.
    if (!(ports_[port].is_super && (port_registers(port).read(0) & port_enabled))) TRY(reset_port(port));
    u32 const speed = port_registers(port).read(0) >> port_speed_shift & port_speed_mask;
    if (speed == 0) return fail(EIO);
    return bus_.attach(nullptr, port, static_cast<Speed>(speed));
}

Result<> Controller::reset_port(u8 port) {
    Registers const registers = port_registers(port);
    registers.write(0, kept(registers) | port_reset);
    auto const is_done = [&] {
        u32 const status = registers.read(0);
        return (status & (port_reset_changed | port_warm_reset_changed)) || !(status & port_connected);
    };
    TRY(wait_until(is_done, port_reset_ms));
    registers.write(0, kept(registers) | port_reset_changed | port_warm_reset_changed | port_enable_changed);
    pause_ms(recovery_ms);
    if (!(registers.read(0) & port_enabled)) return fail(EIO);
    return {};
}

}
