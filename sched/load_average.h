// SPDX-License-Identifier: MIT
// Load averages over 1, 5 and 15 minutes: exponentially decayed samples of the number of runnable threads, one every
// 5 s. An idle CPU has no ticks, so samples may come late. Missed samples count as zero: had anything been runnable,
// there would have been a tick.
#pragma once

#include <arch/spin_lock.h>
#include <base/types.h>

namespace sched {

class LoadAverage {
public:
    constexpr LoadAverage() = default;
    static constexpr u64 interval_ns = 5 * ns_per_s;
    static constexpr u64 one = 65536;           ///< a load of 1.0, as sysinfo(2) scales it

    bool is_due(u64 now_ns) const { return now_ns >= next_sample_ns_.load(std::memory_order_relaxed); }
    void sample(u64 now_ns, u32 runnable);
    void read(u64 (&out)[3]) const;

private:
    mutable SpinLock<LockRank::leaf, InterruptsOff> lock_;
    std::atomic<u64> next_sample_ns_{interval_ns};   ///< Ordering: relaxed; is_due() is only a hint, sample() checks again
    u64 load_[3] GUARDED_BY(lock_) = {};
};

}
