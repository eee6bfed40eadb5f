// SPDX-License-Identifier: MIT
// Brings the devices up in order and makes consoles of those that console= chooses. The log is attached to a serial port only once.
#include "kernel/drivers/drivers.h"

#include <arch/time.h>
#include <base/log.h>
#include <boot/boot_info.h>
#include <boot/early_screen.h>

#include "kernel/base/command_line.h"
#include "kernel/drivers/console_choice.h"
#include "kernel/drivers/keyboard/keyboard.h"
#include "kernel/drivers/pci/pci.h"
#include "kernel/drivers/screen/screen.h"
#include "kernel/drivers/serial/serial.h"
#include "kernel/drivers/usb/xhci.h"
#include "kernel/tty/terminal.h"

namespace drivers {

namespace {

constinit bool ports_probed = false;
constinit bool log_attached[2] = {false, false};

ConsoleChoice choose(std::span<std::string_view const> names, bool has_screen) {
    return choose_consoles(names, serial_ports[0].is_present(), serial_ports[1].is_present(), has_screen);
}

void attach_log(size_t port) {
    if (std::exchange(log_attached[port], true)) return;
    base::kernel_log.add_sink(serial_ports[port]);
    serial_ports[port].hear_requests();
}

/// Both are optional: a machine without them is a server. Without a screen, the PS/2 keyboard is not started either.
void start_screen_and_keyboard() {
    if (auto const started = screen.start(boot::boot_info); !started) {
        log_info("screen", "none");
        return;
    }
    boot::early_screen_end();
    base::CommandLine const words(boot::boot_info.command());
    key_input.start(screen, words.text("keymap", "us"));
    if (!keyboard.start(!words.flag("i8042.direct"))) log_info("keyboard", "no PS/2 controller");
}

constexpr pci::Driver pci_drivers[] = {
    {"xHCI", 0x0c0330, 0xffffff, usb::xhci::attach},
};

void set_console(ConsoleChoice const& choice) {
    VirtualConsole* const console = screen.console(choice.virtual_console);
    switch (choice.console) {
    case ConsoleKind::Serial0: return tty::set_console(serial_ports[0].terminal);
    case ConsoleKind::Serial1: return tty::set_console(serial_ports[1].terminal);
    case ConsoleKind::Screen: return console ? tty::set_console(console->terminal) : tty::set_console_to_current();
    default: break;
    }
}

}

void start_early_log(std::span<std::string_view const> console_names) {
    if (std::exchange(ports_probed, true)) return;
    // Takes both ports for present, to learn the speeds that the words ask for.
    ConsoleChoice const wanted = choose_consoles(console_names, true, true, true);
    for (size_t port = 0; port < 2; ++port) serial_ports[port].probe(wanted.baud[port]);
    ConsoleChoice const choice = choose(console_names, true);
    for (size_t port = 0; port < 2; ++port)
        if (choice.log_to_serial[port]) attach_log(port);
}

Result<> initialize(std::span<std::string_view const> console_names) {
    start_early_log(console_names);
    for (SerialPort& port : serial_ports)
        if (port.is_present()) TRY(port.start());
    start_screen_and_keyboard();
    pci::initialize(pci_drivers);
    ConsoleChoice const choice = choose(console_names, screen.is_present());
    if (!choice.unknown.empty()) log_warning("console", "console={}: no such device", choice.unknown);
    for (size_t port = 0; port < 2; ++port)
        if (choice.log_to_serial[port]) attach_log(port);
    if (choice.log_to_screen) base::kernel_log.add_sink(screen);
    set_console(choice);
    return tty::register_common_nodes();
}

void settle() {
    constexpr u64 patience_ns = 1000 * ns_per_ms;
    if (!usb::xhci::wait_for_first_look(arch::clock_ns() + patience_ns)) log_info("usb", "devices are still being looked at");
}

}
