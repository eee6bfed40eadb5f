// SPDX-License-Identifier: MIT
// The descriptor tables of one CPU and the MSRs that go with them. Private to arch. The selectors are Linux's, so
// that programs see the values they expect.
#pragma once

#include <arch/per_cpu.h>
#include <base/types.h>

namespace arch {

inline constexpr u16 kernel_code_selector = 0x10, kernel_data_selector = 0x18, task_selector = 0x40;

inline constexpr u32 MSR_SYSENTER_CS = 0x174, MSR_PAT = 0x277, MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081,
                     MSR_LSTAR = 0xc0000082, MSR_SFMASK = 0xc0000084, MSR_FS_BASE = 0xc0000100,
                     MSR_GS_BASE_NUMBER = 0xc0000101, MSR_KERNEL_GS_BASE = 0xc0000102;

inline u64 read_msr(u32 msr) { u32 lo, hi; asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr)); return u64{hi} << 32 | lo; }
inline void write_msr(u32 msr, u64 v) {
    asm volatile("wrmsr" : : "c"(msr), "a"(static_cast<u32>(v)), "d"(static_cast<u32>(v >> 32)) : "memory");
}

/// Interrupt stack table indices (1-based, as in a gate).
enum class InterruptStack : u8 { None, DoubleFault, NonMaskable, MachineCheck };
inline constexpr size_t interrupt_stack_count = 3;
inline constexpr size_t interrupt_stack_size = 8192;

/// The 64-bit TSS (Intel SDM vol. 3, 8.7). rsp[0] is the stack on entry from user mode.
struct [[gnu::packed]] TaskState {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 interrupt_stacks[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_map_base;
};

extern PerCpu<TaskState> cpu_task_state asm("cpu_task_state");
extern PerCpu<u64> cpu_user_rsp asm("cpu_user_rsp");   ///< SYSCALL's scratch word

/// Stacks for #DF, NMI and #MC of one CPU; the word at each top holds the CPU's GS base.
struct alignas(page_size) InterruptStacks {
    u8 bytes[interrupt_stack_count][interrupt_stack_size];
};

/// The stacks of a CPU that prepare_cpu() gave its memory.
InterruptStacks& interrupt_stacks_of_started(CpuId cpu);
void load_segments(CpuId cpu, InterruptStacks& stacks);   ///< GDT, TSS
void load_interrupt_gates();                              ///< IDT (one for all CPUs)
void load_system_call_registers();

/// Sets RSP for the next entry from user mode.
inline void set_entry_stack(u64 top) { asm volatile("movq %0, %%gs:cpu_task_state+4" : : "r"(top) : "memory"); }

}
