// SPDX-License-Identifier: MIT
// A keyboard in HID's boot protocol: its reports become events of KeyInput, and a held key repeats.
#pragma once

#include "kernel/drivers/usb/boot_reports.h"
#include "kernel/drivers/usb/device.h"

namespace drivers::usb {

class Keyboard final : public DeviceDriver {
public:
    explicit Keyboard(Device& device) : device_(device) {}
    std::string_view name() const override { return "keyboard"; }
    Result<> start() override;
    void stop() override;
    void on_report(std::span<u8 const> report) override;
    bool has_work() const override { return lights_changed_; }
    void work() override;
    u64 deadline_ns() const override { return repeat_ns_; }
    void on_deadline(u64 now_ns) override;
    void lights_changed() override { lights_changed_ = true; }

private:
    static constexpr u64 never = ~u64{0};
    void deliver(BootReports::Events const& events);

    Device& device_;
    BootReports reports_;
    u64 repeat_ns_ = never;        ///< when the held key repeats next
    bool lights_changed_ = true;
};

}
