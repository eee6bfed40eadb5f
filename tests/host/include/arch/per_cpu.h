// SPDX-License-Identifier: MIT
// The host's PerCpu: one CPU, so one object.
#pragma once

#include <base/types.h>

namespace arch {

inline u64 per_cpu_offsets[max_cpus] = {};

#define PER_CPU constinit

template <class T>
class PerCpu {
public:
    constexpr PerCpu() = default;
    template <class... A> explicit constexpr PerCpu(A... a) : value_(a...) {}

    T& local() { return value_; }
    T& on(CpuId) { return value_; }
    T read() { return value_; }
    void write(T v) { value_ = v; }
    void add(T v) { value_ += v; }

private:
    T value_{};
};

inline CpuId current_cpu() { return CpuId{0}; }
inline u32 online_cpus() { return 1; }

}
