// SPDX-License-Identifier: MIT
// Inside arch: what the CPUs say to each other.
#pragma once

#include <base/types.h>

namespace arch {

/// Interrupts another CPU that runs. Any context.
void send_interrupt(CpuId cpu, u8 vector);
/// An NMI to every other CPU that runs.
void interrupt_other_cpus_unmasked();
/// On the CPU that loads the kernel's tables first, and on each that starts later.
void enable_pcids();

/// The handler of vector_tlb. Interrupts and preemption off.
void tlb_interrupt();

/// The boot CPU's number among the APIC ids, once its own APIC is on.
void note_boot_processor();

}
