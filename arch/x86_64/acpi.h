// SPDX-License-Identifier: MIT
// What arch reads from the ACPI tables (ACPI specification 6.4, 5.2), decoded once into plain structures.
// Invariant: every table is mapped through upcalls::map_mmio and its length and sum are checked; a corrupt one counts
// as absent.
#pragma once

#include <span>

#include <base/types.h>

namespace arch::acpi {

inline constexpr size_t max_io_apics = 8, isa_line_count = 16, max_iommus = 16, max_nmi_inputs = 32;

/// A generic address structure (5.2.3.2), reduced to what the kernel uses.
struct Register {
    enum class Space : u8 { Memory = 0, Port = 1, None = 255 };
    Space space = Space::None;
    u64 address = 0;
    void volatile* window = nullptr;   ///< mapped, for Memory
    explicit operator bool() const { return space != Space::None && address != 0; }
};

/// Interrupt routing (5.2.12).
struct InterruptModel {
    struct IoApic { PhysAddr address; u32 first_interrupt; };
    struct Line { u32 interrupt = 0; bool low_active = false, level = false; };
    bool present = false;
    PhysAddr local_apic{0xfee00000};
    u32 cpus = 0;                      ///< enabled ones, up to max_cpus
    u32 apic_ids[max_cpus] = {};       ///< theirs; the boot CPU's first, after put_first()
    u32 uids[max_cpus] = {};           ///< the firmware's numbers for them
    struct NmiInput { u32 uid; bool all; u8 pin; bool low_active; };
    NmiInput nmi_inputs[max_nmi_inputs] = {};   ///< pins of local APICs (LINT0, LINT1) that receive NMIs
    u32 nmi_input_count = 0;
    IoApic io_apics[max_io_apics] = {};
    u32 io_apic_count = 0;
    Line lines[isa_line_count] = {};   ///< of ISA line n, with overrides applied
};

/// Fixed hardware (5.2.9).
struct FixedHardware {
    bool present = false;
    Register power_control_a, power_control_b;   ///< PM1a_CNT, PM1b_CNT
    Register sleep_control, reset;
    Register timer;                    ///< 3.579545 MHz
    bool timer_is_32_bit = false;
    u16 smi_port = 0;
    u8 enable_command = 0, reset_value = 0, century_index = 0;
    bool has_sleep_type = false;       ///< \_S5_ was found in the DSDT or an SSDT
    u8 sleep_type_a = 0, sleep_type_b = 0;
};

/// Where PCI configuration space lies in memory (MCFG; PCI Firmware Specification 3.3, 4.1.2); segment 0.
struct PciConfiguration {
    PhysAddr address;                  ///< of bus 0, even if that bus is not covered itself
    u8 first_bus = 0, last_bus = 0;
    bool present = false;
};

/// A DMA remapping unit's registers (DMAR or IVRS).
struct Iommu {
    PhysAddr address;
    bool is_intel = false;
};

extern constinit InterruptModel interrupt_model;
extern constinit FixedHardware fixed_hardware;
extern constinit PciConfiguration pci_configuration;
extern constinit PhysAddr hpet_address;   ///< null: there is none

extern constinit Iommu iommus[max_iommus];
extern constinit u32 iommu_count;

/// Whether the MADT connects pin 0 or 1 of the local APIC with that id to an NMI. `known`: the MADT mentions NMIs at
/// all.
struct NmiPin { bool connected = false, low_active = false, known = false; };
NmiPin nmi_pin(u32 apic_id, u8 pin);

/// Moves the boot CPU to the first place among apic_ids.
void put_first(u32 apic_id);

/// Reads all tables; without a usable RSDP everything above stays "absent".
void initialize();

u32 read(Register const& from, u8 bytes);
void write(Register const& to, u32 value, u8 bytes);

// Decoders of single tables; each receives a whole, checked table. Defined in acpi_*.cpp.
void read_madt(std::span<u8 const> table);
void read_fadt(std::span<u8 const> table);
void read_dsdt(std::span<u8 const> table);   ///< or an SSDT
void read_mcfg(std::span<u8 const> table);
void read_dmar(std::span<u8 const> table);
void read_ivrs(std::span<u8 const> table);

/// A little-endian T at `offset`, or 0 past the table's end.
template <class T>
T field(std::span<u8 const> table, size_t offset) {
    T value{};
    if (offset + sizeof(T) > table.size()) return value;
    __builtin_memcpy(&value, table.data() + offset, sizeof value);
    return value;
}

}
