// SPDX-License-Identifier: MIT
// The three load averages against the exponential that they approximate.
// sources: sched/load_average.cpp
#include <gtest/gtest.h>

#include <cmath>

#include "sched/load_average.h"

namespace {

using sched::LoadAverage;

double load(LoadAverage const& average, int which) {
    u64 out[3];
    average.read(out);
    return static_cast<double>(out[which]) / LoadAverage::one;
}

TEST(LoadAverage, ApproachesAConstantLoadAtItsOwnPace) {
    LoadAverage average;
    for (u64 n = 1; n <= 12; ++n) average.sample(n * LoadAverage::interval_ns, 2);
    double const minutes[3] = {1, 5, 15};
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(load(average, i), 2 * (1 - std::exp(-1 / minutes[i])), 0.01) << i;
}

TEST(LoadAverage, SamplesTooEarlyAreNotTaken) {
    LoadAverage average;
    EXPECT_FALSE(average.is_due(LoadAverage::interval_ns - 1));
    average.sample(LoadAverage::interval_ns - 1, 100);
    EXPECT_EQ(load(average, 0), 0);
    EXPECT_TRUE(average.is_due(LoadAverage::interval_ns));
    average.sample(LoadAverage::interval_ns, 100);
    double const once = load(average, 0);
    EXPECT_NEAR(once, 100 * (1 - std::exp(-5.0 / 60)), 0.01);
    average.sample(LoadAverage::interval_ns + 1, 100);
    EXPECT_EQ(load(average, 0), once);
}

TEST(LoadAverage, MissedSamplesAreIdleOnes) {
    LoadAverage late, regular;
    for (u64 n = 1; n <= 100; ++n) {
        late.sample(n * LoadAverage::interval_ns, 3);
        regular.sample(n * LoadAverage::interval_ns, 3);
    }
    for (u64 n = 101; n <= 120; ++n) regular.sample(n * LoadAverage::interval_ns, 0);
    regular.sample(121 * LoadAverage::interval_ns, 1);
    late.sample(121 * LoadAverage::interval_ns + 17, 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(load(late, i), load(regular, i)) << i;
}

TEST(LoadAverage, ALongAbsenceForgetsEverything) {
    LoadAverage average;
    for (u64 n = 1; n <= 1000; ++n) average.sample(n * LoadAverage::interval_ns, 5);
    average.sample(10'000 * LoadAverage::interval_ns, 0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(load(average, i), 0) << i;
}

}
