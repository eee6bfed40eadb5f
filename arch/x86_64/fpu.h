// SPDX-License-Identifier: MIT
// Extended state inside arch: its set-up, and the two halves of a switch, which are inline because every switch
// between programs runs them.
#pragma once

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/per_cpu.h>

namespace arch {

void fpu_enable();                               ///< CR0, CR4, XCR0 of this CPU

/// The states that XCR0 enables; set once at boot.
extern constinit u64 fpu_enabled_states;
/// The context whose state the CPU holds. Used on this CPU, interrupts off.
extern PerCpu<ThreadContext const*> fpu_owner;

/// Saves the live state; interrupts off.
inline void fpu_save(FpuArea* area) {
    u32 const low = static_cast<u32>(fpu_enabled_states), high = static_cast<u32>(fpu_enabled_states >> 32);
    if (cpu_features.xsaveopt) asm volatile("xsaveopt64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else if (cpu_features.xsave) asm volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

inline void fpu_load(FpuArea const* area) {
    u32 const low = static_cast<u32>(fpu_enabled_states), high = static_cast<u32>(fpu_enabled_states >> 32);
    if (cpu_features.xsave) asm volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/// Loads `context.fpu` unless this CPU already holds it. Interrupts off.
inline void fpu_load_if_elsewhere(ThreadContext& context) {
    u32 const cpu = current_cpu().value;
    if (fpu_owner.read() == &context && context.fpu_cpu == cpu) return;
    fpu_load(context.fpu);
    fpu_owner.write(&context);
    context.fpu_cpu = cpu;
}

}
