// SPDX-License-Identifier: MIT
// From a running kernel to process 1: what main.cpp does according to the command line.
#pragma once

#include <string_view>

#include <base/types.h>

namespace kernel {

// ---- words of the command line that main.cpp passes to subsystems
std::string_view policy_name();   ///< sched=, else "rr"
u64 quantum_ns();                 ///< quantum_ms= (1 to 1000), else 4 ms
u64 strace_level();                 ///< strace=, else 0
/// How many events each CPU's ring holds: more if trace= selects some.
size_t trace_ring_events();
void start_tracing();               ///< trace=: selects the events to record, in a larger ring

/// nopcid noinvpcid nox2apic: CPU features that must not be used.
void forgo_cpu_features();
/// loglevel=, panic= and a screen, so that even the earliest panic behaves as requested. Call first, after boot_info
/// is read.
void prepare_for_panic();
/// The first lines of the log: version, compiler, loader, command line, and warnings of unknown words.
void announce();
/// Creates the terminals that the `console=` words name.
void initialize_drivers();
/// `selftest`: runs the self-tests and ends the machine. Otherwise unpacks the initramfs, mounts /dev and /proc,
/// starts init, and ends the boot thread.
[[noreturn]] void start();

}
