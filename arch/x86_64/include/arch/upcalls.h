// SPDX-License-Identifier: MIT
// The doors from the CPU into the kernel: declared here, defined in kernel/trap.cpp.
// All run on the interrupted thread's kernel stack.
#pragma once

#include <arch/paging.h>
#include <base/types.h>

struct TrapFrame;

namespace upcalls {

enum class FaultAccess : u8 { Read, Write, Execute };

/// #PF. Interrupts as they were in the faulting code. `error_code`: what the CPU says of the access (Intel SDM vol. 3, 4.7).
void on_page_fault(TrapFrame& frame, u64 address, FaultAccess access, u64 error_code);
/// Any other exception of a program (`frame.from_user()`), or of the kernel with no fix-up.
void on_exception(TrapFrame& frame, u8 vector, u64 error_code);
/// A program executed SYSCALL. Interrupts on. The result goes to frame.rax.
void on_system_call(TrapFrame& frame);
/// The alarm of this CPU rang. Interrupts off.
void on_timer(bool from_user);
/// After an interrupt that came from kernel code with preemption allowed and wanted, and from
/// preempt_enable(). Interrupts may be on or off and are so again on return.
void on_preempt();
/// Before every return to user mode for which something is pending (need_resched or the
/// thread's return_work flag). Interrupts on; called again until nothing is pending.
void on_return_to_user(TrapFrame& frame);
/// First instruction of a new user thread in the kernel. Interrupts off.
void on_first_run();
/// First instruction of a new kernel thread, before its entry. Interrupts off.
void on_first_kernel_run();

/// A CPU has been started (arch/processors.h), on the stack it was given. Interrupts off.
[[noreturn]] void on_cpu_start();

/// A window on device memory or on a firmware table, for ever; null if there is no room.
void* map_mmio(PhysAddr start, u64 size, arch::CacheMode cache);

}
