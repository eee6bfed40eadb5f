// SPDX-License-Identifier: MIT
// Timeouts of poll(2), select(2) and their like, and how what is left of them goes back to the program.
#include "kernel/syscall/files/wait_time.h"

#include <algorithm>

#include <linux/time_types.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/timespec.h"

namespace syscall {

WaitTime WaitTime::after(u64 ns) {
    WaitTime time;
    time.deadline_ns_ = deadline_of(ns, false, false);
    time.writes_rest_ = ns != 0;
    return time;
}

Result<WaitTime> WaitTime::timespec_at(UserAddr address) {
    if (address.is_null()) return WaitTime();
    return after(TRY(read_timespec(address)));
}

/// Microseconds beyond a second are carried: select() on Linux takes them.
Result<WaitTime> WaitTime::timeval_at(UserAddr address) {
    constexpr i64 longest_s = 1 << 30;
    if (address.is_null()) return WaitTime();
    auto const t = TRY(mm::UserPtr<__kernel_old_timeval>(address).read());
    if (t.tv_sec < 0 || t.tv_usec < 0) return fail(EINVAL);
    i64 const us = std::min<i64>(t.tv_usec, longest_s * 1'000'000);
    return after(static_cast<u64>(std::min<i64>(t.tv_sec, longest_s)) * ns_per_s + static_cast<u64>(us) * ns_per_us);
}

WaitTime WaitTime::milliseconds(i32 count) {
    WaitTime time;
    if (count >= 0) time.deadline_ns_ = sched::clock.monotonic_ns() + static_cast<u64>(count) * ns_per_ms;
    return time;
}

u64 WaitTime::rest_ns() const {
    u64 const now = sched::clock.monotonic_ns();
    return deadline_ns_ > now ? deadline_ns_ - now : 0;
}

void WaitTime::write_rest_as_timespec(UserAddr address) const {
    if (!writes_rest_) return;
    u64 const rest = rest_ns();
    __kernel_timespec const t{static_cast<i64>(rest / ns_per_s), static_cast<i64>(rest % ns_per_s)};
    (void)mm::UserPtr<__kernel_timespec>(address).write(t);
}

void WaitTime::write_rest_as_timeval(UserAddr address) const {
    if (!writes_rest_) return;
    u64 const rest = rest_ns();
    __kernel_old_timeval const t{static_cast<i64>(rest / ns_per_s), static_cast<i64>(rest % ns_per_s / 1000)};
    (void)mm::UserPtr<__kernel_old_timeval>(address).write(t);
}

}
