// SPDX-License-Identifier: MIT
// The IDT, and the first C++ that runs after entry.S: sorts exceptions into the upcalls. All gates are interrupt
// gates, so interrupts are off until handle_trap turns them on again.
#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <arch/processors.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <base/latency.h>
#include <base/panic.h>

#include <atomic>
#include <cstring>

#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/machine_check.h"
#include "arch/x86_64/processors.h"
#include "arch/x86_64/segments.h"

extern "C" char const trap_gates[], interrupt_gates[];

namespace arch {

namespace {

struct Gate {
    u16 offset_low, selector;
    u8 interrupt_stack, attributes;
    u16 offset_middle;
    u32 offset_high, reserved;
};

constexpr size_t gate_code_size = 16;   // entry.S: .balign 16
constexpr u8 interrupt_gate = 0x8e, ring_3 = 0x60;
constexpr u8 vector_nmi = 2, vector_breakpoint = 3, vector_overflow = 4, vector_double_fault = 8, vector_page_fault = 14,
             vector_machine_check = 18, exception_count = 32;
constexpr u64 page_write = 2, page_fetch = 16;

constinit Gate gates[256] = {};
PER_CPU PerCpu<u64> nmi_count;

/// Where a CPU was when an NMI asked it. Ordering: release by that CPU once the frame is complete; acquire by the
/// asking CPU.
struct Whereabouts {
    TrapFrame frame{};
    std::atomic<u32> answered{0};   ///< the last question answered
};
PER_CPU PerCpu<Whereabouts> whereabouts;
constinit std::atomic<u32> question{0};   // 0: none was asked yet

InterruptStack stack_of(u8 vector) {
    switch (vector) {
    case vector_nmi: return InterruptStack::NonMaskable;
    case vector_double_fault: return InterruptStack::DoubleFault;
    case vector_machine_check: return InterruptStack::MachineCheck;
    default: return InterruptStack::None;
    }
}

Gate make_gate(char const* code, u8 attributes, InterruptStack stack) {
    u64 const address = reinterpret_cast<u64>(code);
    return {static_cast<u16>(address), kernel_code_selector, static_cast<u8>(stack), attributes,
            static_cast<u16>(address >> 16), static_cast<u32>(address >> 32), 0};
}

void fill_gates() {
    for (unsigned vector = 0; vector < exception_count; ++vector) {
        bool const by_program = vector == vector_breakpoint || vector == vector_overflow;
        gates[vector] = make_gate(trap_gates + vector * gate_code_size, interrupt_gate | (by_program ? ring_3 : 0),
                                  stack_of(static_cast<u8>(vector)));
    }
    for (unsigned vector = exception_count; vector < 256; ++vector)
        gates[vector] = make_gate(interrupt_gates + (vector - exception_count) * gate_code_size, interrupt_gate, InterruptStack::None);
}

FaultKind access_of(u64 error_code) {
    if (error_code & page_fetch) return FaultKind::Execute;
    return error_code & page_write ? FaultKind::Write : FaultKind::Read;
}

/// The usual cause is a push on a full kernel stack: the fault address is then next to RSP.
char const* reason_of_double_fault(TrapFrame const& frame) {
    u64 const distance = last_fault_address() - (frame.rsp - page_size);
    return distance <= page_size ? "kernel stack overflow (double fault)" : "double fault";
}

}

void load_interrupt_gates() {
    if (gates[0].selector == 0) fill_gates();
    struct [[gnu::packed]] { u16 limit; u64 base; } const pointer{sizeof gates - 1, reinterpret_cast<u64>(gates)};
    asm volatile("lidt %0" : : "m"(pointer));
}

u64 count_of_nmis(CpuId cpu) { return nmi_count.on(cpu); }

void ask_other_cpus_where_they_are() {
    constexpr u64 steps = 200, step_us = 50;
    u32 const asked = question.fetch_add(1, std::memory_order_seq_cst) + 1;
    u32 const count = online_cpus(), self = current_cpu().value;
    interrupt_other_cpus_unmasked();
    for (u64 step = 0; step < steps; ++step) {
        u32 missing = 0;
        for (u32 cpu = 0; cpu < count; ++cpu)
            missing += cpu != self && whereabouts.on(CpuId(cpu)).answered.load(std::memory_order_acquire) < asked;
        if (missing == 0) return;
        delay_us(step_us);
    }
}

std::optional<TrapFrame> where_cpu_was(CpuId cpu) {
    Whereabouts const& there = whereabouts.on(cpu);
    u32 const asked = question.load(std::memory_order_relaxed);
    if (asked == 0 || there.answered.load(std::memory_order_acquire) != asked) return std::nullopt;
    return there.frame;
}

}

/// An exception on a thread's stack. Restores the interrupt flag of the interrupted code.
extern "C" void handle_trap(TrapFrame& frame, u32 vector, u32 error_code) {
    u64 const address = vector == arch::vector_page_fault ? arch::last_fault_address() : 0;
    if (frame.rflags & 0x200) {
        base::note_interrupt_entry();
        arch::interrupts_enable();
    }
    if (vector == arch::vector_page_fault)
        upcalls::on_page_fault(frame, address, arch::access_of(error_code), error_code);
    else
        upcalls::on_exception(frame, static_cast<u8>(vector), error_code);
}

/// NMI, double fault, machine check: they may interrupt anything half done, so no lock and no log here.
extern "C" void handle_paranoid_trap(TrapFrame& frame, u32 vector, u32) {
    auto const here = std::source_location::current();
    if (vector == arch::vector_double_fault) base::panic_with(arch::reason_of_double_fault(frame), here, &frame);
    if (vector == arch::vector_machine_check) base::panic_with("machine check", here, &frame, arch::machine_check_report);
    arch::nmi_count.add(1);
    arch::Whereabouts& here_now = arch::whereabouts.local();
    if (u32 const asked = arch::question.load(std::memory_order_acquire); asked != here_now.answered.load(std::memory_order_relaxed)) {
        here_now.frame = frame;
        here_now.answered.store(asked, std::memory_order_release);
    }
    if (base::panicking()) arch::halt_for_ever();   // another CPU has panicked and stops this one
}

/// IRET to user mode faulted (non-canonical RIP, bad selector). Its five words are still at the top of the thread's
/// stack, and the program's registers are in `fault`: together they form the frame of a program that faulted by
/// itself, and the fault becomes its signal.
extern "C" TrapFrame* repair_failed_iret(TrapFrame const& fault) {
    TrapFrame registers = fault;
    auto* const frame = reinterpret_cast<TrapFrame*>(arch::cpu_task_state.local().rsp[0] - sizeof(TrapFrame));
    u64 const rip = frame->rip, rflags = frame->rflags, rsp = frame->rsp;
    *frame = registers;
    frame->vector_or_syscall = ~u64{0};
    frame->rip = rip, frame->rflags = rflags | 0x202, frame->rsp = rsp;
    frame->cs = arch::user_code_selector, frame->ss = arch::user_data_selector;
    return frame;
}
