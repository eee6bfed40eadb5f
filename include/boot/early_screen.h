// SPDX-License-Identifier: MIT
// The screen that the loader set up, for who panics before there are drivers: pixels or VGA text, drawn
// without memory, locks or interrupts. Nothing but a panic draws here. Defined in boot/early_screen.cpp.
#pragma once

#include <base/log.h>
#include <base/types.h>

namespace boot {

/// Null: there is nothing to draw on, or a driver has it now.
base::LogSink* early_screen();

/// Makes the boot page tables show a framebuffer above 4 GiB. Once boot_info is there.
void early_screen_show();

/// What the kernel's own page tables must show of it; size 0: nothing.
struct EarlyScreenMemory {
    PhysAddr start;
    u64 size = 0;
    bool pixels = false;   ///< write-combining suits it
};
EarlyScreenMemory early_screen_memory();
/// It is at `window` from now on; null: it cannot be reached any more.
void early_screen_move(void* window);
/// A driver draws on the screen from now on.
void early_screen_end();

/// Entries in the boot page tables that show the GiB of `address` at the direct map: the 9 pages of `tables` lie at
/// physical `place`, boot.asm says what the first 7 are. Pure; for early_screen_show().
void show_in_boot_tables(u64* tables, u64 place, PhysAddr address);

}
