// SPDX-License-Identifier: MIT
// Takes the samples and lets them decay, in fixed point: 65536 is a load of 1.0.
#include "sched/load_average.h"

namespace sched {
namespace {

/// one * exp(-5 s / 1, 5, 15 min)
constexpr u64 decay[3] = {60296, 64453, 65173};
/// After this many missed samples (more than an hour) every load is 0.
constexpr u64 forgotten = 1024;

}

void LoadAverage::sample(u64 now_ns, u32 runnable) {
    Locked guard(lock_);
    u64 const due_ns = next_sample_ns_.load(std::memory_order_relaxed);
    if (now_ns < due_ns) return;
    u64 const missed = (now_ns - due_ns) / interval_ns;
    next_sample_ns_.store(due_ns + (missed + 1) * interval_ns, std::memory_order_relaxed);
    for (unsigned i = 0; i < 3; ++i) {
        if (missed >= forgotten) load_[i] = 0;
        else
            for (u64 n = 0; n < missed; ++n) load_[i] = load_[i] * decay[i] / one;
        load_[i] = (load_[i] * decay[i] + runnable * one * (one - decay[i])) / one;
    }
}

void LoadAverage::read(u64 (&out)[3]) const {
    Locked guard(lock_);
    for (unsigned i = 0; i < 3; ++i) out[i] = load_[i];
}

}
