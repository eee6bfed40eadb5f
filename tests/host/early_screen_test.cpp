// SPDX-License-Identifier: MIT
// The screen of before the drivers: what it draws, read back by the font's glyphs, at the end of memory that an overrun
// would leave; scrolling; and the boot page tables' way to a framebuffer above 4 GiB.
// sources: boot/early_screen.cpp
#include <boot/early_screen.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <arch/paging.h>
#include <boot/boot_info.h>

// A font in which glyph c is 16 rows of c.
struct TestFont {
    u8 bytes[4 + 256 * 16];
    constexpr TestFont() : bytes{} {
        for (int c = 0; c < 256; ++c)
            for (int row = 0; row < 16; ++row) bytes[4 + 16 * c + row] = static_cast<u8>(c);
    }
};
extern "C" {
extern constinit TestFont const font_regular_start{};
u64 boot_page_tables[9 * 512];
}

namespace boot { constinit BootInfo boot_info; }
namespace arch {
constinit CpuFeatures cpu_features{};
void tlb_flush_all() {}
}

namespace {

constexpr u32 columns = 60, rows = 20, bytes_a_pixel = 3;

TEST(EarlyScreen, DrawsScrollsAndStaysInside) {
    auto& screen = boot::boot_info.framebuffer;
    screen.kind = boot::Framebuffer::Kind::Linear;
    screen.width = columns * 8 + 5, screen.height = rows * 16 + 7, screen.bits_per_pixel = 24;
    screen.pitch = screen.width * bytes_a_pixel + 9;
    auto const memory = std::make_unique<u8[]>(u64{screen.pitch} * screen.height);   // exactly, so that the sanitizer sees an overrun
    boot::early_screen_move(memory.get());
    base::LogSink* const sink = boot::early_screen();
    ASSERT_TRUE(sink);
    auto const cell = [&](u32 column, u32 row) {
        u8 bits = 0;
        for (u32 x = 0; x < 8; ++x) {
            u8 const* const pixel = memory.get() + u64{row} * 16 * screen.pitch + (column * 8 + x) * bytes_a_pixel;
            EXPECT_TRUE(pixel[0] == pixel[1] && pixel[1] == pixel[2]);
            bits = static_cast<u8>(bits << 1 | (pixel[0] & 1));
        }
        return bits == 0 ? ' ' : static_cast<char>(bits);
    };
    auto const row_text = [&](u32 row) {
        std::string text;
        for (u32 column = 0; column < columns; ++column) text += cell(column, row);
        while (text.ends_with(' ')) text.pop_back();
        return text;
    };
    sink->write("first\nsec");
    sink->write("ond \x01\xff.\n");
    EXPECT_EQ(row_text(0), "first");
    EXPECT_EQ(row_text(1), "second ??.");
    sink->write(std::string(columns + 3, 'w') + "\n");
    EXPECT_EQ(row_text(2), std::string(columns, 'w'));
    EXPECT_EQ(row_text(3), "www");
    for (u32 line = 0; line < 50; ++line) sink->write("line " + std::to_string(line) + (line % 2 ? "\n" : " longer\n"));
    EXPECT_EQ(row_text(rows - 1), "");
    EXPECT_EQ(row_text(rows - 2), "line 49");
    EXPECT_EQ(row_text(rows - 3), "line 48 longer");
    EXPECT_EQ(row_text(0), "line 31");
    boot::early_screen_end();
    EXPECT_FALSE(boot::early_screen()) << "a driver has it";
}

/// What `address` leads to through tables whose physical place is `place`.
u64 walk(u64 const* tables, u64 place, u64 address) {
    u64 entry = tables[256 + (address >> 39)];
    for (int shift : {30, 21}) {
        if (!(entry & 1)) return 0;
        u64 const page = ((entry & ~0xfffull) - place) / page_size;
        EXPECT_LT(page, 9u);
        entry = tables[page * 512 + (address >> shift & 511)];
    }
    EXPECT_EQ(entry & 0x83, 0x83u) << "a large page, present, writable";
    return (entry & ~0x1fffffull) + (address & 0x1fffff);
}

TEST(EarlyScreen, BootTablesShowAFramebufferAnywhere) {
    constexpr u64 place = 0x1234000;
    for (u64 const address : std::initializer_list<u64>{4 * gib, 125 * gib + 12345, 511 * gib + 0x3fe00000, 512 * gib, 65282 * gib + 4096}) {
        std::vector<u64> tables(9 * 512);
        tables[256] = (place + page_size) | 3;
        tables[512] = (place + 3 * page_size) | 3;   // the first GiB, as boot.asm has it
        boot::show_in_boot_tables(tables.data(), place, PhysAddr(address));
        EXPECT_EQ(walk(tables.data(), place, address), address);
        EXPECT_EQ(walk(tables.data(), place, address | 0x3fffffff), address | 0x3fffffff) << "the whole GiB";
        EXPECT_EQ(tables[512], (place + 3 * page_size) | 3) << "what was there stays";
    }
}

}
