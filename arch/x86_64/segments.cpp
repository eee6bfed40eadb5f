// SPDX-License-Identifier: MIT
// GDT, TSS and the SYSCALL registers of one CPU. Intel SDM vol. 3, 3.4.5, 5.8.8, 8.7.
#include "arch/x86_64/segments.h"

#include <arch/context.h>
#include <arch/return_work.h>

extern "C" void system_call_entry();

namespace arch {

namespace {

constexpr u64 code_segment = 0x00af9a000000ffff, data_segment = 0x00cf92000000ffff, ring_3 = 3ull << 45;
constexpr u64 task_segment_type = 0x89ull << 40;

/// 0x20 stays empty: there is no 32-bit user mode, and SYSRET only uses the number to compute selectors.
struct DescriptorTable {
    u64 entries[10] = {0, 0, code_segment, data_segment, 0, data_segment | ring_3, code_segment | ring_3, 0, 0, 0};
};

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

PER_CPU PerCpu<DescriptorTable> descriptor_table;
constinit u32 no_return_work = 0;

/// STAR: SYSCALL loads CS 0x10, SS 0x18; SYSRET CS 0x20 + 16, SS 0x20 + 8, RPL 3.
constexpr u64 star = u64{0x23} << 48 | u64{kernel_code_selector} << 32;
/// Flags that SYSCALL clears: TF IF DF IOPL NT RF AC.
constexpr u64 flags_cleared = 0x100 | 0x200 | 0x400 | 0x3000 | 0x4000 | 0x10000 | 0x40000;

void set_interrupt_stacks(TaskState& task, InterruptStacks& stacks, u64 gs_base) {
    for (size_t i = 0; i < interrupt_stack_count; ++i) {
        u8* const top = stacks.bytes[i] + interrupt_stack_size - 16;
        *reinterpret_cast<u64*>(top) = gs_base;   // entry.S: paranoid_common reads it
        task.interrupt_stacks[i] = reinterpret_cast<u64>(top);
    }
}

void set_task_segment(DescriptorTable& table, TaskState const& task) {
    u64 const base = reinterpret_cast<u64>(&task);
    table.entries[task_selector / 8] = (sizeof task - 1) | (base & 0xffffff) << 16 | task_segment_type | (base >> 24 & 0xff) << 56;
    table.entries[task_selector / 8 + 1] = base >> 32;
}

void load_table(DescriptorTable const& table) {
    TablePointer const pointer{sizeof table - 1, reinterpret_cast<u64>(&table)};
    asm volatile("lgdt %0\n\t"
                 "pushq %1\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1: movl %2, %%eax\n\t"
                 "movl %%eax, %%ss\n\t"
                 "ltr %w3"
                 : : "m"(pointer), "i"(kernel_code_selector), "i"(kernel_data_selector), "r"(task_selector) : "rax", "memory");
}

}

PER_CPU PerCpu<TaskState> cpu_task_state;
PER_CPU PerCpu<u64> cpu_user_rsp;
PER_CPU PerCpu<u32 const*> return_work_pointer{&no_return_work};

void load_segments(CpuId cpu, InterruptStacks& stacks) {
    TaskState& task = cpu_task_state.local();
    task.io_map_base = sizeof(TaskState);   // no I/O permission map: every port access from user mode faults
    set_interrupt_stacks(task, stacks, per_cpu_offsets[cpu.value]);
    DescriptorTable& table = descriptor_table.local();
    set_task_segment(table, task);
    load_table(table);
}

void load_system_call_registers() {
    write_msr(MSR_STAR, star);
    write_msr(MSR_LSTAR, reinterpret_cast<u64>(&system_call_entry));
    write_msr(MSR_SFMASK, flags_cleared);
    write_msr(MSR_SYSENTER_CS, 0);          // SYSENTER faults
    write_msr(MSR_EFER, read_msr(MSR_EFER) | 1);
}

}
