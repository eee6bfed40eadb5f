// SPDX-License-Identifier: MIT
// The devices with which the kernel talks to people: serial ports, screen, PS/2 and USB keyboards.
// `console_names` are the values of the command line's console= words, in order
// ("ttyS0,115200", "tty0"): each of them that is present gets the log, and the last is /dev/console.
#pragma once

#include <span>
#include <string_view>

#include <base/result.h>

namespace drivers {

/// Sends the log to the serial ports from here on, by polling. Needs only I/O ports, so it may be called as soon as the command line is
/// known; if nobody has called it, initialize() does.
void start_early_log(std::span<std::string_view const> console_names);

/// Starts everything else: interrupts, terminals and their nodes, screen, keyboards, PCI. Called after the scheduler and fs:: are up and
/// before init.
Result<> initialize(std::span<std::string_view const> console_names);

/// Waits, a second at most, for devices that take a while to be found, so that init sees everything that was plugged in.
void settle();

}
