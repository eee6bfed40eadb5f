// SPDX-License-Identifier: MIT
// The calls from arch up into the kernel: declared here, defined in kernel/trap.cpp.
// All except map_mmio() run on the interrupted thread's kernel stack.
#pragma once

#include <arch/fault_kind.h>
#include <arch/paging.h>
#include <base/types.h>

struct TrapFrame;

namespace upcalls {

/// #PF. Interrupts are as they were in the faulting code. `error_code`: the CPU's description of the access (Intel
/// SDM vol. 3, 4.7).
void on_page_fault(TrapFrame& frame, u64 address, arch::FaultKind access, u64 error_code);
/// Any other exception, of a program (`frame.from_user()`) or of the kernel, which may have a fix-up.
void on_exception(TrapFrame& frame, u8 vector, u64 error_code);
/// A program executed SYSCALL. Interrupts on. The result goes to frame.rax.
void on_system_call(TrapFrame& frame);
/// The alarm of this CPU rang. Interrupts off.
void on_timer(bool from_user);
/// Called after an interrupt of kernel code if a preemption is requested and allowed, and from preempt_enable().
/// Interrupts may be on or off, and are the same on return.
void on_preempt();
/// Called before every return to user mode for which work is pending (need_resched or the thread's return_work flag).
/// Interrupts on; called again until nothing is pending.
void on_return_to_user(TrapFrame& frame);
/// The first call of a new user thread in the kernel. Interrupts off.
void on_first_run();
/// The first call of a new kernel thread, before its entry function. Interrupts off.
void on_first_kernel_run();

/// A CPU has started (arch/processors.h), on the stack it was given. Interrupts off.
[[noreturn]] void on_cpu_start();

/// A permanent window onto device memory or a firmware table; null if there is no room.
void* map_mmio(PhysAddr start, u64 size, arch::CacheMode cache);

}
