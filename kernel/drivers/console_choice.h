// SPDX-License-Identifier: MIT
// Which devices the console=… words name, by the rules of Linux's serial-console.rst. Pure.
#pragma once

#include <span>
#include <string_view>

#include <base/types.h>

namespace drivers {

enum class ConsoleKind : u8 { None, Serial0, Serial1, Screen };

struct ConsoleChoice {
    bool log_to_serial[2] = {false, false};
    bool log_to_screen = false;
    u32 baud[2] = {115200, 115200};
    ConsoleKind console = ConsoleKind::None;   ///< what /dev/console is
    u32 virtual_console = 0;                   ///< if that is the screen: 1 … 6 for tty1 … tty6; 0: the one in front
    std::string_view unknown;                  ///< a word that names nothing here
};

/// Skips devices that are absent. If the words name none that is present, the first serial port is the console and the screen shows the
/// log as well; without that port, the screen is the console.
ConsoleChoice choose_consoles(std::span<std::string_view const> names, bool has_serial0, bool has_serial1, bool has_screen);

}
