// SPDX-License-Identifier: MIT
// The PS/2 keyboard behind the i8042 controller (or a USB one that firmware makes look like
// it), one source of KeyInput's events. Every wait for the controller has an end, and there may be none.
#pragma once

#include <base/result.h>

#include "kernel/drivers/keyboard/key_input.h"

namespace drivers {

class Keyboard final : public KeySource {
public:
    constexpr Keyboard() = default;
    /// Keys go to key_input from here on. ENODEV: no controller answers. Not `translated`: in the keyboard's own codes (set 2).
    Result<> start(bool translated);
    void lights_changed() override;

private:
    using Lock = SpinLock<LockRank::device, InterruptsOff>;
    enum class Lights : u8 { Idle, CommandSent };
    static void on_interrupt(void* keyboard);
    bool receive_event(std::optional<KeyEvent>& event);
    void answer(u8 code, Lock::Guard const& guard) REQUIRES(lock_);

    Lock lock_;                                        ///< the controller's ports too, once the interrupt is on
    ScanCodes scan_codes_ GUARDED_BY(lock_);
    Lights lights_ GUARDED_BY(lock_) = Lights::Idle;
};

extern constinit Keyboard keyboard;

}
