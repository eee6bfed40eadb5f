// SPDX-License-Identifier: MIT
// Turns the reports of a keyboard in the boot protocol (HID 1.11, appendices B.1 and C) into key events. Pure.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "kernel/drivers/keyboard/key_event.h"

namespace drivers::usb {

class BootReports {
public:
    static constexpr size_t report_size = 8, keys_at_once = 6, modifiers = 8;

    /// Has room for all that one report can say: every modifier changes, all keys are released, and others are pressed.
    struct Events {
        std::array<KeyEvent, modifiers + 2 * keys_at_once> list{};
        size_t count = 0;
        void add(KeyEvent event) { if (count < list.size()) list[count++] = event; }
        std::span<KeyEvent const> view() const { return {list.data(), count}; }
    };

    constexpr BootReports() = default;
    Events feed(std::span<u8 const> report);
    /// The keyboard is gone: releases every key that is held.
    Events release_all();
    /// The key that was pressed last, if it is still held and is one that repeats.
    std::optional<KeyEvent> held() const;

private:
    using Keys = std::array<u8, keys_at_once>;
    u8 modifiers_ = 0;
    Keys keys_{};       ///< usages, 0: none
    u8 last_ = 0;       ///< the usage of the key that repeats; 0: none
};

/// The key of a usage of HID's keyboard page (HID Usage Tables 1.12, chapter 10).
std::optional<KeyEvent> key_of_usage(u8 usage, bool down);

}
