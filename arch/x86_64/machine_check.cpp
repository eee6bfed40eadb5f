// SPDX-License-Identifier: MIT
// Reading, clearing and describing the machine-check banks. Takes no locks of its own, so a panic may call it.
#include "arch/x86_64/machine_check.h"

#include <algorithm>
#include <cpuid.h>

#include <arch/cpu.h>
#include <arch/io.h>
#include <base/log.h>

#include "arch/x86_64/segments.h"

namespace arch {

namespace {

constexpr u32 MSR_CAPABILITY = 0x179, MSR_CONTROL = 0x17b, MSR_FIRST_BANK = 0x400;   // control, status, address, miscellaneous
constexpr u64 has_control = 1 << 8, bank_count_mask = 0xff, everything = ~u64{0};
constexpr u64 status_valid = u64{1} << 63, status_overflow = u64{1} << 62, status_uncorrected = u64{1} << 61, status_has_miscellaneous = u64{1} << 59,
              status_has_address = u64{1} << 58, status_context_corrupt = u64{1} << 57;
constexpr u32 most_banks = 64;

u32 bank_count() {
    constexpr u32 architecture = 1 << 14;
    u32 a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(d & architecture)) return 0;
    return std::min<u32>(read_msr(MSR_CAPABILITY) & bank_count_mask, most_banks);
}

/// True: the bank held an error, which has been logged.
bool report_bank(u32 bank, base::LogLevel level) {
    u32 const registers = MSR_FIRST_BANK + 4 * bank;
    u64 const status = read_msr(registers + 1);
    if (!(status & status_valid)) return false;
    char text[200];
    base::BufferWriter out({text, sizeof text});
    describe_bank(out, bank, status, status & status_has_address ? read_msr(registers + 2) : 0,
                  status & status_has_miscellaneous ? read_msr(registers + 3) : 0);
    base::log(level, "machine check", "CPU {}: {}", current_cpu(), out.text());
    return true;
}

/// What a bank must not report is left out: bank 0 of old Intel CPUs, which the firmware owns, and AMD K8's GART
/// walks.
u64 control_of(u32 bank) {
    auto const& f = cpu_features;
    bool const is_intel = f.vendor[0] == 'G';
    if (is_intel && f.family == 6 && f.model < 0x1a && bank == 0) return 0;
    if (!is_intel && f.family == 15 && bank == 4) return everything & ~(u64{1} << 10);
    return everything;
}

}

void describe_bank(base::Writer& out, u32 bank, u64 status, u64 address, u64 miscellaneous) {
    base::format_to(out, "bank {}: {} error {:#06x}, model's code {:#06x}", bank, status & status_uncorrected ? "uncorrected" : "corrected", status & 0xffff,
                    status >> 16 & 0xffff);
    if (status & status_context_corrupt) out.write(", the CPU's state is lost");
    if (status & status_overflow) out.write(", others before it are lost");
    if (status & status_has_address) base::format_to(out, ", address {:#x}", address);
    if (status & status_has_miscellaneous) base::format_to(out, ", miscellaneous {:#x}", miscellaneous);
    base::format_to(out, " (status {:#018x})", status);
}

void machine_check_start_here() {
    u32 const banks = bank_count();
    if (banks == 0) return;
    if (read_msr(MSR_CAPABILITY) & has_control) write_msr(MSR_CONTROL, everything);
    for (u32 bank = 0; bank < banks; ++bank) {
        report_bank(bank, base::LogLevel::Warning);
        if (u64 const control = control_of(bank)) write_msr(MSR_FIRST_BANK + 4 * bank, control);
        write_msr(MSR_FIRST_BANK + 4 * bank + 1, 0);
    }
}

void machine_check_report() {
    u32 said = 0;
    for (u32 bank = 0, banks = bank_count(); bank < banks; ++bank) said += report_bank(bank, base::LogLevel::Emergency);
    if (said == 0) base::log(base::LogLevel::Emergency, "machine check", "CPU {}: no bank holds an error", current_cpu());
}

}
