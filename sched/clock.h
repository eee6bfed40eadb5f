// SPDX-License-Identifier: MIT
// The system's clocks: nanoseconds since boot, which never go back, and the wall clock, which can be set.
#pragma once

#include <atomic>

#include <base/types.h>

namespace sched {

class Clock {
public:
    constexpr Clock() = default;
    void initialize();                       ///< reads the RTC
    u64 monotonic_ns() const;                ///< CLOCK_MONOTONIC, CLOCK_BOOTTIME
    u64 realtime_ns() const;                 ///< CLOCK_REALTIME, ns since 1970
    void set_realtime(u64 ns);
private:
    std::atomic<u64> realtime_offset_ns_{0}; ///< realtime - monotonic. Ordering: relaxed, one word that guards nothing
};

extern constinit Clock clock;

}
