// SPDX-License-Identifier: MIT
// What entry.S needs to know of C++: the compiler's mangled names, offsets and constants. offsets.cpp asserts every
// number.
#pragma once

#define ON_SYSTEM_CALL _ZN7upcalls14on_system_callER9TrapFrame
#define ON_RETURN_TO_USER _ZN7upcalls17on_return_to_userER9TrapFrame
#define ON_PREEMPT _ZN7upcalls10on_preemptEv
#define ON_FIRST_RUN _ZN7upcalls12on_first_runEv
#define ON_FIRST_KERNEL_RUN _ZN7upcalls19on_first_kernel_runEv
#define RETURN_TO_USER _ZN4arch14return_to_userER9TrapFrame

#define PREEMPT_WORD _ZN4arch12preempt_wordE
#define RETURN_WORK _ZN4arch19return_work_pointerE
#define USER_RSP cpu_user_rsp
#define KERNEL_STACK_TOP cpu_task_state + 4

#define FRAME_R11 48
#define FRAME_RAX 80
#define FRAME_RCX 88
#define FRAME_ORIG_RAX 120
#define FRAME_RIP 128
#define FRAME_CS 136
#define FRAME_RFLAGS 144
#define FRAME_RSP 152
#define FRAME_SIZE 168

#define USER_CODE_SELECTOR 0x33
#define USER_DATA_SELECTOR 0x2b
#define PREEMPT_NOT_NEEDED 0x80000000
#define RFLAGS_TF 0x100
#define RFLAGS_IF 0x200
#define RFLAGS_RF 0x10000
#define MSR_GS_BASE 0xc0000101
