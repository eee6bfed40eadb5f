// SPDX-License-Identifier: MIT
// The kernel's entry points: the functions that <arch/upcalls.h> declares. A program's faults become signals here;
// the kernel's own end in a fix-up or a panic.
#include <arch/interrupts.h>
#include <arch/upcalls.h>
#include <arch/user_access.h>
#include <base/format.h>
#include <base/latency.h>
#include <base/panic.h>
#include <base/trace.h>

#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/fault_log.h"
#include "kernel/process/signal/signal.h"
#include "kernel/process/timers/cpu_timers.h"
#include "kernel/syscall/dispatch.h"
#include "mm/kernel_space.h"
#include "mm/user/address_space.h"
#include "sched/scheduler.h"

namespace upcalls {
namespace {

using process::SignalInfo;

constexpr u64 vector_page_fault = 14;
constexpr u64 page_present = 1, from_user_mode = 4;      ///< bits of a page fault's error code

/// Which of the unmasked exceptions was the reason, in Linux's order. 0: none is pending any more.
int float_code(bool is_simd) {
    auto& thread = process::current_user_thread();
    arch::fpu_save_current(thread.context);
    u32 const raised = arch::fpu_exceptions(thread.context.fpu, is_simd);
    constexpr u32 invalid = 1, denormal = 2, divided_by_zero = 4, overflow = 8, underflow = 16, precision = 32;
    if (raised & invalid) return FPE_FLTINV;
    if (raised & divided_by_zero) return FPE_FLTDIV;
    if (raised & overflow) return FPE_FLTOVF;
    if (raised & (denormal | underflow)) return FPE_FLTUND;
    return raised & precision ? FPE_FLTRES : 0;
}

/// Intel SDM vol. 3, 6.15: each exception's signal, as on Linux. Signal 0: none.
SignalInfo signal_of(u8 vector, TrapFrame const& frame) {
    SignalInfo info;
    info.address = frame.rip;
    switch (vector) {
    case 0: info.signal = SIGFPE; info.code = FPE_INTDIV; break;
    case 1: info.signal = SIGTRAP; info.code = TRAP_TRACE; break;
    case 3: info.signal = SIGTRAP; info.code = SI_KERNEL; info.address = 0; break;
    case 6: info.signal = SIGILL; info.code = ILL_ILLOPN; break;
    case 16: case 19:
        info.code = float_code(vector == 19);
        info.signal = info.code ? SIGFPE : 0;
        break;
    case 17: info.signal = SIGBUS; info.code = BUS_ADRALN; info.address = 0; break;
    case 11: case 12: info.signal = SIGBUS; info.code = SI_KERNEL; info.address = 0; break;
    default: info.signal = SIGSEGV; info.code = SI_KERNEL; info.address = 0; break;
    }
    return info;
}

/// A fault of the kernel that cannot be resolved: applies the fix-up if the code has one, otherwise panics.
void kernel_fault(TrapFrame& frame, u64 address, arch::FaultKind access) {
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

/// As Linux reports it: an address in the kernel's half counts as present, whatever the CPU says.
u64 shown_code(u64 address, u64 error_code) {
    return error_code | from_user_mode | (address < arch::user_space_end ? 0 : page_present);
}

void signal_for_fault(mm::FaultResult result, u64 address, u64 error_code) {
    process::current_user_thread().fault = {vector_page_fault, shown_code(address, error_code), address};
    SignalInfo info;
    info.address = address;
    info.signal = result == mm::FaultResult::PastEnd ? SIGBUS : SIGSEGV;
    info.code = result == mm::FaultResult::PastEnd      ? BUS_ADRERR
                : result == mm::FaultResult::NotPermitted ? SEGV_ACCERR
                                                          : SEGV_MAPERR;
    process::force_signal(info);
}

mm::FaultResult resolve(process::UserThread& thread, u64 address, arch::FaultKind kind) {
    return thread.process().address_space->handle_fault(UserAddr(address), kind);
}

/// True if a kernel access may be resolved like the program's own: only in the code that accesses user memory on
/// purpose, and only where it may sleep; anything else would hide a stray pointer.
bool may_resolve(TrapFrame const& frame, bool user_address) {
    return user_address && arch::preempt_enabled() && arch::has_fix_up(frame.rip)
           && process::current_user_thread_or_null();
}

}

void on_page_fault(TrapFrame& frame, u64 address, arch::FaultKind access, u64 error_code) {
    TRACE_EVENT(PageFault, address, (error_code & page_present) << 8 | static_cast<u64>(access));
    bool const user_address = address < arch::user_space_end;
    if (frame.from_user() && !user_address) {
        process::log_segfault(frame, address, shown_code(address, error_code));
        return signal_for_fault(mm::FaultResult::NotMapped, address, error_code);
    }
    if (!frame.from_user() && !may_resolve(frame, user_address)) return kernel_fault(frame, address, access);
    auto* thread = process::current_user_thread_or_null();
    auto result = resolve(*thread, address, access);
    if (result == mm::FaultResult::Handled) {
        ++thread->minor_faults;
        sched::SharedUsage::add(thread->shared_usage->minor_faults, 1);
        return;
    }
    if (result == mm::FaultResult::NotPermitted && access == arch::FaultKind::Execute && frame.from_user()) {
        // As on Linux, a readable page is brought in first; that it may not be executed is found at the second
        // attempt.
        result = resolve(*thread, address, arch::FaultKind::Read);
        if (result == mm::FaultResult::Handled) {
            result = mm::FaultResult::NotPermitted;
            error_code |= page_present;
        }
    }
    if (result == mm::FaultResult::OutOfMemory) {
        // The access is retried once there is memory, unless this process is the victim: then a program's own access
        // ends with its death, and a system call's access fails with EFAULT first.
        bool const hope = process::process_manager.out_of_memory();
        if (hope && (frame.from_user() || !process::fatal_signal_pending())) return;
    }
    if (frame.from_user()) {
        if (result == mm::FaultResult::OutOfMemory) return;
        if (result != mm::FaultResult::PastEnd) process::log_segfault(frame, address, shown_code(address, error_code));
        signal_for_fault(result, address, error_code);
        return;
    }
    kernel_fault(frame, address, access);
}

void on_exception(TrapFrame& frame, u8 vector, u64 error_code) {
    if (frame.from_user()) {
        auto& fault = process::current_user_thread().fault;
        fault.vector = vector;
        fault.error_code = error_code;
        SignalInfo const info = signal_of(vector, frame);
        if (info.signal == 0) return;
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
    base::note_interrupts_on();   // called with interrupts off, it returns to code that had them on
}

void on_return_to_user(TrapFrame& frame) {
    if (arch::need_resched()) sched::scheduler.on_preempt();
    if (!process::signal_pending()) return;
    if (auto const status = process::deliver_signals(frame)) process::process_manager.exit_thread(*status);
}

void on_first_run() {
    sched::scheduler.finish_first_switch();
    base::note_interrupts_on();   // on the way to the program
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
