// SPDX-License-Identifier: MIT
// The PS/2 keyboard behind the i8042 controller, or a USB one that the firmware makes look like it: one source of KeyInput's events.
// There may be no controller, and every wait for it is bounded.
#pragma once

#include <base/result.h>

#include "kernel/drivers/keyboard/key_input.h"

namespace drivers {

class Keyboard final : public KeySource {
public:
    constexpr Keyboard() = default;
    /// Sends keys to key_input from here on. `translated`: the controller turns the keyboard's own codes (set 2) into set 1, if it can.
    /// ENODEV: no controller answers; ENOSPC.
    Result<> start(bool translated);
    void lights_changed() override;

private:
    using Lock = SpinLock<LockRank::device, InterruptsOff>;
    enum class Lights : u8 { Idle, CommandSent };
    static void on_interrupt(void* keyboard);
    bool receive_event(std::optional<KeyEvent>& event);
    void answer(u8 code, Lock::Guard const& guard) REQUIRES(lock_);

    Lock lock_;                                        ///< guards the controller's ports, too, once the interrupt is on
    ScanCodes scan_codes_ GUARDED_BY(lock_);
    Lights lights_ GUARDED_BY(lock_) = Lights::Idle;
};

extern constinit Keyboard keyboard;

}
