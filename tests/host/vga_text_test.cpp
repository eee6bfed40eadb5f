// SPDX-License-Identifier: MIT
// What a VGA's text mode makes of characters and pens.
#include "kernel/drivers/screen/vga_attribute.h"
#include "kernel/drivers/vt/code_page.h"

#include <gtest/gtest.h>

namespace {

using drivers::Pen, drivers::code_page_character, drivers::code_page_number, drivers::vga_attribute;

TEST(CodePage, WhatItLacks) {
    for (u32 number = 0; number < 256; ++number) EXPECT_EQ(code_page_number(code_page_character(static_cast<u8>(number))), number == 0 ? ' ' : number);
    EXPECT_EQ(code_page_number(0x23ba), 'o');
    EXPECT_EQ(code_page_number(0x4f60), 0xfe);
}

TEST(VgaAttribute, BitsChangeEachOthers) {
    struct { Pen pen; u8 attribute; } const cases[] = {
        {{7, 0, 0}, 0x07}, {{1, 4, 0}, 0x14}, {{7, 0, Pen::bold}, 0x0f}, {{12, 0, 0}, 0x09}, {{7, 0, Pen::underline}, 0x03},
        {{7, 0, Pen::dim}, 0x08}, {{7, 0, Pen::italic}, 0x02}, {{7, 0, Pen::reverse}, 0x70}, {{7, 0, Pen::reverse | Pen::bold}, 0x78},
        {{7, 0, Pen::underline | Pen::reverse | Pen::blink}, 0xb0}, {{7, 12, Pen::blink}, 0x97}, {{208, 130, 0}, 0x0c},
        {{16, 231, 0}, 0x70}, {{236, 244, 0}, 0x78}};
    for (auto const& [pen, attribute] : cases) EXPECT_EQ(vga_attribute(pen), attribute);
}

}
