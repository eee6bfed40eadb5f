// SPDX-License-Identifier: MIT
// The registers, ring entries and contexts of xHCI 1.2 (Intel, eXtensible Host Controller Interface) that the driver uses.
#pragma once

#include <arch/io.h>
#include <base/types.h>

namespace drivers::usb::xhci {

// ---- capability registers (5.3)
inline constexpr u32 reg_length = 0x00, reg_version = 0x02, reg_structure1 = 0x04, reg_structure2 = 0x08, reg_capability1 = 0x10, reg_doorbells = 0x14,
                     reg_runtime = 0x18;
inline constexpr u32 capability_64 = 1 << 0, capability_large_contexts = 1 << 2, capability_port_power = 1 << 3;

// ---- operational registers (5.4), from reg_length on
inline constexpr u32 reg_command = 0x00, reg_status = 0x04, reg_page_size = 0x08, reg_command_ring = 0x18, reg_contexts = 0x30, reg_configure = 0x38,
                     reg_ports = 0x400, port_stride = 0x10;
inline constexpr u32 command_run = 1 << 0, command_reset = 1 << 1, command_interrupts = 1 << 2;
inline constexpr u32 status_halted = 1 << 0, status_host_error = 1 << 2, status_event = 1 << 3, status_not_ready = 1 << 11,
                     status_controller_error = 1 << 12;

// ---- a port's status and control (5.4.8)
inline constexpr u32 port_connected = 1 << 0, port_enabled = 1 << 1, port_reset = 1 << 4, port_power = 1 << 9, port_connect_changed = 1 << 17,
                     port_enable_changed = 1 << 18, port_warm_reset_changed = 1 << 19, port_reset_changed = 1 << 21;
inline constexpr u32 port_changes = 0x7f << 17;
/// The bits to write back as they were read; the others are written as 0, since a 1 may start or acknowledge something.
inline constexpr u32 port_kept = port_power | 3 << 14 | 7 << 25;
inline constexpr u32 port_speed_shift = 10, port_speed_mask = 0xf;

// ---- interrupter 0 (5.5.2), from reg_runtime on
inline constexpr u32 reg_interrupter = 0x20, reg_moderation = 0x24, reg_segments = 0x28, reg_segment_table = 0x30, reg_dequeue = 0x38;
inline constexpr u32 interrupt_pending = 1 << 0, interrupt_enable = 1 << 1, dequeue_busy = 1 << 3;

// ---- extended capabilities (7)
inline constexpr u8 extended_legacy = 1, extended_protocol = 2;
inline constexpr u32 legacy_bios_owned = 1 << 16, legacy_os_owned = 1 << 24;
inline constexpr u32 legacy_control_kept = 0x7 << 1 | 0xff << 5 | 0x7 << 17, legacy_control_events = 0x7u << 29;

/// An entry of any ring: a transfer request block (4.11).
struct Trb {
    u64 parameter = 0;
    u32 status = 0;
    u32 control = 0;
};
static_assert(sizeof(Trb) == 16);

inline constexpr u32 trb_cycle = 1 << 0, trb_toggle = 1 << 1, trb_interrupt_if_short = 1 << 2, trb_interrupt = 1 << 5, trb_immediate = 1 << 6;
inline constexpr u32 trb_direction_in = 1 << 16, trb_type_shift = 10;

enum class TrbType : u8 {
    Normal = 1, Setup = 2, Data = 3, Status = 4, Link = 6,
    EnableSlot = 9, DisableSlot = 10, AddressDevice = 11, ConfigureEndpoint = 12, EvaluateContext = 13, ResetEndpoint = 14, StopEndpoint = 15,
    SetDequeue = 16, NoOp = 23,
    TransferEvent = 32, CommandEvent = 33, PortEvent = 34,
};
constexpr u32 type_bits(TrbType type) { return static_cast<u32>(type) << trb_type_shift; }
constexpr TrbType type_of(Trb const& trb) { return static_cast<TrbType>(trb.control >> trb_type_shift & 0x3f); }

/// How a command or a transfer ended (6.4.5).
enum class Completion : u8 {
    Success = 1, TransactionError = 4, Stall = 6, NoSlots = 9, SlotNotEnabled = 11, ShortPacket = 13, ContextState = 19, Stopped = 26, StoppedInvalid = 27,
    StoppedShort = 28,
};
constexpr Completion completion_of(Trb const& event) { return static_cast<Completion>(event.status >> 24); }
constexpr u32 residue_of(Trb const& event) { return event.status & 0xffffff; }
constexpr u8 slot_of(Trb const& event) { return static_cast<u8>(event.control >> 24); }
constexpr u8 endpoint_of(Trb const& event) { return event.control >> 16 & 0x1f; }

// ---- contexts (6.2): the first is the device's own, the others belong to its endpoints
enum class EndpointType : u8 { Control = 4, InterruptIn = 7 };
inline constexpr u8 control_endpoint = 1;
/// The context index of an IN endpoint (4.5.1).
constexpr u8 index_of_in(u8 number) { return static_cast<u8>(2 * number + 1); }

/// An endpoint's interval as an exponent of 2, in units of 125 µs (6.2.3.6). `slow`: full or low speed, which count in ms.
constexpr u8 interval_exponent(u8 written, bool slow) {
    if (!slow) return static_cast<u8>((written < 1 ? 1 : written > 16 ? 16 : written) - 1);
    u8 exponent = 3;
    while (exponent < 10 && (2u << exponent) <= 8u * written) ++exponent;
    return exponent;
}

/// Memory-mapped registers. The caller has checked the offsets against the window's size.
class Registers {
public:
    constexpr Registers() = default;
    explicit Registers(u8* base) : base_(base) {}
    u32 read(u32 offset) const { return arch::mmio_read<u32>(base_ + offset); }
    u8 read8(u32 offset) const { return arch::mmio_read<u8>(base_ + offset); }
    void write(u32 offset, u32 value) const { arch::mmio_write<u32>(base_ + offset, value); }
    void write64(u32 offset, u64 value) const {
        write(offset, static_cast<u32>(value));
        write(offset + 4, static_cast<u32>(value >> 32));
    }
    Registers operator+(u32 offset) const { return Registers(base_ + offset); }
private:
    u8* base_ = nullptr;
};

}
