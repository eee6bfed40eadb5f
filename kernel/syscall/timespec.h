// SPDX-License-Identifier: MIT
// Times as programs give them: struct timespec, from now or of a clock.
#pragma once

#include <linux/time_types.h>

#include <base/result.h>

#include "mm/user/user_access.h"
#include "sched/clock.h"

namespace syscall {

/// A time of a program, in nanoseconds; more than a century counts as no limit. EFAULT EINVAL.
inline Result<u64> read_timespec(UserAddr from) {
    auto const t = TRY(mm::UserPtr<__kernel_timespec>(from).read());
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(ns_per_s)) return fail(EINVAL);
    if (t.tv_sec > static_cast<i64>(sched::no_deadline / 4 / ns_per_s)) return sched::no_deadline / 4;
    return static_cast<u64>(t.tv_sec) * ns_per_s + static_cast<u64>(t.tv_nsec);
}

/// The moment of clock_ns() that such a time means.
inline u64 deadline_of(u64 ns, bool absolute, bool of_realtime) {
    u64 const now = sched::clock.monotonic_ns();
    if (!absolute) return now + ns;
    if (!of_realtime) return ns;
    u64 const wall = sched::clock.realtime_ns();
    return ns > wall ? now + (ns - wall) : now;
}

}
