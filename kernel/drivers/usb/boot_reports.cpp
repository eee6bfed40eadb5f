// SPDX-License-Identifier: MIT
// Turns a boot-protocol keyboard's reports into key events: what differs from the last report was pressed or released.
// HID 1.11, appendices B.1 and C. Pure.
#include "kernel/drivers/usb/boot_reports.h"

#include <algorithm>

namespace drivers::usb {

namespace {

constexpr u8 first_key = 4, error_usage = 1, first_modifier = 0xe0;
constexpr u8 e0 = 0x80;   ///< in the tables: an extended key
constexpr u8 usage_caps_lock = 0x39, usage_scroll_lock = 0x47, usage_num_lock = 0x53;

/// Scan codes of usages 04 to 65: letters, digits, enter to caps lock, function keys, then the rest as a keyboard has them.
/// 0: a key without a meaning here.
constexpr u8 scan_codes[] = {
    0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21, 0x22, 0x23, 0x17, 0x24, 0x25, 0x26, 0x32,                // a to m
    0x31, 0x18, 0x19, 0x10, 0x13, 0x1f, 0x14, 0x16, 0x2f, 0x11, 0x2d, 0x15, 0x2c,                // n to z
    0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,                                  // 1 to 0
    0x1c, 0x01, 0x0e, 0x0f, 0x39, 0x0c, 0x0d, 0x1a, 0x1b, 0x2b, 0x2b,                            // enter esc backspace tab space - = [ ] \ #
    0x27, 0x28, 0x29, 0x33, 0x34, 0x35, 0x3a,                                                    // ; ' ` , . / caps lock
    0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x57, 0x58,                      // F1 to F12
    e0 | 0x37, 0x46, e0 | 0x46, e0 | 0x52, e0 | 0x47, e0 | 0x49, e0 | 0x53, e0 | 0x4f, e0 | 0x51,        // print, scroll lock, pause, insert … page down
    e0 | 0x4d, e0 | 0x4b, e0 | 0x50, e0 | 0x48,                                                  // right left down up
    0x45, e0 | 0x35, 0x37, 0x4a, 0x4e, e0 | 0x1c,                                                // num lock, keypad / * - + enter
    0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47, 0x48, 0x49, 0x52, 0x53,                            // keypad 1 to 0 and .
    0x56, e0 | 0x5d,                                                                             // the key beside a short left shift, menu
};
static_assert(sizeof scan_codes == 0x65 - first_key + 1);

/// Control, shift, alt and the logo key, left and right.
constexpr u8 modifier_codes[] = {0x1d, 0x2a, 0x38, e0 | 0x5b, e0 | 0x1d, 0x36, e0 | 0x38, e0 | 0x5c};

KeyEvent event_of(u8 code, bool down) { return {static_cast<u8>(code & ~e0), (code & e0) != 0, down}; }

bool is_lock(u8 usage) { return usage == usage_caps_lock || usage == usage_scroll_lock || usage == usage_num_lock; }

}

std::optional<KeyEvent> key_of_usage(u8 usage, bool down) {
    if (usage >= first_modifier && usage - first_modifier < static_cast<int>(sizeof modifier_codes))
        return event_of(modifier_codes[usage - first_modifier], down);
    if (usage < first_key || static_cast<size_t>(usage - first_key) >= sizeof scan_codes || scan_codes[usage - first_key] == 0) return std::nullopt;
    return event_of(scan_codes[usage - first_key], down);
}

BootReports::Events BootReports::feed(std::span<u8 const> report) {
    Events events;
    if (report.size() < report_size) return events;
    Keys keys;
    std::ranges::copy(report.subspan(2, keys_at_once), keys.begin());
    // Too many keys are held for the report: it tells only of the modifiers.
    if (std::ranges::find(keys, error_usage) != keys.end()) keys = keys_;
    auto const add = [&events](u8 usage, bool down) {
        if (auto const event = key_of_usage(usage, down)) events.add(*event);
    };
    for (u8 i = 0; i < modifiers; ++i)
        if ((modifiers_ ^ report[0]) >> i & 1) add(static_cast<u8>(first_modifier + i), report[0] >> i & 1);
    auto const differ = [&](Keys const& from, Keys const& to, auto&& each) {
        for (size_t i = 0; i < keys_at_once; ++i) {
            u8 const usage = from[i];
            bool const again = std::find(from.begin(), from.begin() + static_cast<long>(i), usage) != from.begin() + static_cast<long>(i);
            if (usage >= first_key && !again && std::ranges::find(to, usage) == to.end()) each(usage);
        }
    };
    differ(keys_, keys, [&](u8 usage) {
        add(usage, false);
        if (usage == last_) last_ = 0;
    });
    differ(keys, keys_, [&](u8 usage) {
        add(usage, true);
        last_ = is_lock(usage) ? 0 : usage;
    });
    modifiers_ = report[0], keys_ = keys;
    return events;
}

BootReports::Events BootReports::release_all() {
    std::array<u8, report_size> const nothing{};
    return feed(nothing);
}

std::optional<KeyEvent> BootReports::held() const { return key_of_usage(last_, true); }

}
