// SPDX-License-Identifier: MIT
// Switching threads: stack, page tables, FS/GS bases, extended state, entry stack.
// In the kernel the program's GS base is in MSR_KERNEL_GS_BASE. With FSGSBASE a program changes it without a system
// call, so it is read back at each switch, between two SWAPGS.
#include <arch/context.h>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <base/panic.h>

#include "arch/x86_64/context_switch.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/segments.h"

extern "C" void switch_stacks(u64& saved_rsp, u64 new_rsp);
extern "C" void first_user_run();
extern "C" void first_kernel_run();

extern "C" [[noreturn]] void kernel_thread_returned() { base::panic("a kernel thread's first function returned"); }

namespace arch {

namespace {

/// What switch_stacks() pops, and the address it returns to.
struct SwitchFrame {
    u64 r15, r14, r13, r12, rbx, rbp, rip;
};

bool runs_user_code(ThreadContext const& context) { return context.fpu != nullptr; }

// Interrupts off: an interrupt between the two SWAPGS would find the program's GS.
u64 read_user_gs() {
    u64 base;
    asm volatile("swapgs\n\trdgsbase %0\n\tswapgs" : "=r"(base) : : "memory");
    return base;
}
void write_user_gs(u64 base) { asm volatile("swapgs\n\twrgsbase %0\n\tswapgs" : : "r"(base) : "memory"); }

void save_bases(ThreadContext& context) {
    if (!cpu_features.fsgsbase) return;   // only the kernel sets them, so the context is up to date
    asm volatile("rdfsbase %0" : "=r"(context.fs_base));
    context.gs_base = read_user_gs();
}

void load_bases(ThreadContext const& context) {
    if (cpu_features.fsgsbase) {
        asm volatile("wrfsbase %0" : : "r"(context.fs_base));
        write_user_gs(context.gs_base);
    } else {
        write_msr(MSR_FS_BASE, context.fs_base);
        write_msr(MSR_KERNEL_GS_BASE, context.gs_base);
    }
}

/// Between two programs, exchanging both bases needs two SWAPGS, not four.
void switch_bases(ThreadContext& from, ThreadContext const& to) {
    bool const save = runs_user_code(from), load = runs_user_code(to);
    if (save && load && cpu_features.fsgsbase) [[likely]] {
        asm volatile("rdfsbase %0\n\twrfsbase %2\n\tswapgs\n\trdgsbase %1\n\twrgsbase %3\n\tswapgs"
                     : "=&r"(from.fs_base), "=&r"(from.gs_base) : "r"(to.fs_base), "r"(to.gs_base) : "memory");
        return;
    }
    if (save) save_bases(from);
    if (load) load_bases(to);
}

}

void switch_context(ThreadContext& from, ThreadContext& to) {
    if (runs_user_code(from)) fpu_save(from.fpu);
    wanted_space.write(to.space);
    if (to.space && to.space != loaded_space.read()) switch_space(*to.space);
    switch_bases(from, to);
    if (runs_user_code(to)) fpu_load_if_elsewhere(to);
    set_entry_stack(to.kernel_stack_top);
    switch_stacks(from.kernel_rsp, to.kernel_rsp);
}

void prepare_kernel_thread(ThreadContext& context, void (*entry)(void*), void* argument) {
    // One word stays free above the frame, so that the stack is 16-byte aligned when first_kernel_run calls.
    auto* const frame = reinterpret_cast<SwitchFrame*>(context.kernel_stack_top - 16) - 1;
    *frame = {};
    frame->rbx = reinterpret_cast<u64>(entry);
    frame->r12 = reinterpret_cast<u64>(argument);
    frame->rip = reinterpret_cast<u64>(&first_kernel_run);
    context.kernel_rsp = reinterpret_cast<u64>(frame);
}

void prepare_user_thread(ThreadContext& context, TrapFrame const& user) {
    TrapFrame& registers = user_frame(context);
    registers = user;
    auto* const frame = reinterpret_cast<SwitchFrame*>(&registers) - 1;
    *frame = {};
    frame->rip = reinterpret_cast<u64>(&first_user_run);
    context.kernel_rsp = reinterpret_cast<u64>(frame);
}

void set_fs_base(ThreadContext& context, u64 base) {
    InterruptGuard guard;
    context.fs_base = base;
    if (cpu_features.fsgsbase) asm volatile("wrfsbase %0" : : "r"(base));
    else write_msr(MSR_FS_BASE, base);
}

void set_gs_base(ThreadContext& context, u64 base) {
    InterruptGuard guard;
    context.gs_base = base;
    if (cpu_features.fsgsbase) write_user_gs(base);
    else write_msr(MSR_KERNEL_GS_BASE, base);
}

u64 get_fs_base(ThreadContext const& context) {
    if (!cpu_features.fsgsbase) return context.fs_base;
    u64 base;
    asm volatile("rdfsbase %0" : "=r"(base));
    return base;
}

u64 get_gs_base(ThreadContext const& context) {
    if (!cpu_features.fsgsbase) return context.gs_base;
    InterruptGuard guard;
    return read_user_gs();
}

}
