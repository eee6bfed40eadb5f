// SPDX-License-Identifier: MIT
// The screen that the loader set up, for a panic before the drivers are up: pixels or VGA text, drawn without memory,
// locks or interrupts. Only a panic draws here. Defined in boot/early_screen.cpp.
#pragma once

#include <base/log.h>
#include <base/types.h>

namespace boot {

/// Null: there is nothing to draw on, or a driver has taken the screen over.
base::LogSink* early_screen();

/// Makes the boot page tables map a framebuffer above 4 GiB. Call once boot_info is filled.
void early_screen_show();

/// The memory of it that the kernel's own page tables must map; size 0: none.
struct EarlyScreenMemory {
    PhysAddr start;
    u64 size = 0;
    bool pixels = false;   ///< pixels: map it write-combining
};
EarlyScreenMemory early_screen_memory();
/// From now on it is mapped at `window`; null: it is no longer reachable.
void early_screen_move(void* window);
/// From now on a driver draws on the screen.
void early_screen_end();

/// Writes the entries of the boot page tables that map the GiB of `address` in the direct map: the 9 pages of
/// `tables` lie at physical `place`; boot.asm lists the first 7. Pure; for early_screen_show().
void show_in_boot_tables(u64* tables, u64 place, PhysAddr address);

}
