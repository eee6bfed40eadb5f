// SPDX-License-Identifier: MIT
// A thread's registers: on entry to the kernel (TrapFrame) and across a switch (ThreadContext).
// arch/x86_64/offsets.cpp asserts the offsets that assembly uses.
#pragma once

#include <base/types.h>

/// What entry.S pushes, in the order of Linux's pt_regs.
struct TrapFrame {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 vector_or_syscall;   ///< system call number (orig_rax), or ~0 for a trap
    u64 rip, cs, rflags, rsp, ss;

    bool from_user() const { return (cs & 3) == 3; }
};

namespace arch {

struct TlbSpace;

/// Extended state (x87, SSE, AVX): one area of fpu_area_size() bytes, 64-byte aligned.
struct FpuArea;

struct ThreadContext {
    u64 kernel_rsp = 0;          ///< saved while not running
    u64 kernel_stack_top = 0;    ///< RSP on entry from user mode
    TlbSpace* space = nullptr;   ///< null: a kernel thread; it keeps whatever is loaded
    u64 fs_base = 0, gs_base = 0;///< the program's; saved while not running
    FpuArea* fpu = nullptr;      ///< null: never runs user code
    u32 fpu_cpu = ~0u;           ///< the CPU that loaded `fpu` last; that CPU's fpu_owner says whether it still holds it
};

/// Prepares `context` so that the first switch to it calls entry(argument) on its stack, with interrupts off.
/// kernel_stack_top must be set.
void prepare_kernel_thread(ThreadContext& context, void (*entry)(void*), void* argument);
/// As above, but the thread calls upcalls::on_first_run() and then enters user mode with `frame`.
void prepare_user_thread(ThreadContext& context, TrapFrame const& frame);

/// Saves the running thread in `from` and continues `to`. Interrupts off. Returns when `from` runs again. Switches
/// stack, page tables, FS/GS, FPU state and TSS.rsp0.
void switch_context(ThreadContext& from, ThreadContext& to);

/// The trap frame at the top of a thread's kernel stack: its user registers.
inline TrapFrame& user_frame(ThreadContext const& context) {
    return *reinterpret_cast<TrapFrame*>(context.kernel_stack_top - sizeof(TrapFrame));
}

/// Enters user mode with the frame at the top of the current kernel stack (after exec).
[[noreturn]] void return_to_user(TrapFrame& frame);

// ---- FPU

size_t fpu_area_size();
/// The initial state (as after exec).
void fpu_initialize(FpuArea* area);
/// Saves the running thread's live state to context.fpu: fork, signal frames. Interrupts on or off.
void fpu_save_current(ThreadContext& context);
/// Loads `context.fpu` into the CPU if `context` is the running thread's.
void fpu_load_current(ThreadContext& context);
/// True if an area that came from a program is safe to load (MXCSR, XSTATE_BV).
bool fpu_sanitize(FpuArea* area);
/// The pending, unmasked floating-point exceptions (bits as in MXCSR) of SSE or of the x87.
u32 fpu_exceptions(FpuArea const* area, bool is_simd);

// ---- thread pointer (arch_prctl)

void set_fs_base(ThreadContext& context, u64 base);   ///< for the running thread
void set_gs_base(ThreadContext& context, u64 base);
u64 get_fs_base(ThreadContext const& context);
u64 get_gs_base(ThreadContext const& context);

/// Selectors and flags of a user-mode frame.
inline constexpr u16 user_code_selector = 0x33;   ///< Linux's __USER_CS
inline constexpr u16 user_data_selector = 0x2b;   ///< Linux's __USER_DS
inline constexpr u64 user_flags_allowed = 0x0000000000240dd5;   ///< bits that sigreturn may set: CF PF AF ZF SF TF DF OF AC ID

}
