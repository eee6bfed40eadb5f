// SPDX-License-Identifier: MIT
// Wall time is the monotonic clock plus an offset. The RTC gives the offset at boot; clock_settime(2) changes it.
#include "sched/clock.h"

#include <arch/time.h>

namespace sched {

constinit Clock clock;

void Clock::initialize() {
    if (u64 const seconds = arch::read_rtc_seconds()) set_realtime(seconds * ns_per_s);
}

u64 Clock::monotonic_ns() const { return arch::clock_ns(); }

u64 Clock::realtime_ns() const { return arch::clock_ns() + realtime_offset_ns_.load(std::memory_order_relaxed); }

void Clock::set_realtime(u64 ns) { realtime_offset_ns_.store(ns - arch::clock_ns(), std::memory_order_relaxed); }

}
