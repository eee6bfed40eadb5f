// SPDX-License-Identifier: MIT
// A hub (USB 2.0, chapter 11): powers its ports, watches them, and resets a port when something is plugged in.
#pragma once

#include "kernel/drivers/usb/device.h"

namespace drivers::usb {

class Hub final : public DeviceDriver {
public:
    explicit Hub(Device& device) : device_(device) {}
    std::string_view name() const override { return "hub"; }
    Result<> start() override;
    void on_report(std::span<u8 const> report) override;
    bool has_work() const override { return changed_ != 0 || !is_listening_; }
    void work() override;

private:
    struct PortStatus { u16 now, changes; };
    Result<HubDescriptor> read_descriptor();
    Result<> port_feature(u8 request, u16 feature, u8 port);
    Result<PortStatus> port_status(u8 port);
    Result<PortStatus> look_at_port(u8 port);
    void serve_port(u8 port);
    Result<> attach(u8 port);
    Result<Speed> reset_port(u8 port);
    void clear_own_changes();

    Device& device_;
    u8 ports_ = 0;
    u16 changed_ = 0;              ///< bit n: port n is to be served; bit 0: the hub itself
    bool is_listening_ = false;    ///< the status change endpoint has been asked for a report
};

}
