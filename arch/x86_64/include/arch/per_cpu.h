// SPDX-License-Identifier: MIT
// PerCpu<T>: one T for each CPU, reached through GS. A subsystem declares its own:
//   [[gnu::section(".percpu")]] constinit PerCpu<RunQueue> run_queue;
// The linked section is a template; each CPU has a copy, and GS base is the distance from template to copy, so
// `%gs:symbol` is this CPU's object in one instruction.
#pragma once

#include <base/types.h>

namespace arch {

/// Distance from the template to CPU `cpu`'s copy. Set when the CPU is brought up.
extern constinit u64 per_cpu_offsets[max_cpus];

#define PER_CPU [[gnu::section(".percpu")]] constinit

template <class T>
class PerCpu {
public:
    constexpr PerCpu() = default;
    template <class... A> explicit constexpr PerCpu(A... a) : value_(a...) {}

    /// This CPU's object. Use only with preemption off, or the thread may move to another CPU.
    T& local() {
        u64 offset;
        asm volatile("movq %%gs:per_cpu_self_offset, %0" : "=r"(offset));   // in .percpu: this copy's offset
        return *reinterpret_cast<T*>(reinterpret_cast<u64>(&value_) + offset);
    }
    T& on(CpuId cpu) { return *reinterpret_cast<T*>(reinterpret_cast<u64>(&value_) + per_cpu_offsets[cpu.value]); }

    // One-instruction access to words; each is atomic with respect to interrupts on this CPU.
    T read() requires(sizeof(T) == 8) { T v; asm volatile("movq %%gs:%1, %0" : "=r"(v) : "m"(value_)); return v; }
    T read() requires(sizeof(T) == 4) { T v; asm volatile("movl %%gs:%1, %0" : "=r"(v) : "m"(value_)); return v; }
    void write(T v) requires(sizeof(T) == 8) { asm volatile("movq %1, %%gs:%0" : "=m"(value_) : "r"(v)); }
    void write(T v) requires(sizeof(T) == 4) { asm volatile("movl %1, %%gs:%0" : "=m"(value_) : "r"(v)); }
    void add(T v) requires(sizeof(T) == 8) { asm volatile("addq %1, %%gs:%0" : "+m"(value_) : "er"(v)); }
    void add(T v) requires(sizeof(T) == 4) { asm volatile("addl %1, %%gs:%0" : "+m"(value_) : "ir"(v)); }
    /// Adds and returns the previous value: one instruction, so an interrupt on this CPU never sees it half done.
    T fetch_add(T v) requires(sizeof(T) == 8) { asm volatile("xaddq %0, %%gs:%1" : "+r"(v), "+m"(value_)); return v; }

private:
    T value_{};
};

extern PerCpu<u32> cpu_number;
/// This CPU's number (0 = boot CPU).
inline CpuId current_cpu() { return CpuId(cpu_number.read()); }
/// CPUs that run threads. CPUs that exist but were not started do not count.
u32 online_cpus();

}
