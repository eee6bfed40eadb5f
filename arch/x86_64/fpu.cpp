// SPDX-License-Identifier: MIT
// The x87, SSE and AVX state of programs: saved at every switch away from a user thread, and loaded when the thread
// runs again, unless this CPU still holds it (the kernel itself never uses these registers). XSAVEOPT, XSAVE or
// FXSAVE. Intel SDM vol. 1, 13 and vol. 3, 14.
#include "arch/x86_64/fpu.h"

#include <cpuid.h>
#include <cstring>

#include <arch/cpu.h>
#include <arch/interrupts.h>

namespace arch {

/// The legacy region and the XSAVE header (Intel SDM vol. 1, 13.4).
struct FpuArea {
    u16 control, status;
    u8 tag, reserved0;
    u16 opcode;
    u64 instruction, data;
    u32 mxcsr, mxcsr_mask;
    u8 registers[480];
    u64 present_states;      ///< XSTATE_BV
    u64 compaction;          ///< XCOMP_BV: 0, the standard format
    u64 reserved1[6];
};
static_assert(sizeof(FpuArea) == 576);

namespace {

constexpr u64 state_x87 = 1, state_sse = 2, state_avx = 4, state_avx512 = 0xe0;
constexpr size_t legacy_size = 512;
constexpr u32 default_mxcsr = 0x1f80;
constexpr u16 default_control = 0x37f;

constinit size_t area_size = legacy_size;
constinit u32 valid_mxcsr = 0xffbf;      ///< FXSAVE's default if it reports 0

void write_xcr0(u64 states) {
    asm volatile("xsetbv" : : "c"(0), "a"(static_cast<u32>(states)), "d"(static_cast<u32>(states >> 32)));
}

u64 supported_states() {
    u32 eax = 0, ebx, ecx, edx = 0;
    __cpuid_count(0xd, 0, eax, ebx, ecx, edx);
    u64 const offered = u64{edx} << 32 | eax;
    u64 wanted = state_x87 | state_sse;
    if (cpu_features.avx) wanted |= state_avx;
    if (cpu_features.avx512) wanted |= state_avx512;
    wanted &= offered;
    if ((wanted & state_avx512) != state_avx512) wanted &= ~state_avx512;
    return wanted;
}

u32 read_valid_mxcsr() {
    alignas(64) FpuArea area{};
    asm volatile("fxsave64 %0" : "=m"(area));
    return area.mxcsr_mask ? area.mxcsr_mask : 0xffbf;
}

}

constinit u64 fpu_enabled_states = 0;
PER_CPU PerCpu<ThreadContext const*> fpu_owner;

void fpu_enable() {
    constexpr u64 monitor = 2, emulate = 4, task_switched = 8, native_errors = 0x20;
    u64 cr0;
    asm volatile("movq %%cr0, %0" : "=r"(cr0));
    cr0 = (cr0 | monitor | native_errors) & ~(emulate | task_switched);
    asm volatile("movq %0, %%cr0" : : "r"(cr0));
    asm volatile("fninit");
    valid_mxcsr = read_valid_mxcsr();
    if (!cpu_features.xsave) return;
    fpu_enabled_states = supported_states();
    write_xcr0(fpu_enabled_states);
    u32 eax, ebx, ecx, edx;
    __cpuid_count(0xd, 0, eax, ebx, ecx, edx);
    area_size = align_up(ebx, 64);       // for the enabled states
}

size_t fpu_area_size() { return area_size; }

void fpu_initialize(FpuArea* area) {
    std::memset(static_cast<void*>(area), 0, area_size);
    area->control = default_control;
    area->mxcsr = default_mxcsr;
}

void fpu_save_current(ThreadContext& context) {
    InterruptGuard guard;
    fpu_save(context.fpu);
}

void fpu_load_current(ThreadContext& context) {
    InterruptGuard guard;
    context.fpu_cpu = ~0u;
    fpu_load_if_elsewhere(context);
}

bool fpu_sanitize(FpuArea* area) {
    if (area->mxcsr & ~valid_mxcsr) return false;   // XRSTOR and FXRSTOR would fault
    if (!cpu_features.xsave) return true;
    if (area->compaction != 0) return false;
    for (u64 word : area->reserved1)
        if (word != 0) return false;
    return (area->present_states & ~fpu_enabled_states) == 0;
}

u32 fpu_exceptions(FpuArea const* area, bool is_simd) {
    constexpr u32 all = 0x3f;
    if (is_simd) return area->mxcsr & ~(area->mxcsr >> 7) & all;
    return area->status & ~u32{area->control} & all;
}

}
