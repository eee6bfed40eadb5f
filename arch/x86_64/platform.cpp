// SPDX-License-Identifier: MIT
// Sets up what needs the kernel's own page tables: ACPI, interrupt controllers, clock, alarm, in order of dependence;
// and writes /proc/cpuinfo.
#include <arch/cpu.h>

#include <arch/per_cpu.h>
#include <arch/time.h>
#include <base/format.h>
#include <base/log.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/alarm.h"
#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/iommu.h"

namespace arch {

namespace {

struct NamedFeature {
    char const* name;
    bool CpuFeatures::* present;
};

/// Linux's names, in the order of its /proc/cpuinfo.
constexpr NamedFeature named_features[] = {
    {"apic", &CpuFeatures::apic}, {"pge", &CpuFeatures::pge}, {"pat", &CpuFeatures::pat}, {"syscall", &CpuFeatures::syscall},
    {"nx", &CpuFeatures::nx}, {"pdpe1gb", &CpuFeatures::gigabyte_pages}, {"rdtscp", &CpuFeatures::rdtscp},
    {"constant_tsc", &CpuFeatures::invariant_tsc}, {"nonstop_tsc", &CpuFeatures::invariant_tsc}, {"monitor", &CpuFeatures::mwait},
    {"pcid", &CpuFeatures::pcid}, {"x2apic", &CpuFeatures::x2apic}, {"tsc_deadline_timer", &CpuFeatures::tsc_deadline},
    {"xsave", &CpuFeatures::xsave}, {"avx", &CpuFeatures::avx}, {"rdrand", &CpuFeatures::rdrand},
    {"hypervisor", &CpuFeatures::hypervisor}, {"fsgsbase", &CpuFeatures::fsgsbase}, {"smep", &CpuFeatures::smep},
    {"erms", &CpuFeatures::erms}, {"invpcid", &CpuFeatures::invpcid}, {"avx512f", &CpuFeatures::avx512},
    {"rdseed", &CpuFeatures::rdseed}, {"smap", &CpuFeatures::smap}, {"xsaveopt", &CpuFeatures::xsaveopt},
    {"umip", &CpuFeatures::umip}, {"fsrm", &CpuFeatures::fsrm},
};

/// What long mode implies or boot.asm requires.
constexpr char const* base_features = "fpu tsc msr pae cx8 cmov fxsr sse sse2 lm";

void write_features(base::Writer& out) {
    out.write(base_features);
    for (auto const& feature : named_features)
        if (cpu_features.*feature.present) base::format_to(out, " {}", feature.name);
}

/// Breaks the words into lines so short that no screen wraps one.
void log_in_lines(std::string_view words) {
    constexpr size_t most = 58;   // plus the time stamp and "cpu: "
    while (words.size() > most) {
        size_t const end = words.rfind(' ', most);
        if (end == words.npos) break;
        log_info("cpu", "{}", words.substr(0, end));
        words.remove_prefix(end + 1);
    }
    log_info("cpu", "{}", words);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return text;
}

}

void initialize_platform() {
    char text[320];
    base::BufferWriter features({text, sizeof text - 1});
    write_features(features);
    log_info("cpu", "{} ({}) family {} model {} stepping {}", cpu_features.vendor, trimmed(cpu_features.brand), cpu_features.family,
             cpu_features.model, cpu_features.stepping);
    log_in_lines(features.text());
    acpi::initialize();
    initialize_interrupts();
    initialize_alarm(initialize_clock());
    switch_iommus_off();   // it may have to wait
}

void write_cpuinfo(base::Writer& out) {
    auto const& f = cpu_features;
    for (u32 cpu = 0; cpu < online_cpus(); ++cpu) {
        base::format_to(out, "processor\t: {}\nvendor_id\t: {}\ncpu family\t: {}\nmodel\t\t: {}\n", cpu, f.vendor, f.family, f.model);
        base::format_to(out, "model name\t: {}\nstepping\t: {}\n", trimmed(f.brand), f.stepping);
        base::format_to(out, "cpu MHz\t\t: {}.{:03}\n", tsc_hz() / 1'000'000, tsc_hz() / 1000 % 1000);
        base::format_to(out, "fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\nflags\t\t: ");
        write_features(out);
        base::format_to(out, "\naddress sizes\t: {} bits physical, {} bits virtual\n\n", f.physical_bits, f.virtual_bits);
    }
}

}
