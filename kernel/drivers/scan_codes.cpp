// SPDX-License-Identifier: MIT
// Scan code set 1 of a PC keyboard.
#include "kernel/drivers/key_event.h"

namespace drivers {

std::optional<KeyEvent> ScanCodes::feed(u8 code) {
    constexpr u8 released = 0x80;
    if (code == 0xe0 || code == 0xe1) {
        prefix_ = code == 0xe0 ? Prefix::Extended : Prefix::Pause1;
        return std::nullopt;
    }
    // Pause sends e1 1d 45 e1 9d c5 and means nothing here.
    if (prefix_ == Prefix::Pause1 || prefix_ == Prefix::Pause2) {
        prefix_ = prefix_ == Prefix::Pause1 ? Prefix::Pause2 : Prefix::None;
        return std::nullopt;
    }
    KeyEvent const event = {static_cast<u8>(code & ~released), prefix_ == Prefix::Extended, !(code & released)};
    prefix_ = Prefix::None;
    return event;
}

}
