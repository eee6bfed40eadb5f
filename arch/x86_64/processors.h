// SPDX-License-Identifier: MIT
// Inside arch: the messages between CPUs.
#pragma once

#include <base/types.h>

namespace arch {

/// Interrupts another online CPU. Any context.
void send_interrupt(CpuId cpu, u8 vector);
/// Sends an NMI to every other online CPU.
void interrupt_other_cpus_unmasked();
/// Called on the CPU that first loads the kernel's tables, and on each CPU that starts later.
void enable_pcids();

/// The handler of vector_tlb. Interrupts and preemption off.
void tlb_interrupt();

/// Records the boot CPU's APIC id, once its own APIC is on.
void note_boot_processor();

}
