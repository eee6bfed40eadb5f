// SPDX-License-Identifier: MIT
// The pair of 8259 interrupt controllers (Intel 8259A data sheet). With APICs they are only remapped out of the way
// and masked.
#include <initializer_list>

#include <arch/io.h>

#include "arch/x86_64/interrupt_controller.h"

namespace arch {

namespace {

constexpr u16 command[2] = {0x20, 0xa0}, data[2] = {0x21, 0xa1};
constexpr u8 initialize_with_icw4 = 0x11, mode_8086 = 1, end_specific = 0x60, read_in_service = 0x0b;
constexpr u8 cascade_line = 2;

constinit u8 masks[2] = {0xff, 0xff};   // the boot CPU's, changed with interrupts off

void short_wait() { out8(0x80, 0); }

void write_masks() {
    for (unsigned chip = 0; chip < 2; ++chip) out8(data[chip], masks[chip]);
}

void initialize_chip(unsigned chip, u8 base, u8 cascade) {
    for (u8 word : {base, cascade, mode_8086}) {
        out8(data[chip], word);
        short_wait();
    }
}

}

bool pic_initialize(u8 base) {
    for (unsigned chip = 0; chip < 2; ++chip) {
        out8(command[chip], initialize_with_icw4);
        short_wait();
        initialize_chip(chip, static_cast<u8>(base + 8 * chip), chip == 0 ? 1 << cascade_line : cascade_line);
    }
    masks[0] = masks[1] = 0xff;
    write_masks();
    out8(data[0], 0xfb);                    // where there is a chip, what was written reads back
    bool const present = in8(data[0]) == 0xfb;
    write_masks();
    return present;
}

void pic_set_masked(u8 line, bool masked) {
    u8& mask = masks[line / 8];
    u8 const bit = static_cast<u8>(1 << line % 8);
    mask = static_cast<u8>(masked ? mask | bit : mask & ~bit);
    if (line >= 8) masks[0] &= static_cast<u8>(~(1 << cascade_line));
    write_masks();
}

void pic_end_of_interrupt(u8 line) {
    if (line >= 8) out8(command[1], static_cast<u8>(end_specific | (line - 8)));
    out8(command[0], static_cast<u8>(end_specific | (line >= 8 ? cascade_line : line)));
}

bool pic_is_spurious(u8 line) {
    if (line % 8 != 7) return false;
    unsigned const chip = line / 8;
    out8(command[chip], read_in_service);
    if (in8(command[chip]) & 0x80) return false;
    if (chip == 1) pic_end_of_interrupt(cascade_line);   // the first chip did see its cascade line
    return true;
}

}
