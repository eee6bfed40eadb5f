// SPDX-License-Identifier: MIT
// Switches Intel's and AMD's IOMMUs off: clears each enable bit and waits, at most 10 ms, until the unit confirms it.
#include "arch/x86_64/iommu.h"

#include <arch/io.h>
#include <arch/paging.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <base/log.h>

#include "arch/x86_64/acpi.h"

namespace arch {

namespace {

constexpr u32 intel_command = 0x18, intel_status = 0x1c, intel_protected = 0x64;
constexpr u32 translation = 1u << 31, interrupt_remapping = 1u << 25, one_shot_bits = 0x69000000;   // of status, what a command does not repeat
constexpr u32 protection_on = 1u << 31, protection_status = 1;
constexpr u32 amd_control = 0x18, amd_control_on = 1;
constexpr int patience = 1000;   // steps of 10 us

bool wait_for_zero(u8* at, u32 mask) {
    for (int i = 0; i < patience; ++i, delay_us(10))
        if (!(mmio_read<u32>(at) & mask)) return true;
    return false;
}

/// False: the unit still translates.
bool intel_off(u8* registers) {
    for (u32 const bit : {translation, interrupt_remapping}) {
        u32 const status = mmio_read<u32>(registers + intel_status);
        if (!(status & bit)) continue;
        mmio_write<u32>(registers + intel_command, status & ~one_shot_bits & ~bit);
        if (!wait_for_zero(registers + intel_status, bit)) return false;
    }
    if (mmio_read<u32>(registers + intel_protected) & protection_status) {
        mmio_write<u32>(registers + intel_protected, mmio_read<u32>(registers + intel_protected) & ~protection_on);
        return wait_for_zero(registers + intel_protected, protection_status);
    }
    return true;
}

bool intel_is_on(u8* registers) {
    return (mmio_read<u32>(registers + intel_status) & (translation | interrupt_remapping)) || (mmio_read<u32>(registers + intel_protected) & protection_status);
}

}

void switch_iommus_off() {
    for (u32 i = 0; i < acpi::iommu_count; ++i) {
        auto const& iommu = acpi::iommus[i];
        auto* const registers = static_cast<u8*>(upcalls::map_mmio(iommu.address, page_size, CacheMode::Uncached));
        if (!registers) continue;
        bool const is_on = iommu.is_intel ? intel_is_on(registers) : mmio_read<u32>(registers + amd_control) & amd_control_on;
        if (!is_on) continue;
        if (!iommu.is_intel) mmio_write<u32>(registers + amd_control, mmio_read<u32>(registers + amd_control) & ~amd_control_on);
        bool const is_off = iommu.is_intel ? intel_off(registers) : wait_for_zero(registers + amd_control, amd_control_on);
        if (is_off) log_info("iommu", "the one at {}, which the firmware left on, is off", iommu.address);
        else log_warning("iommu", "the one at {} cannot be switched off: devices may fail", iommu.address);
    }
}

}
