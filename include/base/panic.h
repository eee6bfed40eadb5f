// SPDX-License-Identifier: MIT
// panic: an invariant of the kernel is broken. Prints the reason, registers, a symbolised backtrace and the last
// trace events, then ends QEMU (isa-debug-exit) or halts. Invariant: no action of a program may cause one. Defined in
// kernel/base/panic.cpp.
#pragma once

#include <source_location>

#include <base/format.h>

struct TrapFrame;

namespace base {

/// Ends the machine. `frame`: the registers to show, or null for the caller's own. `details`: logs more.
[[noreturn, gnu::cold]] void panic_with(char const* reason, std::source_location where, TrapFrame const* frame, void (*details)() = nullptr);

/// True once a panic has begun; from then on locks are broken instead of waited for.
bool panicking();

[[noreturn, gnu::cold]] inline void panic(char const* reason,
                                          std::source_location where = std::source_location::current()) {
    panic_with(reason, where, nullptr);
}

}

using base::panic;

/// An invariant of the kernel, checked in every build.
#define ASSERT(condition)                                     \
    do {                                                      \
        if (!(condition)) [[unlikely]]                        \
            ::base::panic("assertion failed: " #condition);   \
    } while (0)

/// An invariant whose check is too expensive for a release build.
#if defined(AUBRAC_DEBUG)
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) do { } while (0)
#endif
