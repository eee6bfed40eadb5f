// SPDX-License-Identifier: MIT
// Decoders of the MADT, MCFG, DMAR, IVRS and FADT, and of the one DSDT object that powering off needs. There is no
// AML interpreter: \_S5_ is found by its byte pattern, as a package of constants (ACPI specification 6.4, 7.4.2 and
// 20.2), and accepted only if all of it fits.
#include "arch/x86_64/acpi.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <arch/paging.h>
#include <arch/upcalls.h>

namespace arch::acpi {

namespace {

// ---------------------------------------------------------------- MADT (5.2.12)

constexpr u8 madt_local_apic = 0, madt_io_apic = 1, madt_override = 2, madt_local_apic_nmi = 4, madt_local_apic_address = 5, madt_local_x2apic = 9,
             madt_local_x2apic_nmi = 10;

void add_io_apic(std::span<u8 const> entry) {
    auto& model = interrupt_model;
    if (model.io_apic_count == max_io_apics) return;
    model.io_apics[model.io_apic_count++] = {PhysAddr(field<u32>(entry, 4)), field<u32>(entry, 8)};
}

/// The defaults of the ISA bus are edge-triggered and active high (5.2.12.5, flags 00).
void apply_override(std::span<u8 const> entry) {
    u8 const line = field<u8>(entry, 3);
    if (line >= isa_line_count) return;
    u16 const flags = field<u16>(entry, 8);
    interrupt_model.lines[line] = {field<u32>(entry, 4), (flags & 3) == 3, (flags >> 2 & 3) == 3};
}

/// A CPU may be listed with both kinds of id. CPUs that could only be plugged in later are not started.
void add_processor(u32 apic_id, u32 uid, u32 flags) {
    constexpr u32 enabled = 1;
    auto& model = interrupt_model;
    auto* const end = model.apic_ids + model.cpus;
    if (!(flags & enabled) || model.cpus == max_cpus || std::find(model.apic_ids, end, apic_id) != end) return;
    model.uids[model.cpus] = uid;
    model.apic_ids[model.cpus++] = apic_id;
}

/// 5.2.12.7; `everybody`: the uid that means all processors.
void add_nmi_input(u32 uid, u32 everybody, u16 flags, u8 pin) {
    auto& model = interrupt_model;
    if (pin > 1 || model.nmi_input_count == max_nmi_inputs) return;
    model.nmi_inputs[model.nmi_input_count++] = {uid, uid == everybody, pin, (flags & 3) == 3};
}

void read_madt_entry(std::span<u8 const> entry) {
    switch (entry[0]) {
    case madt_local_apic: add_processor(field<u8>(entry, 3), field<u8>(entry, 2), field<u32>(entry, 4)); break;
    case madt_local_x2apic: add_processor(field<u32>(entry, 4), field<u32>(entry, 12), field<u32>(entry, 8)); break;
    case madt_local_apic_nmi: add_nmi_input(field<u8>(entry, 2), 0xff, field<u16>(entry, 3), field<u8>(entry, 5)); break;
    case madt_local_x2apic_nmi: add_nmi_input(field<u32>(entry, 4), ~0u, field<u16>(entry, 2), field<u8>(entry, 8)); break;
    case madt_io_apic: add_io_apic(entry); break;
    case madt_override: apply_override(entry); break;
    case madt_local_apic_address: interrupt_model.local_apic = PhysAddr(field<u64>(entry, 4)); break;
    }
}

// ---------------------------------------------------------------- FADT (5.2.9)

Register map_register(Register r, u64 size) {
    if (r.space == Register::Space::Memory && r.address) r.window = upcalls::map_mmio(PhysAddr(r.address), size, CacheMode::Uncached);
    if (r.space == Register::Space::Memory && !r.window) return {};
    if (r.space == Register::Space::Port && r.address > 0xffff) return {};
    return r;
}

/// The extended register at `extended_offset` if it is given, else the old port.
Register read_register(std::span<u8 const> table, size_t extended_offset, size_t port_offset) {
    u8 const space = field<u8>(table, extended_offset);
    u64 const address = field<u64>(table, extended_offset + 4);
    if (address != 0 && space <= 1) return map_register({static_cast<Register::Space>(space), address, nullptr}, 4);
    u32 const port = port_offset ? field<u32>(table, port_offset) : 0;
    if (port == 0) return {};
    return map_register({Register::Space::Port, port, nullptr}, 4);
}

// ---------------------------------------------------------------- DSDT

constexpr u8 aml_zero = 0, aml_one = 1, aml_name = 8, aml_byte = 0x0a, aml_word = 0x0b, aml_root = '\\', aml_package = 0x12;

/// Reads the constant at `position`, and moves `position` past it.
std::optional<u8> read_constant(std::span<u8 const> aml, size_t& position) {
    u8 const code = field<u8>(aml, position);
    if (position >= aml.size()) return std::nullopt;
    if (code == aml_zero || code == aml_one) return ++position, code;
    size_t const width = code == aml_byte ? 1 : code == aml_word ? 2 : 0;
    if (width == 0 || position + 1 + width > aml.size()) return std::nullopt;
    u8 const value = aml[position + 1];
    position += 1 + width;
    return value;
}

/// Reads the package after the name `_S5_` at `position`: its first two constants are the sleep types.
bool read_sleep_package(std::span<u8 const> aml, size_t position) {
    if (field<u8>(aml, position) != aml_package) return false;
    size_t const length_bytes = 1 + (field<u8>(aml, position + 1) >> 6);   // 20.2.4
    position += 1 + length_bytes;
    u8 const elements = field<u8>(aml, position++);
    if (elements < 1) return false;
    auto const a = read_constant(aml, position);
    auto const b = elements > 1 ? read_constant(aml, position) : a;
    if (!a || !b || *a > 7 || *b > 7) return false;
    fixed_hardware.sleep_type_a = *a, fixed_hardware.sleep_type_b = *b;
    return fixed_hardware.has_sleep_type = true;
}

}

void put_first(u32 apic_id) {
    auto& model = interrupt_model;
    for (u32 i = 0; i < model.cpus; ++i)
        if (model.apic_ids[i] == apic_id) std::swap(model.apic_ids[i], model.apic_ids[0]), std::swap(model.uids[i], model.uids[0]);
}

NmiPin nmi_pin(u32 apic_id, u8 pin) {
    auto const& model = interrupt_model;
    NmiPin found{.known = model.nmi_input_count != 0};
    auto const* const id = std::find(model.apic_ids, model.apic_ids + model.cpus, apic_id);
    bool const has_uid = id != model.apic_ids + model.cpus;
    for (u32 i = 0; i < model.nmi_input_count; ++i) {
        auto const& input = model.nmi_inputs[i];
        if (input.pin != pin || (!input.all && !(has_uid && model.uids[id - model.apic_ids] == input.uid))) continue;
        found.connected = true, found.low_active = input.low_active;
    }
    return found;
}

namespace {

void add_iommu(u64 address, bool is_intel) {
    if (iommu_count == max_iommus || address == 0 || !is_aligned(address, page_size)) return;
    for (u32 i = 0; i < iommu_count; ++i)
        if (iommus[i].address == PhysAddr(address)) return;   // IVRS describes one in several blocks
    iommus[iommu_count++] = {PhysAddr(address), is_intel};
}

}

/// VT-d specification, 8.3: remapping units are structures of type 0.
void read_dmar(std::span<u8 const> table) {
    constexpr size_t first_structure = 48;
    for (size_t offset = first_structure; offset + 4 <= table.size();) {
        u16 const type = field<u16>(table, offset), length = field<u16>(table, offset + 2);
        if (length < 4 || length > table.size() - offset) return;
        if (type == 0 && length >= 16) add_iommu(field<u64>(table, offset + 8), true);
        offset += length;
    }
}

/// AMD 48882, 5.2: blocks of types 10h, 11h and 40h describe an IOMMU.
void read_ivrs(std::span<u8 const> table) {
    constexpr size_t first_block = 48;
    for (size_t offset = first_block; offset + 4 <= table.size();) {
        u8 const type = field<u8>(table, offset);
        u16 const length = field<u16>(table, offset + 2);
        if (length < 4 || length > table.size() - offset) return;
        if ((type == 0x10 || type == 0x11 || type == 0x40) && length >= 16) add_iommu(field<u64>(table, offset + 8), false);
        offset += length;
    }
}

void read_madt(std::span<u8 const> table) {
    constexpr size_t first_entry = 44;
    interrupt_model.present = true;
    interrupt_model.local_apic = PhysAddr(field<u32>(table, 36));
    for (size_t offset = first_entry; offset + 2 <= table.size();) {
        u8 const length = table[offset + 1];
        if (length < 2 || length > table.size() - offset) return;
        read_madt_entry(table.subspan(offset, length));
        offset += length;
    }
}

void read_mcfg(std::span<u8 const> table) {
    constexpr size_t first_entry = 44, entry_size = 16;
    for (size_t offset = first_entry; offset + entry_size <= table.size(); offset += entry_size) {
        u8 const first = field<u8>(table, offset + 10), last = field<u8>(table, offset + 11);
        u64 const address = field<u64>(table, offset);
        if (field<u16>(table, offset + 8) != 0 || first > last || address == 0 || !is_aligned(address, mib)) continue;
        pci_configuration = {PhysAddr(address), first, last, true};
        return;
    }
}

void read_fadt(std::span<u8 const> table) {
    constexpr u32 flag_timer_32 = 1 << 8, flag_reset = 1 << 10, flag_reduced = 1 << 20;
    auto& fixed = fixed_hardware;
    u32 const flags = field<u32>(table, 112);
    fixed.present = true;
    fixed.smi_port = static_cast<u16>(field<u32>(table, 48));
    fixed.enable_command = field<u8>(table, 52);
    fixed.century_index = field<u8>(table, 108);
    if (flags & flag_reset) {
        fixed.reset = read_register(table, 116, 0);
        fixed.reset_value = field<u8>(table, 128);
    }
    if (flags & flag_reduced) {
        fixed.sleep_control = read_register(table, 244, 0);
        return;
    }
    fixed.power_control_a = read_register(table, 172, 64);
    fixed.power_control_b = read_register(table, 184, 68);
    fixed.timer = read_register(table, 208, 76);
    fixed.timer_is_32_bit = flags & flag_timer_32;
}

void read_dsdt(std::span<u8 const> table) {
    for (size_t i = 2; i + 4 < table.size(); ++i) {
        if (std::memcmp(table.data() + i, "_S5_", 4) != 0) continue;
        bool const is_name = table[i - 1] == aml_name || (table[i - 1] == aml_root && table[i - 2] == aml_name);
        if (is_name && read_sleep_package(table, i + 4)) return;
    }
}

}
