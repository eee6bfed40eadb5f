// SPDX-License-Identifier: MIT
// Ending the machine. Everything here works with interrupts off and from a panic.
#pragma once

#include <base/types.h>

namespace arch {

[[noreturn]] void power_off();   ///< ACPI S5; if that fails, halts
[[noreturn]] void reset();       ///< ACPI reset register, i8042, triple fault
/// Writes to QEMU's isa-debug-exit if present (the process ends with code << 1 | 1); otherwise returns.
void debug_exit(u8 code);
inline constexpr u8 debug_exit_success = 0x10;   ///< QEMU ends with 33
inline constexpr u8 debug_exit_test_failure = 0x11;   ///< 35
inline constexpr u8 debug_exit_panic = 0x7f;     ///< 255
/// Stops the other CPUs once base::panicking(), and waits briefly for them: then where_cpu_was() tells where each
/// was.
void stop_other_cpus();

}
