// SPDX-License-Identifier: MIT
// The debug build measures how long each CPU has interrupts off, and how long preemption, without a break, and
// remembers the longest time of each kind and where it began and ended. Whoever turns either off or on says so here;
// in the release build nothing of it is left. Times are of the TSC, and contain what interrupts took meanwhile.
#pragma once

#include <base/config.h>

namespace base {

class Writer;

// Out of line, so that each knows where it was called from. Each touches its own CPU's state alone.
void measure_interrupts_off();      ///< they are off now, and may have been before
void measure_interrupts_on();       ///< they go on next
void measure_interrupt_entry();     ///< they were on until now, whatever was said last
void measure_preemption_off();      ///< the depth is 1 now
void measure_preemption_on();       ///< the depth goes to 0 next

inline void note_interrupts_off() { if constexpr (config::debug) measure_interrupts_off(); }
inline void note_interrupts_on() { if constexpr (config::debug) measure_interrupts_on(); }
inline void note_interrupt_entry() { if constexpr (config::debug) measure_interrupt_entry(); }
inline void note_preemption_off() { if constexpr (config::debug) measure_preemption_off(); }
inline void note_preemption_on() { if constexpr (config::debug) measure_preemption_on(); }

/// Writes /proc/latency: for each CPU and kind the longest time, where it began, and what led to where it ended.
void write_latency(base::Writer& out);
/// Begins anew. What is under way on other CPUs still counts.
void forget_latency();

}
