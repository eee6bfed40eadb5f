// SPDX-License-Identifier: MIT
// SysRqKeys: finds SysRq commands among the keys: with Alt and SysRq (Print Screen) held, a letter or digit by its place on the US
// layout, whichever layout is loaded. Such keys type nothing. Pure.
#pragma once

#include <string_view>

#include "kernel/drivers/keyboard/key_event.h"

namespace drivers {

class SysRqKeys {
public:
    struct Outcome {
        bool taken = false;   ///< the event is for nobody else
        char key = 0;         ///< the command; 0: none
    };
    constexpr Outcome feed(u8 code, bool down) {
        if (code == left_alt || code == right_alt) {
            u8 const bit = code == left_alt ? 1 : 2;
            alts_ = static_cast<u8>(down ? alts_ | bit : alts_ & ~bit);
            return {};
        }
        if (code == sysrq) {
            bool const was_active = active_;
            active_ = down && (active_ || alts_ != 0);
            return {active_ || was_active, 0};
        }
        if (!active_ || !down || code == 0) return {};
        char const key = code < names.size() ? names[code] : ' ';
        return {key != ' ', key == ' ' ? '\0' : key};
    }

private:
    static constexpr u8 left_alt = 56, right_alt = 100, sysrq = 99;   // linux/input-event-codes.h
    static constexpr std::string_view names = "  1234567890    qwertyuiop    asdfghjkl     zxcvbnm";
    u8 alts_ = 0;
    bool active_ = false;
};

}
