// SPDX-License-Identifier: MIT
// The frame on a program's stack while a handler runs: Linux's struct rt_sigframe of
// x86-64 (its arch/x86/include/asm/sigframe.h), whose layout C libraries and debuggers know.
#pragma once

#include <array>

#include <asm/sigcontext.h>
#include <base/types.h>

#include "kernel/process/signal_info.h"

namespace process {

struct UserStackDescription { u64 address; i32 flags; u32 padding; u64 size; };   ///< stack_t

struct UserContext {                       ///< struct ucontext
    u64 flags;
    u64 link;
    UserStackDescription stack;
    struct sigcontext registers;
    SignalMask blocked;
};

struct SignalFrame {
    u64 return_address;                    ///< SA_RESTORER's function, which calls rt_sigreturn
    UserContext context;
    SignalInfoBytes info;                  ///< siginfo_t
};
static_assert(sizeof(struct sigcontext) == 256 && sizeof(UserContext) == 304 && sizeof(SignalFrame) == 440);

// UserContext::flags, <asm/ucontext.h>.
inline constexpr u64 context_has_xstate = 1, context_has_ss = 2, context_strict_ss = 4;

inline constexpr u64 red_zone = 128;       ///< System V ABI, 3.2.2: the function may use these bytes below the stack pointer
inline constexpr size_t legacy_area = 512; ///< FXSAVE's; SDM vol. 1, 10.5.1
inline constexpr size_t software_bytes = 464;   ///< of struct _fpx_sw_bytes, in the unused end of that area

/// Bytes of FPU state in a frame: the area, followed by FP_XSTATE_MAGIC2 if the CPU has XSAVE.
size_t fpu_frame_size();

/// The enabled components of extended state (XCR0), or 0 without XSAVE.
u64 enabled_components();

}
