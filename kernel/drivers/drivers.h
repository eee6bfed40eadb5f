// SPDX-License-Identifier: MIT
// The devices that the kernel talks to people with: serial ports, keyboard, screen.
// `console_names` are the values of the command line's console= words, in order
// ("ttyS0,115200", "tty0"): each gets the log, the last is /dev/console.
#pragma once

#include <span>
#include <string_view>

#include <base/result.h>

namespace drivers {

/// The log appears on the serial ports from here on, by polling. Needs only I/O ports, so it may be
/// called as soon as the command line is known; initialize() does it otherwise.
void start_early_log(std::span<std::string_view const> console_names);

/// Everything else: interrupts, terminals and their nodes, the screen. After scheduler and fs::, before init.
Result<> initialize(std::span<std::string_view const> console_names);

/// Waits, a second at most, for devices that take their time to be found, so that init meets all that was plugged in.
void settle();

}
