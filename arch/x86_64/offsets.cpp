// SPDX-License-Identifier: MIT
// Ties the numbers in entry_symbols.h, which assembly uses, to the C++ structures.
#include "arch/x86_64/entry_symbols.h"

#include <cstddef>

#include <arch/context.h>
#include <arch/interrupts.h>

#include "arch/x86_64/segments.h"

static_assert(offsetof(TrapFrame, r11) == FRAME_R11);
static_assert(offsetof(TrapFrame, rax) == FRAME_RAX);
static_assert(offsetof(TrapFrame, rcx) == FRAME_RCX);
static_assert(offsetof(TrapFrame, vector_or_syscall) == FRAME_ORIG_RAX);
static_assert(offsetof(TrapFrame, rip) == FRAME_RIP);
static_assert(offsetof(TrapFrame, cs) == FRAME_CS);
static_assert(offsetof(TrapFrame, rflags) == FRAME_RFLAGS);
static_assert(offsetof(TrapFrame, rsp) == FRAME_RSP);
static_assert(sizeof(TrapFrame) == FRAME_SIZE);
static_assert(sizeof(TrapFrame) % 16 == 8, "CALL_ALIGNED makes up for this");
static_assert(arch::preempt_not_needed == PREEMPT_NOT_NEEDED);
static_assert(arch::user_code_selector == USER_CODE_SELECTOR);
static_assert(arch::user_data_selector == USER_DATA_SELECTOR);
static_assert(arch::MSR_GS_BASE_NUMBER == MSR_GS_BASE);
static_assert(offsetof(arch::TaskState, rsp) == 4, "KERNEL_STACK_TOP");
