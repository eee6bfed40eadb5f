// SPDX-License-Identifier: MIT
// panic: an invariant of ours is broken. Prints the reason, registers, a symbolised
// backtrace and the last trace events, then ends QEMU (isa-debug-exit) or stops.
// Nothing that a program does may reach it. Defined in kernel/base/panic.cpp.
#pragma once

#include <source_location>

#include <base/format.h>

struct TrapFrame;

namespace base {

/// Ends the machine. `frame`: the registers to show, or null for the caller's own. `details`: says more, by the log.
[[noreturn, gnu::cold]] void panic_with(char const* reason, std::source_location where, TrapFrame const* frame, void (*details)() = nullptr);

/// True once a panic has begun; locks are then broken rather than waited for.
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

/// An invariant whose check costs too much for a release build.
#if defined(AUBRAC_DEBUG)
#define DEBUG_ASSERT(condition) ASSERT(condition)
#else
#define DEBUG_ASSERT(condition) do { } while (0)
#endif
