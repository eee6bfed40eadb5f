// SPDX-License-Identifier: MIT
// The registers of a thread: on entry to the kernel (TrapFrame) and across a switch
// (ThreadContext). Offsets used by assembly are asserted in arch/x86_64/offsets.cpp.
#pragma once

#include <base/types.h>

/// What entry.S pushes; the order of Linux's pt_regs.
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
    TlbSpace* space = nullptr;   ///< null: a kernel thread, keeps whatever is loaded
    u64 fs_base = 0, gs_base = 0;///< user's; saved while not running
    FpuArea* fpu = nullptr;      ///< null: never runs user code
    u32 fpu_cpu = ~0u;           ///< CPU that loaded `fpu` last; with its fpu_owner says whether it still is there
};

/// Prepares `context` so that the first switch to it calls entry(argument) on its stack,
/// with interrupts off. kernel_stack_top must be set.
void prepare_kernel_thread(ThreadContext& context, void (*entry)(void*), void* argument);
/// As above, but returns to user mode with `frame`, after calling upcalls::on_first_run().
void prepare_user_thread(ThreadContext& context, TrapFrame const& frame);

/// Saves the running thread in `from`, continues `to`. Interrupts off. Returns when `from`
/// runs again. Switches stack, page tables, FS/GS, FPU state and TSS.rsp0.
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
/// Copies the current thread's live state: fork, signal frames. Interrupts on or off.
void fpu_save_current(ThreadContext& context);
/// Loads `context.fpu` into the CPU if `context` is the running thread's.
void fpu_load_current(ThreadContext& context);
/// Makes an area that came from a program safe to load (MXCSR, XSTATE_BV); false: not usable.
bool fpu_sanitize(FpuArea* area);
/// The floating-point exceptions that have come and are not masked (bits as in MXCSR), of SSE or of the x87.
u32 fpu_exceptions(FpuArea const* area, bool is_simd);

// ---- thread pointer (arch_prctl)

void set_fs_base(ThreadContext& context, u64 base);   ///< of the running thread
void set_gs_base(ThreadContext& context, u64 base);
u64 get_fs_base(ThreadContext const& context);
u64 get_gs_base(ThreadContext const& context);

/// Selectors and flags of a user-mode frame.
inline constexpr u16 user_code_selector = 0x33;   ///< Linux's __USER_CS
inline constexpr u16 user_data_selector = 0x2b;   ///< Linux's __USER_DS
inline constexpr u64 user_flags_allowed = 0x0000000000240dd5;   ///< what sigreturn may set: CF PF AF ZF SF TF DF OF AC ID

}
