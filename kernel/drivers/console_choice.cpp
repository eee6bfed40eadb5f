// SPDX-License-Identifier: MIT
// Reads console= words: "ttyS0", "ttyS0,115200n8", "tty0", "tty2". Of the options only the speed counts.
#include "kernel/drivers/console_choice.h"

namespace drivers {

namespace {

constexpr u32 highest_baud = 115200;
constexpr char last_virtual_console = '6';

ConsoleKind kind_of(std::string_view name) {
    if (name == "ttyS0") return ConsoleKind::Serial0;
    if (name == "ttyS1") return ConsoleKind::Serial1;
    if (name == "tty" || (name.size() == 4 && name.starts_with("tty") && name[3] >= '0' && name[3] <= last_virtual_console)) return ConsoleKind::Screen;
    return ConsoleKind::None;
}

/// The number with which `options` begins, if the port can have that speed, else `otherwise`.
u32 baud_of(std::string_view options, u32 otherwise) {
    u32 baud = 0;
    for (char c : options) {
        if (c < '0' || c > '9' || baud > highest_baud) break;
        baud = baud * 10 + static_cast<u32>(c - '0');
    }
    return baud >= 50 && baud <= highest_baud ? baud : otherwise;
}

struct Present {
    bool serial[2];
    bool screen;
    bool has(ConsoleKind kind) const {
        switch (kind) {
        case ConsoleKind::Serial0: return serial[0];
        case ConsoleKind::Serial1: return serial[1];
        case ConsoleKind::Screen: return screen;
        default: return false;
        }
    }
};

void add(ConsoleChoice& choice, ConsoleKind kind, std::string_view name, std::string_view options) {
    choice.console = kind;
    if (kind == ConsoleKind::Screen) {
        choice.virtual_console = name.size() == 4 ? static_cast<u32>(name[3] - '0') : 0;
        choice.log_to_screen = true;
        return;
    }
    size_t const port = kind == ConsoleKind::Serial1;
    choice.log_to_serial[port] = true;
    choice.baud[port] = baud_of(options, choice.baud[port]);
}

}

ConsoleChoice choose_consoles(std::span<std::string_view const> names, bool has_serial0, bool has_serial1, bool has_screen) {
    ConsoleChoice choice;
    Present const present{{has_serial0, has_serial1}, has_screen};
    for (std::string_view word : names) {
        size_t const comma = word.find(',');
        ConsoleKind const kind = kind_of(word.substr(0, comma));
        if (kind == ConsoleKind::None) choice.unknown = word;
        else if (present.has(kind)) add(choice, kind, word.substr(0, comma), comma == word.npos ? std::string_view() : word.substr(comma + 1));
    }
    if (choice.console != ConsoleKind::None) return choice;
    if (has_screen) add(choice, ConsoleKind::Screen, {}, {});
    if (has_serial0) add(choice, ConsoleKind::Serial0, {}, {});
    return choice;
}

}
