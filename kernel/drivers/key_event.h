// SPDX-License-Identifier: MIT
// KeyEvent: what every keyboard says, whatever it is plugged into. Keys have the numbers of scan code set 1.
#pragma once

#include <optional>

#include <base/types.h>

namespace drivers {

struct KeyEvent {
    u8 key = 0;               ///< scan code of set 1 without its top bit
    bool extended = false;    ///< the second key of this number, which a PC keyboard marks with e0
    bool down = false;        ///< pressed, or repeated
    constexpr bool operator==(KeyEvent const&) const = default;
};

/// Bytes of set 1 to events; one for each keyboard that sends them.
class ScanCodes {
public:
    constexpr ScanCodes() = default;
    std::optional<KeyEvent> feed(u8 code);
private:
    enum class Prefix : u8 { None, Extended, Pause1, Pause2 };
    Prefix prefix_ = Prefix::None;
};

}
