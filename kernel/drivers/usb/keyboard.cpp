// SPDX-License-Identifier: MIT
// Drives a boot-protocol keyboard: hands its reports to KeyInput as events, repeats the key that is held, and sets the lights.
// It requests one report at a time, and sets the lights in work(), since that needs a transfer.
// HID 1.11, 7.2 (requests) and appendix B.1 (the keyboard's reports).
#include "kernel/drivers/usb/keyboard.h"

#include <arch/time.h>

#include "kernel/drivers/keyboard/key_input.h"

namespace drivers::usb {

namespace {

constexpr u8 set_report = 0x09, set_idle = 0x0a, set_protocol = 0x0b;
constexpr u16 boot_protocol = 0, only_changes = 0, output_report = 0x200;

constexpr u64 repeat_delay_ns = 500 * ns_per_ms, repeat_period_ns = 33 * ns_per_ms;

/// KeyInput has scroll, num, caps lock from the lowest bit on; HID num, caps, scroll.
constexpr u8 to_leds(u8 lights) { return static_cast<u8>((lights >> 1 & 3) | (lights & 1) << 2); }

}

Result<> Keyboard::start() {
    u8 const interface = device_.function.interface;
    // Some keyboards know only the boot protocol, or cannot be silent between changes, and refuse the request: that is no error.
    if (auto const done = device_.control({to_class_interface, set_protocol, boot_protocol, interface, 0}); !done && done.error() != Errno(EPIPE)) return done;
    if (auto const done = device_.control({to_class_interface, set_idle, only_changes, interface, 0}); !done && done.error() != Errno(EPIPE)) return done;
    device_.host.listen(device_);
    return {};
}

void Keyboard::stop() {
    deliver(reports_.release_all());
    repeat_ns_ = never;
}

void Keyboard::deliver(BootReports::Events const& events) {
    for (KeyEvent const& event : events.view()) key_input.handle(event);
}

void Keyboard::on_report(std::span<u8 const> report) {
    auto const before = reports_.held();
    deliver(reports_.feed(report));
    device_.host.listen(device_);
    auto const now = reports_.held();
    if (now != before) repeat_ns_ = now ? arch::clock_ns() + repeat_delay_ns : never;
}

void Keyboard::on_deadline(u64 now_ns) {
    auto const key = reports_.held();
    repeat_ns_ = key ? now_ns + repeat_period_ns : never;
    if (key) key_input.handle(*key);
}

void Keyboard::work() {
    lights_changed_ = false;
    u8 leds = to_leds(key_input.lights());
    static_cast<void>(device_.control({to_class_interface, set_report, output_report, device_.function.interface, 1}, {&leds, 1}));
}

}
