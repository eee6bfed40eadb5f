// SPDX-License-Identifier: MIT
// Tells where keymaps.S has put the layouts; nothing else names its symbols.
#include "kernel/drivers/keyboard/key_layouts.h"

extern "C" u8 const keymaps_start[], keymaps_end[];

namespace drivers {

std::span<u8 const> layout_file() { return {keymaps_start, keymaps_end}; }

}
