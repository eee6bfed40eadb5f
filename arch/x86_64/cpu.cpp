// SPDX-License-Identifier: MIT
// CPU features and the control registers of one CPU. Invariant: every CR4 bit depends on its CPUID bit, because
// setting an unsupported one faults, or hangs QEMU. Intel SDM vol. 3, 2.5 and 10.
#include <arch/cpu.h>

#include <cpuid.h>
#include <cstring>

#include <arch/image.h>
#include <arch/interrupts.h>
#include <base/panic.h>

#include "arch/x86_64/alarm.h"
#include "arch/x86_64/errata.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/machine_check.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/user_access.h"

namespace arch {

void load_interrupt_gates();

constinit CpuFeatures cpu_features{};

namespace {

struct CpuidLeaf {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidLeaf cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidLeaf r;
    u32 const highest = __get_cpuid_max(leaf & 0x80000000, nullptr);
    if (leaf <= highest) __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
}

bool bit(u32 word, unsigned number) { return word >> number & 1; }

void read_identity(CpuFeatures& f) {
    CpuidLeaf const zero = cpuid(0);
    std::memcpy(f.vendor, &zero.ebx, 4);
    std::memcpy(f.vendor + 4, &zero.edx, 4);
    std::memcpy(f.vendor + 8, &zero.ecx, 4);
    for (u32 i = 0; i < 3; ++i) {
        CpuidLeaf const part = cpuid(0x80000002 + i);
        std::memcpy(f.brand + 16 * i, &part, 16);
    }
    u32 const signature = cpuid(1).eax;
    f.stepping = signature & 15;
    f.model = (signature >> 4 & 15);
    f.family = (signature >> 8 & 15);
    if (f.family == 6 || f.family == 15) f.model |= signature >> 12 & 0xf0;
    if (f.family == 15) f.family += signature >> 20 & 0xff;
}

void read_basic(CpuFeatures& f) {
    CpuidLeaf const one = cpuid(1), seven = cpuid(7), xsave = cpuid(0xd, 1);
    f.apic = bit(one.edx, 9), f.pge = bit(one.edx, 13), f.pat = bit(one.edx, 16);
    f.mwait = bit(one.ecx, 3), f.pcid = bit(one.ecx, 17), f.x2apic = bit(one.ecx, 21), f.tsc_deadline = bit(one.ecx, 24);
    f.xsave = bit(one.ecx, 26), f.rdrand = bit(one.ecx, 30), f.hypervisor = bit(one.ecx, 31);
    f.avx = f.xsave && bit(one.ecx, 28);
    f.fsgsbase = bit(seven.ebx, 0), f.smep = bit(seven.ebx, 7), f.erms = bit(seven.ebx, 9), f.invpcid = bit(seven.ebx, 10);
    f.avx512 = f.avx && bit(seven.ebx, 16);
    f.rdseed = bit(seven.ebx, 18), f.smap = bit(seven.ebx, 20), f.umip = bit(seven.ecx, 2), f.fsrm = bit(seven.edx, 4);
    f.xsaveopt = f.xsave && bit(xsave.eax, 0);
}

void read_extended(CpuFeatures& f) {
    CpuidLeaf const one = cpuid(0x80000001), power = cpuid(0x80000007), sizes = cpuid(0x80000008);
    f.syscall = bit(one.edx, 11), f.nx = bit(one.edx, 20), f.gigabyte_pages = bit(one.edx, 26), f.rdtscp = bit(one.edx, 27);
    f.invariant_tsc = bit(power.edx, 8);
    if (!f.pcid || !f.pge) f.pcid = f.invpcid = false;   // each is used only together with the others
    f.physical_bits = sizes.eax ? static_cast<u8>(sizes.eax) : 36;
    f.virtual_bits = sizes.eax ? static_cast<u8>(sizes.eax >> 8) : 48;
}

void read_features() {
    read_identity(cpu_features);
    read_basic(cpu_features);
    read_extended(cpu_features);
    if (!cpu_features.syscall) panic("this CPU has no SYSCALL instruction");
}

void set_control_registers() {
    constexpr u64 write_protect = 1 << 16, alignment_mask = 1 << 18, cache_off = 3u << 29;
    u64 cr0, cr4;
    asm volatile("movq %%cr0, %0" : "=r"(cr0));
    asm volatile("movq %0, %%cr0" : : "r"((cr0 | write_protect | alignment_mask) & ~cache_off));
    CpuFeatures const& f = cpu_features;
    asm volatile("movq %%cr4, %0" : "=r"(cr4));
    cr4 |= 1 << 9 | 1 << 10;                         // OSFXSR, OSXMMEXCPT
    cr4 |= u64{f.pge} << 7 | u64{f.umip} << 11 | u64{f.fsgsbase} << 16 | u64{f.xsave} << 18 | u64{f.smep} << 20 | u64{f.smap} << 21;
    cr4 |= u64{bit(cpuid(1).edx, 7)} << 6;           // MCE: without it a machine check is a silent reset
    asm volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
    if (f.nx) write_msr(MSR_EFER, read_msr(MSR_EFER) | 1 << 11);
    if (f.pat) write_msr(MSR_PAT, 0x0007040600070106);   // entry 1: write combining
}

/// Only without a hypervisor, which decides for itself (and may not know the register).
void leave_c1e() {
    constexpr u32 MSR_INTERRUPT_PENDING = 0xc0010055;
    auto const& f = cpu_features;
    if (f.hypervisor || !may_have_c1e(f.vendor[0] == 'A', f.family)) return;
    if (u64 const value = read_msr(MSR_INTERRUPT_PENDING); value & c1e_bits) write_msr(MSR_INTERRUPT_PENDING, value & ~c1e_bits);
}

constinit InterruptStacks boot_interrupt_stacks{};

}

constinit u64 per_cpu_offsets[max_cpus] = {};
PER_CPU PerCpu<u32> cpu_number;
PER_CPU PerCpu<u32> preempt_word{preempt_not_needed};

void initialize_cpu_early(CpuId cpu) {
    if (cpu.value == 0) start_counting_time();
    per_cpu_offsets[cpu.value] = read_msr(MSR_GS_BASE_NUMBER);
    cpu_number.write(cpu.value);
    if (cpu.value == 0) {
        read_features();
        if (cpu_features.smap) patch_smap_sites();
    }
    set_control_registers();
    fpu_enable();
    load_segments(cpu, cpu.value == 0 ? boot_interrupt_stacks : interrupt_stacks_of_started(cpu));
    load_interrupt_gates();
    load_system_call_registers();
    machine_check_start_here();
    leave_c1e();
}

void forgo_feature(std::string_view name) {
    if (name == "invpcid" || name == "pcid") cpu_features.invpcid = false;
    if (name == "pcid") cpu_features.pcid = false;
    if (name == "x2apic") cpu_features.x2apic = false;
}

bool hardware_random(u64& out) {
    if (!cpu_features.rdrand) return false;
    for (int tries = 0; tries < 10; ++tries) {   // Intel SDM vol. 1, 7.3.17.1
        u8 ok;
        asm volatile("rdrand %0; setc %1" : "=r"(out), "=qm"(ok) : : "cc");
        if (ok) return true;
    }
    return false;
}

// One REP string instruction a page: the fast form on every CPU, and 512 steps instead of 4096 under TCG.
void clear_page(void* page) {
    u64 count = page_size / 8;
    asm volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0) : "memory");
}

void copy_page(void* to, void const* from) {
    u64 count = page_size / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

}
