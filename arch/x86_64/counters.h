// SPDX-License-Identifier: MIT
// Hardware that counts at a known rate: HPET, ACPI PM timer, PIT. It calibrates the TSC, and is the clock if the TSC
// cannot be trusted. Private to arch.
#pragma once

#include <base/types.h>

namespace arch {

struct Counter {
    char const* name = nullptr;
    u64 (*read)() = nullptr;
    u64 hz = 0;
    u64 mask = 0;              ///< all ones up to its width
    explicit operator bool() const { return read != nullptr; }
};

Counter hpet_counter();        ///< {} if there is none, or if it does not count
Counter acpi_timer_counter();
Counter pit_counter();         ///< channel 2, counts once from 65535 to 0 after this call

inline constexpr u64 pit_hz = 1193182;
void pit_start_once(u16 count);        ///< channel 0: one interrupt after `count` periods (0: 65536)
void pit_start_periodic(u16 divisor);  ///< channel 0
void pit_stop();

}
