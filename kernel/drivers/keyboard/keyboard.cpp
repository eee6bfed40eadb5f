// SPDX-License-Identifier: MIT
// The i8042 controller: set up by polling, then driven by interrupt 1. Every wait for it is bounded. The caller chooses whether it
// translates to scan code set 1; some cannot.
// "PS/2 Keyboard/Mouse controller", OSDev; IBM PS/2 Hardware Interface Technical Reference.
#include "kernel/drivers/keyboard/keyboard.h"

#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/time.h>
#include <base/log.h>

namespace drivers {

namespace {

constexpr u16 data_port = 0x60, status_port = 0x64;
constexpr u8 output_full = 0x01, input_full = 0x02, from_mouse = 0x20;
constexpr u8 isa_line = 1;

// Commands to the controller and bits of its configuration.
constexpr u8 read_configuration = 0x20, write_configuration = 0x60, disable_mouse = 0xa7, self_test = 0xaa;
constexpr u8 disable_keyboard = 0xad, enable_keyboard = 0xae;
constexpr u8 self_test_passed = 0x55;
constexpr u8 keyboard_interrupt = 0x01, mouse_interrupt = 0x02, keyboard_clock_off = 0x10, translate = 0x40;

// Commands to the keyboard and its answers.
constexpr u8 set_lights = 0xed, enable_scanning = 0xf4, acknowledge = 0xfa, resend = 0xfe;

constexpr u64 answer_us = 50'000, self_test_us = 500'000, poll_us = 10;
constexpr unsigned longest_backlog = 64;
constexpr unsigned retries = 2;

bool wait_for_status(u8 mask, u8 value, u64 timeout_us) {
    for (u64 waited = 0; waited < timeout_us; waited += poll_us) {
        if ((arch::in8(status_port) & mask) == value) return true;
        arch::delay_us(poll_us);
    }
    return false;
}

Result<> send_command(u8 command) {
    if (!wait_for_status(input_full, 0, answer_us)) return fail(ENODEV);
    arch::out8(status_port, command);
    return {};
}

Result<> send_data(u8 data) {
    if (!wait_for_status(input_full, 0, answer_us)) return fail(ENODEV);
    arch::out8(data_port, data);
    return {};
}

Result<u8> receive(u64 timeout_us = answer_us) {
    if (!wait_for_status(output_full, output_full, timeout_us)) return fail(ENODEV);
    return arch::in8(data_port);
}

void drop_backlog() {
    for (unsigned i = 0; i < longest_backlog && (arch::in8(status_port) & output_full); ++i) arch::in8(data_port);
}

Result<> configure(u8 configuration) {
    TRY(send_command(write_configuration));
    return send_data(configuration);
}

/// Bytes that were already sent (someone types during the boot) may come before the answer.
Result<> pass_self_test() {
    TRY(send_command(self_test));
    for (unsigned i = 0; i < longest_backlog; ++i)
        if (TRY(receive(self_test_us)) == self_test_passed) return {};
    return fail(ENODEV);
}

Result<u8> configuration() {
    TRY(send_command(read_configuration));
    return receive();
}

/// Sets the controller up with both devices silent, then turns the keyboard's clock on; codes are translated if wanted and possible.
/// Returns the set of the codes that will come.
Result<ScanCodes::Set> set_up_controller(bool translated) {
    if (arch::in8(status_port) == 0xff) return fail(ENODEV);
    TRY(send_command(disable_keyboard));
    TRY(send_command(disable_mouse));
    drop_backlog();
    TRY(pass_self_test());
    TRY(send_command(disable_keyboard));   // the test may have enabled it again
    TRY(send_command(disable_mouse));
    drop_backlog();
    u8 const found = static_cast<u8>(TRY(configuration()) & ~(translate | mouse_interrupt | keyboard_clock_off));
    // The keyboard stays silent: what is read back must be the answer, not a key.
    TRY(configure(static_cast<u8>(found | keyboard_clock_off | keyboard_interrupt | (translated ? translate : 0))));
    bool const translates = TRY(configuration()) & translate;   // some cannot
    TRY(send_command(enable_keyboard));
    return translates ? ScanCodes::Set::One : ScanCodes::Set::Two;
}

}

constinit Keyboard keyboard;

Result<> Keyboard::start(bool translated) {
    Result<ScanCodes::Set> ready = set_up_controller(translated);
    for (unsigned again = 0; !ready && again < retries; ++again) ready = set_up_controller(translated);
    ScanCodes::Set const set = TRY(ready);
    {
        Locked guard(lock_);
        scan_codes_ = ScanCodes(set);
    }
    TRY(send_data(enable_scanning));
    // An old keyboard may not answer here, but still sends its keys.
    if (wait_for_status(output_full, output_full, answer_us)) arch::in8(data_port);
    TRY(key_input.add_source(*this));
    arch::enable_isa_interrupt(isa_line, on_interrupt, this, "keyboard");
    {
        // An edge that came before the handler was installed would be the last one.
        arch::InterruptGuard off;
        on_interrupt(this);
    }
    log_info("keyboard", "PS/2, scan code set {}, interrupt {}", set == ScanCodes::Set::One ? 1 : 2, isa_line);
    return {};
}

void Keyboard::on_interrupt(void* context) {
    auto& self = *static_cast<Keyboard*>(context);
    std::optional<KeyEvent> event;
    for (unsigned i = 0; i < longest_backlog && self.receive_event(event); ++i)
        if (event) key_input.handle(*event);
}

/// Reads one byte from the controller, and the event that it completes, if any. False: there is no byte.
bool Keyboard::receive_event(std::optional<KeyEvent>& event) {
    Locked guard(lock_);
    event.reset();
    u8 const status = arch::in8(status_port);
    if (!(status & output_full)) return false;
    u8 const code = arch::in8(data_port);
    if (status & from_mouse) return true;
    if (code == acknowledge || code == resend) answer(code, guard);
    else event = scan_codes_.feed(code);
    return true;
}

void Keyboard::lights_changed() {
    Locked guard(lock_);
    if (send_data(set_lights)) lights_ = Lights::CommandSent;
}

/// Sends the command's second byte once the first has been acknowledged.
void Keyboard::answer(u8 code, Lock::Guard const&) {
    if (std::exchange(lights_, Lights::Idle) == Lights::CommandSent && code == acknowledge) static_cast<void>(send_data(key_input.lights()));
}

}
