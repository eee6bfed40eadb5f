// SPDX-License-Identifier: MIT
// Tells where boot/font.S has put the fonts.
#include "kernel/drivers/screen/font.h"

extern "C" u8 const font_regular_start[], font_regular_end[], font_bold_start[], font_bold_end[];

namespace drivers {

std::span<u8 const> regular_font_file() { return {font_regular_start, font_regular_end}; }
std::span<u8 const> bold_font_file() { return {font_bold_start, font_bold_end}; }

}
