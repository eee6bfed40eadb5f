// SPDX-License-Identifier: MIT
// From a running kernel to process 1: what main.cpp does with the command line.
#pragma once

#include <string_view>

#include <base/types.h>

namespace kernel {

// ---- words of the command line that main.cpp hands to subsystems
std::string_view policy_name();   ///< sched=, else "rr"
u64 quantum_ns();                 ///< quantum_ms= (1 to 1000), else 4 ms
u64 strace_level();                 ///< strace=, else 0
/// How many events the ring of each CPU holds: more of them when trace= chooses some.
size_t trace_ring_events();
void start_tracing();               ///< trace=: which events are recorded, in a larger ring

/// nopcid noinvpcid nox2apic: the CPU's features that are not to be used.
void forgo_cpu_features();
/// loglevel=, panic= and a screen, so that the earliest panic does what is asked. Before all but boot_info.
void prepare_for_panic();
/// First lines of the log: version, compiler, loader, command line, CPU.
void announce();
/// Terminals by the `console=` words.
void initialize_drivers();
/// `selftest`: runs the self-tests and ends the machine. Else unpacks the initramfs, mounts /dev and
/// /proc, and starts init. The boot thread then sleeps for ever.
[[noreturn]] void start();

}
