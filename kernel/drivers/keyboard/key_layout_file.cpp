// SPDX-License-Identifier: MIT
// Where keymaps.S has put the layouts.
#include "kernel/drivers/keyboard/key_layouts.h"

extern "C" u8 const keymaps_start[], keymaps_end[];

namespace drivers {

std::span<u8 const> layout_file() { return {keymaps_start, keymaps_end}; }

}
