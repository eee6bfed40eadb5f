// SPDX-License-Identifier: MIT
// Every way into the kernel and back: exceptions, interrupts, SYSCALL, first runs. All
// build a TrapFrame (arch/context.h) on the thread's kernel stack and call C++.
// Invariant: in the kernel GS base is this CPU's; an entry from user mode executes SWAPGS. NMI, #DF and
// #MC may arrive between those two states, so they save and set GS base by MSR (paranoid).
// The CFI lets debuggers unwind through; our own backtraces recognise a frame by a return address
// between entry_text_start and _end, and stop there if the frame is a program's.
#include "arch/x86_64/entry_symbols.h"

    .cfi_sections .debug_frame
    .section .text.entry, "ax", @progbits

// ---------------------------------------------------------------- frames

// Pushes the general registers above orig_rax, which has already been pushed.
.macro SAVE_REGISTERS
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

// The unwinder's view of a whole TrapFrame at \offset(%rsp).
.macro CFI_TRAP_FRAME offset=0
    .cfi_def_cfa rsp, FRAME_SIZE + \offset
    .cfi_offset ss, -8
    .cfi_offset rsp, -16
    .cfi_offset rip, -40
    .cfi_offset rdi, -56
    .cfi_offset rsi, -64
    .cfi_offset rdx, -72
    .cfi_offset rcx, -80
    .cfi_offset rax, -88
    .cfi_offset r8, -96
    .cfi_offset r9, -104
    .cfi_offset r10, -112
    .cfi_offset r11, -120
    .cfi_offset rbx, -128
    .cfi_offset rbp, -136
    .cfi_offset r12, -144
    .cfi_offset r13, -152
    .cfi_offset r14, -160
    .cfi_offset r15, -168
.endm

.macro RESTORE_ALL_BUT_RDI
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
.endm

// CLAC if the CPU has SMAP: a NOP that user_access.cpp patches at boot.
.macro CLAC
771:.byte 0x0f, 0x1f, 0x00
    .pushsection .smap_sites, "a", @progbits
    .quad 771b, 0
    .popsection
.endm

// Calls C++ with RSP aligned as the ABI requires: a TrapFrame leaves it at 8 modulo 16.
.macro CALL_ALIGNED function
    subq $8, %rsp
    call \function
    addq $8, %rsp
.endm

// ---------------------------------------------------------------- SYSCALL

// rax number; rdi rsi rdx r10 r8 r9 arguments; rcx return address; r11 flags; SFMASK has
// cleared IF DF TF AC NT. There is no stack yet; an NMI here is safe (paranoid, on its own stack).
    .globl system_call_entry
    .type system_call_entry, @function
system_call_entry:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 0
    .cfi_register rip, rcx
    swapgs
    movq %rsp, %gs:USER_RSP
    movq %gs:KERNEL_STACK_TOP, %rsp
    pushq $USER_DATA_SELECTOR
    pushq %gs:USER_RSP
    pushq %r11
    pushq $USER_CODE_SELECTOR
    pushq %rcx
    pushq %rax
    SAVE_REGISTERS
    CFI_TRAP_FRAME
    movq %rsp, %rdi
    sti
    CALL_ALIGNED ON_SYSTEM_CALL
    // Falls through.

// RSP points to the frame to return to. Uses SYSRET if it has exactly the effect of IRET.
    .globl exit_to_user
exit_to_user:
    cli
    movq %gs:RETURN_WORK, %rax
    cmpl $0, (%rax)
    jne .Lexit_work
    testl $PREEMPT_NOT_NEEDED, %gs:PREEMPT_WORD
    jz .Lexit_work
    movq FRAME_RIP(%rsp), %rcx
    movq FRAME_RFLAGS(%rsp), %r11
    cmpq %rcx, FRAME_RCX(%rsp)
    jne .Liret_to_user
    cmpq %r11, FRAME_R11(%rsp)
    jne .Liret_to_user
    testl $(RFLAGS_TF | RFLAGS_RF), %r11d
    jnz .Liret_to_user
    shrq $47, %rcx                      // SYSRET faults in ring 0 if RIP is not canonical
    jnz .Liret_to_user
    RESTORE_ALL_BUT_RDI
    popq %rdi
    .cfi_remember_state
    .cfi_def_cfa rsp, 48
    .cfi_register rip, rcx
    movq 32(%rsp), %rsp
    swapgs
    sysretq
    .cfi_restore_state

.Liret_to_user:
    RESTORE_ALL_BUT_RDI
    popq %rdi
    addq $8, %rsp
    swapgs
    .globl iret_to_user
iret_to_user:
    iretq                               // may fault: trap_common repairs it

.Lexit_work:
    sti
    movq %rsp, %rdi
    CALL_ALIGNED ON_RETURN_TO_USER
    jmp exit_to_user
    .cfi_endproc
    .size system_call_entry, . - system_call_entry

// [[noreturn]] void arch::return_to_user(TrapFrame&): after exec.
    .globl RETURN_TO_USER
    .type RETURN_TO_USER, @function
RETURN_TO_USER:
    .cfi_startproc
    .cfi_undefined rip
    movq %rdi, %rsp
    jmp exit_to_user
    .cfi_endproc
    .size RETURN_TO_USER, . - RETURN_TO_USER

// ---------------------------------------------------------------- exceptions

// On entry: the vector is in the high half of the error code's slot.
    .type trap_common, @function
trap_common:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 48
    .cfi_offset rip, -40
    .cfi_offset rsp, -16
    SAVE_REGISTERS
    CFI_TRAP_FRAME
    cld
    CLAC
    movl FRAME_ORIG_RAX+4(%rsp), %ebx   // vector
    movl FRAME_ORIG_RAX(%rsp), %r12d    // error code
    movq $-1, FRAME_ORIG_RAX(%rsp)
    testb $3, FRAME_CS(%rsp)
    jz .Ltrap_from_kernel
    swapgs
.Ltrap_from_user:
    movq %rsp, %rdi
    movl %ebx, %esi
    movl %r12d, %edx
    CALL_ALIGNED handle_trap
    jmp exit_to_user

.Ltrap_from_kernel:
    leaq iret_to_user(%rip), %rax
    cmpq %rax, FRAME_RIP(%rsp)
    je .Lbad_iret
    movq %rsp, %rdi
    movl %ebx, %esi
    movl %r12d, %edx
    CALL_ALIGNED handle_trap
    jmp exit_to_kernel

// IRET refused the program's registers: GS is the program's, and its registers are still in the CPU.
.Lbad_iret:
    swapgs
    movq %rsp, %rdi
    CALL_ALIGNED repair_failed_iret     // rax: a user frame at the top of the stack
    movq %rax, %rsp
    jmp .Ltrap_from_user
    .cfi_endproc
    .size trap_common, . - trap_common

// RSP points to a frame of kernel code; interrupts off. Preempts that code if it is allowed.
    .type exit_to_kernel, @function
exit_to_kernel:
    .cfi_startproc simple
    .cfi_signal_frame
    CFI_TRAP_FRAME
    cli
    testl $RFLAGS_IF, FRAME_RFLAGS(%rsp)
    jz 1f
    cmpl $0, %gs:PREEMPT_WORD
    jne 1f
    CALL_ALIGNED ON_PREEMPT
1:  RESTORE_ALL_BUT_RDI
    popq %rdi
    addq $8, %rsp
    iretq
    .cfi_endproc
    .size exit_to_kernel, . - exit_to_kernel

// ---------------------------------------------------------------- interrupts

// On entry: the vector is in the slot of orig_rax.
    .type interrupt_common, @function
interrupt_common:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 48
    .cfi_offset rip, -40
    .cfi_offset rsp, -16
    SAVE_REGISTERS
    CFI_TRAP_FRAME
    cld
    CLAC
    movzbl FRAME_ORIG_RAX(%rsp), %esi
    movq $-1, FRAME_ORIG_RAX(%rsp)
    movq %rsp, %rdi
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
    CALL_ALIGNED handle_interrupt
    jmp exit_to_user
1:  CALL_ALIGNED handle_interrupt
    jmp exit_to_kernel
    .cfi_endproc
    .size interrupt_common, . - interrupt_common

// ---------------------------------------------------------------- NMI, #DF, #MC

// On an IST stack, with the CPU's kernel GS base at its top (IST_GS_BASE). Never executes SWAPGS: it loads
// GS base by MSR and restores the previous value. Never enables interrupts.
    .type paranoid_common, @function
paranoid_common:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 48
    .cfi_offset rip, -40
    .cfi_offset rsp, -16
    SAVE_REGISTERS
    CFI_TRAP_FRAME
    cld
    CLAC
    movl $MSR_GS_BASE, %ecx
    rdmsr
    movl %eax, %r13d
    movl %edx, %r14d
    movl FRAME_SIZE(%rsp), %eax         // IST_GS_BASE
    movl FRAME_SIZE+4(%rsp), %edx
    wrmsr
    movl FRAME_ORIG_RAX+4(%rsp), %esi
    movl FRAME_ORIG_RAX(%rsp), %edx
    movq $-1, FRAME_ORIG_RAX(%rsp)
    movq %rsp, %rdi
    CALL_ALIGNED handle_paranoid_trap
    movl $MSR_GS_BASE, %ecx
    movl %r13d, %eax
    movl %r14d, %edx
    wrmsr
    RESTORE_ALL_BUT_RDI
    popq %rdi
    addq $8, %rsp
    iretq
    .cfi_endproc
    .size paranoid_common, . - paranoid_common

// ---------------------------------------------------------------- the 256 gates

.macro GATE vector, has_error_code=0, target=trap_common
    .balign 16
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 40 + 8 * \has_error_code
    .cfi_offset rip, -40
    .cfi_offset rsp, -16
.if \has_error_code == 0
    pushq $0
    .cfi_def_cfa_offset 48
.endif
    movl $\vector, 4(%rsp)
    jmp \target
    .cfi_endproc
.endm

    .balign 16
    .globl trap_gates
trap_gates:                             // 16 bytes each
    GATE 0                              // #DE
    GATE 1                              // #DB
    GATE 2, 0, paranoid_common          // NMI
    GATE 3                              // #BP
    GATE 4                              // #OF
    GATE 5                              // #BR
    GATE 6                              // #UD
    GATE 7                              // #NM
    GATE 8, 1, paranoid_common          // #DF
    GATE 9
    GATE 10, 1                          // #TS
    GATE 11, 1                          // #NP
    GATE 12, 1                          // #SS
    GATE 13, 1                          // #GP
    GATE 14, 1                          // #PF
    GATE 15
    GATE 16                             // #MF
    GATE 17, 1                          // #AC
    GATE 18, 0, paranoid_common         // #MC
    GATE 19                             // #XM
    GATE 20                             // #VE
    GATE 21, 1                          // #CP
    GATE 22
    GATE 23
    GATE 24
    GATE 25
    GATE 26
    GATE 27
    GATE 28                             // #HV
    GATE 29, 1                          // #VC
    GATE 30, 1                          // #SX
    GATE 31

    .balign 16
    .globl interrupt_gates
interrupt_gates:                        // vectors 32 to 255, 16 bytes each
    .set vector, 32
    .rept 256 - 32
    .balign 16
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 40
    .cfi_offset rip, -40
    .cfi_offset rsp, -16
    pushq $vector
    .cfi_def_cfa_offset 48
    jmp interrupt_common
    .cfi_endproc
    .set vector, vector + 1
    .endr

// ---------------------------------------------------------------- first runs

// switch_stacks() "returns" here in a new thread; context.cpp has put what is needed into
// callee-saved registers.
    .globl first_user_run
    .type first_user_run, @function
first_user_run:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    CALL_ALIGNED ON_FIRST_RUN
    jmp exit_to_user
    .cfi_endproc
    .size first_user_run, . - first_user_run

    .globl first_kernel_run             // rbx: entry, r12: its argument
    .type first_kernel_run, @function
first_kernel_run:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    call ON_FIRST_KERNEL_RUN
    movq %r12, %rdi
    call *%rbx
    call kernel_thread_returned
    .cfi_endproc
    .size first_kernel_run, . - first_kernel_run

// void switch_stacks(u64& saved_rsp, u64 new_rsp)
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
    .cfi_startproc
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size switch_stacks, . - switch_stacks

    .section .note.GNU-stack, "", @progbits
