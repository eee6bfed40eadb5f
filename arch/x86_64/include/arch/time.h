// SPDX-License-Identifier: MIT
// Clock and timer hardware: one monotonic counter for all, one one-shot alarm per CPU.
#pragma once

#include <base/types.h>

namespace arch {

/// Nanoseconds since boot, monotonic; from the TSC if it can be trusted, else HPET, ACPI PM timer or PIT ticks. Any
/// context.
u64 clock_ns();
char const* clock_source_name();
u64 tsc_hz();
/// clock_ns() at the moment when the TSC was `tsc`, if the TSC is the clock.
u64 tsc_to_clock_ns(u64 tsc);

/// Seconds since 1970 from the RTC, or 0 if there is none.
u64 read_rtc_seconds();

/// Calls upcalls::on_timer() on this CPU at about `deadline_ns` of clock_ns() (soon, if that has passed). Replaces
/// the previous alarm. Interrupts off.
void set_alarm(u64 deadline_ns);
void cancel_alarm();
char const* alarm_name();

/// Busy-waits; for hardware only.
void delay_us(u64 microseconds);

}
