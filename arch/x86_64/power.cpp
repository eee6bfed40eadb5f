// SPDX-License-Identifier: MIT
// Ending the machine: ACPI S5, resets from the gentlest to the triple fault, and the emulators' exit ports. Works
// with interrupts off and without locks, even from a panic.
#include <arch/power.h>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/time.h>

#include "arch/x86_64/acpi.h"

namespace arch {

namespace {

constexpr u16 port_debug_exit = 0xf4, port_bochs_shutdown = 0x8900, port_reset_control = 0xcf9, port_keyboard_command = 0x64;

/// The chip set may still be in legacy mode, where PM1_CNT has no effect (4.8.2.5).
void enter_acpi_mode(acpi::FixedHardware const& fixed) {
    constexpr u32 sci_enabled = 1;
    if (fixed.smi_port == 0 || fixed.enable_command == 0 || (acpi::read(fixed.power_control_a, 2) & sci_enabled)) return;
    out8(fixed.smi_port, fixed.enable_command);
    for (int i = 0; i < 300 && !(acpi::read(fixed.power_control_a, 2) & sci_enabled); ++i) delay_us(1000);
}

/// ACPI specification 6.4, 4.8.3.2.1: SLP_TYP is bits 10-12, SLP_EN is bit 13.
void sleep_through(acpi::Register const& control, u8 sleep_type) {
    if (!control) return;
    u32 const kept = acpi::read(control, 2) & ~(7u << 10 | 1u << 13);
    acpi::write(control, kept | u32{sleep_type} << 10, 2);
    acpi::write(control, kept | u32{sleep_type} << 10 | 1u << 13, 2);
}

void acpi_power_off() {
    auto const& fixed = acpi::fixed_hardware;
    if (!fixed.has_sleep_type) return;
    if (fixed.sleep_control) return acpi::write(fixed.sleep_control, u32{fixed.sleep_type_a} << 2 | 1u << 5, 1);
    if (!fixed.power_control_a) return;
    enter_acpi_mode(fixed);
    sleep_through(fixed.power_control_a, fixed.sleep_type_a);
    sleep_through(fixed.power_control_b, fixed.sleep_type_b);
    delay_us(100'000);
}

void keyboard_controller_reset() {
    constexpr u8 input_full = 2, pulse_reset = 0xfe;
    for (int i = 0; i < 1000 && (in8(port_keyboard_command) & input_full); ++i) delay_us(10);
    out8(port_keyboard_command, pulse_reset);
    delay_us(50'000);
}

/// The last output may still be in the UARTs' FIFOs: 16 characters take less than 2 ms at 115200 baud.
void wait_for_serial_output() {
    constexpr u16 line_status[] = {0x3f8 + 5, 0x2f8 + 5};
    constexpr u8 all_sent = 0x40;
    for (u16 const port : line_status)
        for (int i = 0; i < 100 && !(in8(port) & all_sent); ++i) delay_us(100);
}

}

void power_off() {
    interrupts_disable();
    wait_for_serial_output();
    acpi_power_off();
    for (char const* letter = "Shutdown"; *letter; ++letter) out8(port_bochs_shutdown, static_cast<u8>(*letter));
    halt_for_ever();
}

void reset() {
    interrupts_disable();
    wait_for_serial_output();
    auto const& fixed = acpi::fixed_hardware;
    if (fixed.reset) {
        acpi::write(fixed.reset, fixed.reset_value, 1);
        delay_us(50'000);
    }
    out8(port_reset_control, 0x02);
    out8(port_reset_control, 0x06);
    delay_us(50'000);
    keyboard_controller_reset();
    struct [[gnu::packed]] { u16 limit; u64 base; } const no_gates{};
    asm volatile("lidt %0; int3" : : "m"(no_gates));
    halt_for_ever();
}

void debug_exit(u8 code) {
    wait_for_serial_output();
    out8(port_debug_exit, code);
}

}
