// SPDX-License-Identifier: MIT
// Inside arch: the set-up of clock and alarm, and the alarm's interrupt handler.
#pragma once

#include <base/types.h>

namespace arch {

/// Calibrates and chooses the clock. Returns the local APIC timer's rate in Hz (0: unknown).
u64 initialize_clock();
/// Chooses the alarm; call after the clock and the interrupt controllers are set up.
void initialize_alarm(u64 local_apic_hz);
void alarm_follows_clock();        ///< the clock has changed: it may have to be read more often
void alarm_initialize_here();      ///< sets up the same kind of alarm on a CPU that starts later
void alarm_rang(bool from_user);   ///< interrupts off; the end of interrupt has been signalled

/// Marks the moment that clock_ns() counts from.
void start_counting_time();
u64 ns_to_tsc(u64 ns);
bool clock_is_tsc();
/// The CPUs' TSCs differ: from now on the clock is the HPET or the ACPI PM timer. False: there is neither. Called by
/// the boot CPU while it starts others.
bool abandon_tsc();
/// How often a clock that wraps must be read (ns); ~0 if the clock does not wrap.
u64 clock_must_be_read_within();
void count_pit_tick();             ///< the PIT is the clock: one more period has passed

}
