// SPDX-License-Identifier: MIT
// Every way into the kernel: the doors that <arch/upcalls.h> declares. Faults of a
// program become signals here; faults of the kernel a fix-up or a panic.
#include <arch/interrupts.h>
#include <arch/upcalls.h>
#include <arch/user_access.h>
#include <base/format.h>
#include <base/latency.h>
#include <base/panic.h>
#include <base/trace.h>

#include <abi/signal.h>

#include "kernel/process/fault_log.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/dispatch.h"
#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "sched/scheduler.h"

namespace upcalls {
namespace {

using process::SignalInfo;

/// Intel SDM vol. 3, 6.15: the signal of each exception, as Linux has it.
SignalInfo signal_of(u8 vector, TrapFrame const& frame) {
    SignalInfo info;
    info.address = frame.rip;
    switch (vector) {
    case 0: info.signal = SIGFPE; info.code = FPE_INTDIV; break;
    case 1: info.signal = SIGTRAP; info.code = TRAP_TRACE; break;
    case 3: info.signal = SIGTRAP; info.code = SI_KERNEL; info.address = 0; break;
    case 6: info.signal = SIGILL; info.code = ILL_ILLOPN; break;
    case 16: info.signal = SIGFPE; info.code = FPE_FLTINV; break;
    case 17: info.signal = SIGBUS; info.code = BUS_ADRALN; break;
    case 19: info.signal = SIGFPE; info.code = FPE_FLTINV; break;
    case 10: case 11: case 12: info.signal = SIGBUS; info.code = SI_KERNEL; info.address = 0; break;
    default: info.signal = SIGSEGV; info.code = SI_KERNEL; info.address = 0; break;
    }
    return info;
}

/// A fault of the kernel that cannot be resolved: fixed up where the code expects it, else a panic.
void kernel_fault(TrapFrame& frame, u64 address, FaultAccess access) {
    if (arch::fix_up_exception(frame)) return;
    static constexpr char const* verb[] = {"read", "write", "execute"};
    char text[96];
    base::BufferWriter out({text, sizeof text - 1});
    bool const guard = mm::kernel_space.is_stack_guard(address);
    base::format_to(out, "{} of {:#x} by the kernel{}", verb[static_cast<size_t>(access)], address,
                    guard ? ": kernel stack overflow" : "");
    text[out.text().size()] = 0;
    base::panic_with(text, std::source_location::current(), &frame);
}

/// A program's page fault as the CPU describes it (Intel SDM vol. 3, 4.7).
u64 error_code_of(FaultAccess access, bool present) {
    constexpr u64 write = 2, user = 4, fetch = 16;
    return u64{present} | user | (access == FaultAccess::Write ? write : access == FaultAccess::Execute ? fetch : 0);
}

void signal_for_fault(mm::FaultResult result, u64 address) {
    SignalInfo info;
    info.address = address;
    info.signal = result == mm::FaultResult::PastEnd ? SIGBUS : SIGSEGV;
    info.code = result == mm::FaultResult::PastEnd      ? BUS_ADRERR
                : result == mm::FaultResult::NotPermitted ? SEGV_ACCERR
                                                          : SEGV_MAPERR;
    process::force_signal(info);
}

mm::FaultResult resolve(process::UserThread& thread, TrapFrame const& frame, u64 address, FaultAccess access) {
    auto const kind = access == FaultAccess::Write     ? mm::FaultKind::Write
                      : access == FaultAccess::Execute ? mm::FaultKind::Execute
                                                       : mm::FaultKind::Read;
    UserAddr const stack_pointer(frame.from_user() ? frame.rsp : arch::user_frame(thread.context).rsp);
    return thread.process().address_space->handle_fault(UserAddr(address), kind, stack_pointer);
}

/// A kernel access is resolved like the program's own only in the code that reaches user memory
/// on purpose, and only where it may sleep; anything else would hide a stray pointer.
bool may_resolve(TrapFrame const& frame, bool user_address) {
    return user_address && arch::preempt_enabled() && arch::has_fix_up(frame.rip)
           && process::current_user_thread_or_null();
}

}

void on_page_fault(TrapFrame& frame, u64 address, FaultAccess access, bool present) {
    TRACE_EVENT(PageFault, address, u64{present} << 8 | static_cast<u64>(access));
    bool const user_address = address < arch::user_space_end;
    if (frame.from_user() && !user_address) {
        process::log_segfault(frame, address, error_code_of(access, true));   // what is the kernel's is there, as Linux tells it
        return signal_for_fault(mm::FaultResult::NotMapped, address);
    }
    if (!frame.from_user() && !may_resolve(frame, user_address)) return kernel_fault(frame, address, access);
    auto* thread = process::current_user_thread_or_null();
    auto const result = resolve(*thread, frame, address, access);
    if (result == mm::FaultResult::Handled) {
        ++thread->minor_faults;
        sched::SharedUsage::add(thread->shared_usage->minor_faults, 1);
        return;
    }
    if (result == mm::FaultResult::OutOfMemory) {
        // The access is tried again once memory is there, unless this process is the one that must go: a
        // program dies on its way out, a system call of it ends with EFAULT first.
        bool const hope = process::process_manager.out_of_memory();
        if (hope && (frame.from_user() || !process::fatal_signal_pending())) return;
    }
    if (frame.from_user()) {
        if (result == mm::FaultResult::OutOfMemory) return;
        if (result != mm::FaultResult::PastEnd) process::log_segfault(frame, address, error_code_of(access, present));
        signal_for_fault(result, address);
        return;
    }
    kernel_fault(frame, address, access);
}

void on_exception(TrapFrame& frame, u8 vector, u64 error_code) {
    if (frame.from_user()) {
        SignalInfo const info = signal_of(vector, frame);
        process::log_trap(frame, vector, error_code, info.signal);
        return process::force_signal(info);
    }
    if (arch::fix_up_exception(frame)) return;
    char text[64];
    base::BufferWriter out({text, sizeof text - 1});
    base::format_to(out, "exception {} (error code {:#x}) in the kernel", vector, error_code);
    text[out.text().size()] = 0;
    base::panic_with(text, std::source_location::current(), &frame);
}

void on_system_call(TrapFrame& frame) { syscall::dispatch(frame); }

void on_timer(bool from_user) {
    sched::scheduler.on_timer(from_user);
    process::on_cpu_tick();
}

void on_preempt() {
    sched::scheduler.on_preempt();
    base::note_interrupts_on();   // called with them off, it goes back to where they were on
}

void on_return_to_user(TrapFrame& frame) {
    if (arch::need_resched()) sched::scheduler.on_preempt();
    if (process::signal_pending()) process::deliver_signals(frame);
}

void on_first_run() {
    sched::scheduler.finish_first_switch();
    base::note_interrupts_on();   // by the way to the program
}

void on_first_kernel_run() {
    sched::scheduler.finish_first_switch();
    arch::interrupts_enable();
}

void on_cpu_start() { sched::scheduler.run_cpu(); }

void* map_mmio(PhysAddr start, u64 size, arch::CacheMode cache) {
    auto window = mm::kernel_space.map_mmio(start, size, cache);
    return window ? *window : nullptr;
}

}
