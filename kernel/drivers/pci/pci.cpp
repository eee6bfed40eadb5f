// SPDX-License-Identifier: MIT
// Finds every PCI function, also behind bridges, gives each to its driver, and quiets those without one. The walk visits a bus once,
// so that it ends whatever the bridges say. PCI Local Bus Specification 3.0.
#include "kernel/drivers/pci/pci.h"

#include <arch/paging.h>
#include <base/log.h>

#include "kernel/drivers/pci/pci_quirks.h"

namespace drivers::pci {

namespace {

constexpr u16 reg_id = 0x00, reg_command = 0x04, reg_status = 0x06, reg_class = 0x08, reg_header_type = 0x0e, reg_first_bar = 0x10,
              reg_secondary_bus = 0x19, reg_capabilities = 0x34;
constexpr u16 command_ports = 1, command_memory = 2, command_master = 4, command_no_line = 0x400, status_has_capabilities = 0x10;
constexpr u8 header_of_bridge = 1, header_mask = 0x7f, many_functions = 0x80;
constexpr u8 device_bars = 6, devices_per_bus = 32, functions_per_device = 8, max_depth = 32;
constexpr u32 bar_ports = 1, bar_64 = 4, bar_type_mask = 6;
constexpr u16 nobody = 0xffff;
constexpr unsigned longest_capability_list = 48;   // that many fit behind the header

/// The state of a walk; the firmware has numbered the buses.
struct Walk {
    std::span<Driver const> drivers;
    bool seen[256] = {};     ///< bridges with wrong bus numbers must not lead in circles
    u32 functions = 0, buses = 0;
};

void offer(Walk& walk, Function const& function) {
    auto const at = function.address();
    ++walk.functions;
    log_debug("pci", "{:02x}:{:02x}.{}: {:04x}:{:04x}, class {:06x}", at.bus, at.device, at.function, function.vendor(), function.device(),
              function.device_class());
    for (Driver const& driver : walk.drivers) {
        if ((function.device_class() & driver.class_mask) != driver.device_class) continue;
        if (auto const attached = driver.attach(function); !attached)
            log_warning("pci", "{:02x}:{:02x}.{}: {} could not be started (error {})", at.bus, at.device, at.function, driver.name,
                        attached.error().value);
        return;
    }
    if (may_be_quieted(function.device_class())) function.disable();
}

void visit_bus(Walk& walk, u8 bus, unsigned depth);

/// False: there is no such function.
bool visit_function(Walk& walk, arch::PciAddress at, unsigned depth) {
    u32 const id = arch::pci_read(at, reg_id, 4);
    if (static_cast<u16>(id) == nobody) return false;
    Function const function(at, static_cast<u16>(id), static_cast<u16>(id >> 16), arch::pci_read(at, reg_class, 4) >> 8);
    offer(walk, function);
    if ((function.read8(reg_header_type) & header_mask) == header_of_bridge) visit_bus(walk, function.read8(reg_secondary_bus), depth + 1);
    return true;
}

void visit_bus(Walk& walk, u8 bus, unsigned depth) {
    if (walk.seen[bus] || depth > max_depth) return;
    walk.seen[bus] = true;
    ++walk.buses;
    for (u8 device = 0; device < devices_per_bus; ++device) {
        if (!visit_function(walk, {bus, device, 0}, depth)) continue;
        if (!(arch::pci_read({bus, device, 0}, reg_header_type, 1) & many_functions)) continue;
        for (u8 function = 1; function < functions_per_device; ++function) visit_function(walk, {bus, device, function}, depth);
    }
}

/// A host bridge with several functions has one bus for each of them.
void visit_all(Walk& walk) {
    visit_bus(walk, 0, 0);
    if (!(arch::pci_read({}, reg_header_type, 1) & many_functions)) return;
    for (u8 bus = 1; bus < functions_per_device; ++bus)
        if (static_cast<u16>(arch::pci_read({0, 0, bus}, reg_id, 2)) != nobody) visit_bus(walk, bus, 0);
}

}

u16 Function::find_capability(u8 id) const {
    if (!(read16(reg_status) & status_has_capabilities)) return 0;
    u8 at = read8(reg_capabilities) & 0xfc;
    for (unsigned i = 0; i < longest_capability_list && at >= 0x40; ++i) {
        if (read8(at) == id) return at;
        at = read8(static_cast<u16>(at + 1)) & 0xfc;
    }
    return 0;
}

/// The writable bits give the size; while they hold ones, the function must not answer at the address that they make.
Result<Bar> Function::memory_bar(u8 index) const {
    u16 const offset = static_cast<u16>(reg_first_bar + 4 * index);
    u32 const low = index < device_bars ? read32(offset) : bar_ports;
    bool const is_64 = (low & bar_type_mask) == bar_64;
    if ((low & bar_ports) || (is_64 && index + 1 == device_bars)) return fail(ENXIO);
    u16 const high_offset = static_cast<u16>(offset + 4), command = read16(reg_command);
    u32 const high = is_64 ? read32(high_offset) : 0;
    write16(reg_command, static_cast<u16>(command & ~(command_memory | command_ports)));
    write32(offset, ~0u);
    if (is_64) write32(high_offset, ~0u);
    u64 const mask = u64{is_64 ? read32(high_offset) : ~0u} << 32 | (read32(offset) & ~0xfu);
    write32(offset, low);
    if (is_64) write32(high_offset, high);
    write16(reg_command, command);
    Bar const bar = {PhysAddr(u64{high} << 32 | (low & ~0xfu)), ~mask + 1};
    if (bar.address.is_null() || static_cast<u32>(mask) == 0 || bar.size == 0) return fail(ENXIO);
    return bar;
}

void Function::enable() const {
    write16(reg_command, static_cast<u16>(read16(reg_command) | command_memory | command_master | command_no_line));
}

void Function::route_usb_ports_here() const {
    constexpr u16 intel = 0x8086, reg_ports = 0xd0, reg_ports_mask = 0xd4, reg_fast_ports = 0xd8, reg_fast_ports_mask = 0xdc;
    if (vendor_ != intel || !shares_usb_ports(device_)) return;
    write32(reg_fast_ports, read32(reg_fast_ports_mask));
    write32(reg_ports, read32(reg_ports_mask));
}

void Function::disable() const { write16(reg_command, static_cast<u16>(read16(reg_command) & ~command_master)); }

void initialize(std::span<Driver const> drivers) {
    if (!arch::initialize_pci()) return log_info("pci", "none");
    Walk walk{.drivers = drivers};
    visit_all(walk);
    log_info("pci", "{} functions on {} buses, configured by {}", walk.functions, walk.buses, arch::pci_access_name());
}

}
