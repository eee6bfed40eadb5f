// SPDX-License-Identifier: MIT
// sources: kernel/drivers/screen/font.cpp
#include "kernel/drivers/screen/font.h"

#include <gtest/gtest.h>

#include <vector>

using drivers::Font;

namespace {

/// 256 glyphs of two rows; glyph n has rows n and ~n. `table` follows.
std::vector<u8> psf(std::vector<u16> const& table) {
    std::vector<u8> file{0x36, 0x04, 0x02, 2};
    for (int glyph = 0; glyph < 256; ++glyph) file.push_back(static_cast<u8>(glyph)), file.push_back(static_cast<u8>(~glyph));
    for (u16 value : table) file.push_back(static_cast<u8>(value)), file.push_back(static_cast<u8>(value >> 8));
    return file;
}

TEST(Font, FindsGlyphsByCharacter) {
    // Glyph 0: 'B'; 1: 'A' and U+2502; 2: a sequence, then '?'.
    auto const file = psf({'B', 0xffff, 'A', 0x2502, 0xffff, 'Z', 0xfffe, 'e', 0x301, 0xffff, '?', 0xffff});
    Font font;
    ASSERT_TRUE(font.load(file));
    EXPECT_EQ(font.height(), 2u);
    EXPECT_EQ(font.glyph('A')[0], 1);
    EXPECT_EQ(font.glyph(0x2502)[1], 0xfe);
    EXPECT_EQ(font.glyph('B')[0], 0);
    EXPECT_EQ(font.glyph('Z')[0], 2);
    EXPECT_EQ(font.glyph('e')[0], 3) << "parts of a sequence are not characters of their own";
}

TEST(Font, ReplacementCharacterIsPreferredToTheQuestionMark) {
    auto const file = psf({'?', 0xffff, 0xfffd, 0xffff});
    Font font;
    ASSERT_TRUE(font.load(file));
    EXPECT_EQ(font.glyph(0x1234)[0], 1);
}

TEST(Font, RefusesWhatIsNoFont) {
    auto file = psf({'A', 0xffff});
    Font font;
    EXPECT_FALSE(font.load({}));
    EXPECT_FALSE(font.load(std::span(file).first(100)));
    EXPECT_FALSE(font.load(std::span(file).first(4 + 512)));
    file[0] = 0;
    EXPECT_FALSE(font.load(file));
}

}
