// SPDX-License-Identifier: MIT
// What this CPU can do, and how it waits. Features are read once at boot.
#pragma once

#include <string_view>

#include <base/latency.h>
#include <base/types.h>

namespace base { class Writer; }

namespace arch {

struct CpuFeatures {
    bool nx, pge, pat, gigabyte_pages, syscall, smep, smap, umip, fsgsbase, rdtscp;
    bool xsave, xsaveopt, avx, avx512, rdrand, rdseed, apic, x2apic, tsc_deadline, invariant_tsc, hypervisor;
    bool pcid, invpcid, erms, fsrm, mwait;
    u8 physical_bits, virtual_bits;
    char vendor[13];
    char brand[49];
    u32 family, model, stepping;
};
extern constinit CpuFeatures cpu_features;

inline void relax() { asm volatile("pause" : : : "memory"); }
/// Enables interrupts and waits for one, with no gap in which one could be lost.
inline void wait_for_interrupt() {
    base::note_interrupts_on();
    asm volatile("sti; hlt" : : : "memory");
}
[[noreturn]] inline void halt_for_ever() { for (;;) asm volatile("cli; hlt"); }

inline u64 read_tsc() { u32 lo, hi; asm volatile("rdtsc" : "=a"(lo), "=d"(hi)); return u64{hi} << 32 | lo; }

/// Reads CPUID, enables NX WP SMEP SMAP UMIP PGE FSGSBASE XSAVE if present, and loads this CPU's GDT, TSS, IDT and
/// SYSCALL registers. The first call on each CPU, except the boot CPU, which reads boot_info first.
void initialize_cpu_early(CpuId cpu);

/// Stops using a feature: pcid, invpcid or x2apic. Call before the kernel's own page tables and the platform are set
/// up.
void forgo_feature(std::string_view name);

/// Sets up ACPI tables, interrupt controllers and clocks. Call after the kernel's own page tables are loaded.
void initialize_platform();

/// Random bits from the CPU (RDRAND); false if it has no such source.
bool hardware_random(u64& out);

/// Writes /proc/cpuinfo in Linux's form.
void write_cpuinfo(base::Writer& out);

/// Clears / copies one page (4 KiB, aligned) through the direct map, as fast as this CPU can.
void clear_page(void* page);
void copy_page(void* to, void const* from);

}
