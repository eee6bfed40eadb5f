// SPDX-License-Identifier: MIT
// The debug build measures how long each CPU continuously has interrupts off, and preemption off, and keeps the
// longest time of each kind with its beginning and end. All code that turns either off or on reports it here; the
// release build contains none of this. Times are in TSC ticks and include what interrupts took in between.
#pragma once

#include <base/config.h>

namespace base {

class Writer;

// Out of line, so that each knows its call site. Each touches only its own CPU's state.
void measure_interrupts_off();      ///< they are off now, and may have been off before
void measure_interrupts_on();       ///< they are about to be turned on
void measure_interrupt_entry();     ///< they were on until now, whatever was last reported
void measure_preemption_off();      ///< the depth is 1 now
void measure_preemption_on();       ///< the depth is about to become 0

inline void note_interrupts_off() { if constexpr (config::debug) measure_interrupts_off(); }
inline void note_interrupts_on() { if constexpr (config::debug) measure_interrupts_on(); }
inline void note_interrupt_entry() { if constexpr (config::debug) measure_interrupt_entry(); }
inline void note_preemption_off() { if constexpr (config::debug) measure_preemption_off(); }
inline void note_preemption_on() { if constexpr (config::debug) measure_preemption_on(); }

/// Writes /proc/latency: for each CPU and kind the longest time, where it began, and the calls that led to its end.
void write_latency(base::Writer& out);
/// Starts over. A time in progress on another CPU still counts.
void forget_latency();

}
