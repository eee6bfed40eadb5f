// SPDX-License-Identifier: MIT
// The share of realtime threads in a CPU: spent after its runtime, whole again with the next period.
#include <gtest/gtest.h>

#include "sched/realtime_share.h"

namespace {

constexpr u64 runtime_ns = 950 * ns_per_ms, period_ns = 1000 * ns_per_ms, tick_ns = 4 * ns_per_ms;

/// What of `total_ns` a thread gets that runs whenever the share is not spent, looked at at every tick.
u64 time_of_spinner(u64 total_ns, u64 runtime, u64 first_ns) {
    sched::RealtimeShare share;
    u64 got_ns = 0;
    for (u64 now = first_ns; now < first_ns + total_ns; now += tick_ns) {
        if (share.is_spent) share.begin_if_due(now + tick_ns, period_ns);
        else share.add(now + tick_ns, tick_ns, runtime, period_ns), got_ns += tick_ns;
    }
    return got_ns;
}

TEST(RealtimeShare, LeavesATwentieth) {
    for (u64 first_ns : {u64{0}, 7 * ns_per_s + 3, 1000 * ns_per_s}) {
        u64 const got_ns = time_of_spinner(20 * ns_per_s, runtime_ns, first_ns);
        EXPECT_GT(got_ns, 18'900 * ns_per_ms) << first_ns;
        EXPECT_LT(got_ns, 19'200 * ns_per_ms) << first_ns;
    }
}

TEST(RealtimeShare, OfNoLimitIsNeverSpent) { EXPECT_EQ(time_of_spinner(20 * ns_per_s, ~u64{0}, 5), 20 * ns_per_s); }

TEST(RealtimeShare, OfNothingIsSpentAtOnce) {
    sched::RealtimeShare share;
    share.add(period_ns, 1, 0, period_ns);
    EXPECT_TRUE(share.is_spent);
}

TEST(RealtimeShare, WhoUsesLittleIsNotHeld) {
    sched::RealtimeShare share;
    for (u64 now = period_ns; now < 50 * period_ns; now += 10 * ns_per_ms) {
        share.add(now, 9 * ns_per_ms, runtime_ns, period_ns);   // 90 %
        EXPECT_FALSE(share.is_spent);
    }
}

TEST(RealtimeShare, APeriodEndsAnotherBegins) {
    sched::RealtimeShare share;
    share.add(period_ns, runtime_ns, runtime_ns, period_ns);
    EXPECT_TRUE(share.is_spent);
    share.begin_if_due(2 * period_ns - 1, period_ns);
    EXPECT_TRUE(share.is_spent);
    share.begin_if_due(2 * period_ns, period_ns);
    EXPECT_FALSE(share.is_spent);
    EXPECT_EQ(share.used_ns, 0u);
}

}
