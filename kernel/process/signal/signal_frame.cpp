// SPDX-License-Identifier: MIT
// Builds the frame of a handler. It lies in the program's own memory, which may be absent;
// its content is not trusted when the handler returns (signal_return.cpp).
#include "kernel/process/signal/signal_frame.h"

#include <cstring>

#include <abi/signal.h>
#include <arch/cpu.h>

#include "kernel/process/process.h"
#include "kernel/process/signal/signal_steps.h"
#include "mm/user/user_access.h"

namespace process {

u64 enabled_components() {
    if (!arch::cpu_features.xsave) return 0;
    u32 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return u64{high} << 32 | low;
}

size_t fpu_frame_size() {
    return arch::fpu_area_size() + (arch::cpu_features.xsave ? FP_XSTATE_MAGIC2_SIZE : 0);
}

size_t minimum_signal_stack() {
    // The frame, its alignment, and the FPU area with its own.
    return sizeof(SignalFrame) + 16 + fpu_frame_size() + 64;
}

namespace {

struct FramePlace { u64 fpu = 0, frame = 0; };

/// Finds the place of the frame; false: the alternate stack is too small.
bool find_place(UserThread const& thread, TrapFrame const& frame, SignalAction const& action, FramePlace& place) {
    AlternateStack const& stack = thread.alternate_stack;
    bool const was_on = stack.is_in_use(frame.rsp);
    bool const enters = (action.flags & SA_ONSTACK) && stack.size != 0 && !was_on;
    u64 const top = enters ? stack.address + stack.size : frame.rsp - red_zone;
    place.fpu = align_down(top - fpu_frame_size(), 64);
    place.frame = align_down(place.fpu - sizeof(SignalFrame), 16) - 8;   // as after a call
    return !(enters || was_on) || stack.contains(place.frame);
}

/// Marks the area as XSAVE's, the way programs detect it (<asm/sigcontext.h>).
void fill_software_bytes(struct _fpx_sw_bytes& bytes) {
    bytes = {};
    if (!arch::cpu_features.xsave) return;
    bytes.magic1 = FP_XSTATE_MAGIC1;
    bytes.extended_size = static_cast<u32>(fpu_frame_size());
    bytes.xfeatures = enabled_components();
    bytes.xstate_size = static_cast<u32>(arch::fpu_area_size());
}

Result<> write_fpu(UserThread& thread, u64 to) {
    arch::fpu_save_current(thread.context);
    auto* area = reinterpret_cast<std::byte*>(thread.context.fpu);
    // In the area itself: the CPU neither reads nor writes these bytes (SDM vol. 1, 10.5.1 and 13.4.1).
    fill_software_bytes(*reinterpret_cast<struct _fpx_sw_bytes*>(area + software_bytes));
    size_t const size = arch::fpu_area_size();
    TRY(mm::UserPtr<std::byte>(to).write_array({area, size}));
    if (!arch::cpu_features.xsave) return {};
    return mm::UserPtr<u32>(to + size).write(FP_XSTATE_MAGIC2);
}

void save_registers(struct sigcontext& out, TrapFrame const& frame, FaultRecord const& fault, SignalMask old_mask, u64 fpu) {
    out.r8 = frame.r8; out.r9 = frame.r9; out.r10 = frame.r10; out.r11 = frame.r11;
    out.r12 = frame.r12; out.r13 = frame.r13; out.r14 = frame.r14; out.r15 = frame.r15;
    out.rdi = frame.rdi; out.rsi = frame.rsi; out.rbp = frame.rbp; out.rbx = frame.rbx;
    out.rdx = frame.rdx; out.rax = frame.rax; out.rcx = frame.rcx; out.rsp = frame.rsp;
    out.rip = frame.rip;
    out.eflags = frame.rflags;
    out.cs = static_cast<u16>(frame.cs);
    out.ss = static_cast<u16>(frame.ss);
    out.trapno = fault.vector;
    out.err = fault.error_code;
    out.cr2 = fault.address;
    out.oldmask = old_mask;
    out.fpstate = reinterpret_cast<decltype(out.fpstate)>(fpu);
}

void enter_handler(TrapFrame& frame, int signal, SignalAction const& action, u64 at) {
    frame.rdi = static_cast<u64>(signal);
    frame.rsi = at + offsetof(SignalFrame, info);
    frame.rdx = at + offsetof(SignalFrame, context);
    frame.rax = 0;
    frame.rip = action.handler;
    frame.rsp = at;
    frame.cs = arch::user_code_selector;
    frame.ss = arch::user_data_selector;
    constexpr u64 trap = 1 << 8, direction = 1 << 10, resume = 1 << 16;
    frame.rflags &= ~(trap | direction | resume);
    frame.vector_or_syscall = ~u64{0};
}

}

bool push_signal_frame(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action, SignalMask old_mask) {
    FramePlace place;
    if (!(action.flags & SA_RESTORER) || !find_place(thread, frame, action, place)) return false;
    SignalFrame out{};
    out.return_address = action.restorer;
    out.context.flags = (arch::cpu_features.xsave ? context_has_xstate : 0) | context_has_ss | context_strict_ss;
    AlternateStack const stack = thread.alternate_stack;
    out.context.stack = {stack.address, static_cast<i32>(stack.flags), 0, stack.size};
    save_registers(out.context.registers, frame, thread.fault, old_mask, place.fpu);
    out.context.blocked = old_mask;
    if (!write_fpu(thread, place.fpu)) return false;
    bool const tells_more = action.flags & SA_SIGINFO;
    if (tells_more) encode_signal_info(info, out.info);
    size_t const size = tells_more ? sizeof out : offsetof(SignalFrame, info);
    if (!mm::UserPtr<std::byte>(place.frame).write_array({reinterpret_cast<std::byte const*>(&out), size})) return false;
    if (stack.flags & AlternateStack::auto_disarm) thread.alternate_stack = {};   // the frame restores it
    enter_handler(frame, info.signal, action, place.frame);
    return true;
}

}
