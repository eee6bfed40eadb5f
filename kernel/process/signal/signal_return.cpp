// SPDX-License-Identifier: MIT
// rt_sigreturn(2): restores the registers from a handler's frame. The program may have written anything
// there: selectors are the kernel's own, flags are masked, the FPU area is sanitised.
#include <abi/signal.h>
#include <arch/cpu.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "kernel/process/process.h"
#include "kernel/process/signal/signal.h"
#include "kernel/process/signal/signal_frame.h"
#include "mm/user/user_access.h"

namespace process {
namespace {

/// Room for one FPU area: on the stack if it fits there, as it does on all but the largest CPUs.
class AreaBuffer {
public:
    Result<std::byte*> get(size_t size) {
        if (size <= sizeof local_) return local_;
        heap_ = TRY(mm::Buffer::allocate(size + 64));
        return reinterpret_cast<std::byte*>(align_up(reinterpret_cast<u64>(heap_.data()), 64));
    }
private:
    alignas(64) std::byte local_[2816];
    mm::Buffer heap_;
};

/// Copies the whole XSAVE area; false: the frame does not contain one.
bool read_xstate(u64 from, std::span<std::byte> area) {
    if (!arch::cpu_features.xsave || !mm::UserPtr<std::byte>(from).read_array(area)) return false;
    auto const& software = *reinterpret_cast<struct _fpx_sw_bytes const*>(area.data() + software_bytes);
    if (software.magic1 != FP_XSTATE_MAGIC1 || software.xstate_size != area.size()) return false;
    auto const magic = mm::UserPtr<u32>(from + area.size()).read();
    return magic && *magic == FP_XSTATE_MAGIC2;
}

/// Copies the legacy part, and marks it in XSAVE's header (SDM vol. 1, 13.4.2) as the only one.
Result<> read_legacy(u64 from, std::span<std::byte> area) {
    TRY(mm::UserPtr<std::byte>(from).read_array(area.first(legacy_area)));
    std::fill(area.begin() + legacy_area, area.end(), std::byte{0});
    if (!arch::cpu_features.xsave) return {};
    u64 const x87_and_sse = 3;
    std::copy_n(reinterpret_cast<std::byte const*>(&x87_and_sse), sizeof x87_and_sse, area.begin() + legacy_area);
    return {};
}

Result<> restore_fpu(UserThread& thread, u64 from) {
    size_t const size = arch::fpu_area_size();
    if (from == 0) {
        arch::PreemptGuard guard;
        arch::fpu_initialize(thread.context.fpu);
        arch::fpu_load_current(thread.context);
        return {};
    }
    if (!is_aligned(from, 64)) return fail(EFAULT);
    AreaBuffer buffer;
    std::span const area(TRY(buffer.get(size)), size);
    if (!read_xstate(from, area)) TRY(read_legacy(from, area));
    if (!arch::fpu_sanitize(reinterpret_cast<arch::FpuArea*>(area.data()))) return fail(EINVAL);
    // No preemption in between: a switch would save the live state over the copied one.
    arch::PreemptGuard guard;
    std::memcpy(static_cast<void*>(thread.context.fpu), area.data(), size);
    arch::fpu_load_current(thread.context);
    return {};
}

void restore_registers(TrapFrame& frame, struct sigcontext const& in) {
    frame.r8 = in.r8; frame.r9 = in.r9; frame.r10 = in.r10; frame.r11 = in.r11;
    frame.r12 = in.r12; frame.r13 = in.r13; frame.r14 = in.r14; frame.r15 = in.r15;
    frame.rdi = in.rdi; frame.rsi = in.rsi; frame.rbp = in.rbp; frame.rbx = in.rbx;
    frame.rdx = in.rdx; frame.rax = in.rax; frame.rcx = in.rcx; frame.rsp = in.rsp;
    frame.rip = in.rip;
    frame.rflags = (frame.rflags & ~arch::user_flags_allowed) | (in.eflags & arch::user_flags_allowed);
    frame.cs = arch::user_code_selector;
    frame.ss = arch::user_data_selector;
    frame.vector_or_syscall = ~u64{0};
}

/// Restores what sigaltstack(2) had set when the handler was entered.
void restore_alternate_stack(UserThread& thread, UserStackDescription const& stack) {
    if (stack.flags & SS_DISABLE) thread.alternate_stack = {};
    else if (stack.size >= MINSIGSTKSZ) thread.alternate_stack = {stack.address, stack.size, static_cast<u32>(stack.flags)};
}

Result<> restore(UserThread& thread, TrapFrame& frame) {
    // The handler's `ret` has popped the return address.
    UserContext context;
    TRY(mm::UserPtr<UserContext>(frame.rsp - sizeof(u64) + offsetof(SignalFrame, context)).read_array({&context, 1}));
    // The mask first, as in Linux: it decides the effect of a fault in the steps below.
    set_blocked(thread, context.blocked);
    restore_registers(frame, context.registers);
    TRY(restore_fpu(thread, reinterpret_cast<u64>(context.registers.fpstate)));
    restore_alternate_stack(thread, context.stack);
    return {};
}

}

u64 signal_return(TrapFrame& frame) {
    UserThread& thread = current_user_thread();
    if (restore(thread, frame)) return frame.rax;
    SignalInfo info;
    info.signal = SIGSEGV;
    info.code = SI_KERNEL;
    force_signal(info);
    frame.vector_or_syscall = ~u64{0};
    return 0;
}

}
