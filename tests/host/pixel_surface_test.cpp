// SPDX-License-Identifier: MIT
// sources: kernel/drivers/screen/pixel_surface.cpp kernel/drivers/screen/font.cpp
#include "kernel/drivers/screen/surface.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kernel/drivers/vt/palette.h"
#include "mm/kernel_space.h"

using namespace drivers;

namespace {

std::unique_ptr<u8[]> memory;   // exactly the framebuffer: the sanitizer sees every byte beside it
u64 memory_size = 0;

/// Glyph 0 ('A'): rows 0x81, 0x82, …; glyph 1: empty.
std::vector<u8> const& font_file() {
    static std::vector<u8> const file = [] {
        std::vector<u8> bytes{0x36, 0x04, 0x02, 16};
        for (int row = 0; row < 16; ++row) bytes.push_back(static_cast<u8>(0x81 + row));
        bytes.resize(4 + 256 * 16);
        for (int value : {0x41, 0, 0xff, 0xff, 0x20, 0, 0xff, 0xff}) bytes.push_back(static_cast<u8>(value));
        return bytes;
    }();
    return file;
}

}

namespace drivers {
std::span<u8 const> regular_font_file() { return font_file(); }
std::span<u8 const> bold_font_file() { return font_file(); }
}

namespace mm {
constinit KernelSpace kernel_space;
Result<void*> KernelSpace::map_mmio(PhysAddr, u64 size, arch::CacheMode) {
    memory_size = size;
    memory.reset(new u8[size]());
    return memory.get();
}
}

namespace {

struct Format {
    u8 bits, red_position, red_size, green_position, green_size, blue_position, blue_size;
};

void PrintTo(Format const& format, std::ostream* out) { *out << int{format.bits} << " bits"; }

class Pixels : public testing::TestWithParam<Format> {
public:
    boot::Framebuffer framebuffer(u32 width, u32 height, u32 padding) const {
        Format const f = GetParam();
        boot::Framebuffer result;
        result.kind = boot::Framebuffer::Kind::Linear;
        result.width = width, result.height = height, result.pitch = width * bytes() + padding, result.bits_per_pixel = f.bits;
        result.red_position = f.red_position, result.red_size = f.red_size;
        result.green_position = f.green_position, result.green_size = f.green_size;
        result.blue_position = f.blue_position, result.blue_size = f.blue_size;
        return result;
    }
    u32 bytes() const { return (GetParam().bits + 7u) / 8; }
    u32 encode(u32 rgb) const {
        Format const f = GetParam();
        return (rgb >> 16) >> (8 - f.red_size) << f.red_position | (rgb >> 8 & 0xff) >> (8 - f.green_size) << f.green_position |
               (rgb & 0xff) >> (8 - f.blue_size) << f.blue_position;
    }
    u32 at(boot::Framebuffer const& format, u32 x, u32 y) const {
        u32 value = 0;
        for (u32 i = 0; i < bytes(); ++i) value |= u32{memory[u64{y} * format.pitch + x * bytes() + i]} << 8 * i;
        return value;
    }
};

TEST_P(Pixels, StartPaintsEveryPixelAndNoPadding) {
    auto const format = framebuffer(643, 403, 13);
    PixelSurface surface;
    ASSERT_TRUE(surface.start(format));
    EXPECT_EQ(surface.columns(), (643 - 16) / 8);
    EXPECT_EQ(surface.rows(), (403 - 16) / 16);
    for (u32 y = 0; y < format.height; ++y) {
        for (u32 x = 0; x < format.width; ++x) ASSERT_EQ(at(format, x, y), encode(palette[0])) << x << "," << y;
        for (u32 i = 0; i < 13; ++i) ASSERT_EQ(memory[u64{y} * format.pitch + format.width * bytes() + i], 0);
    }
}

TEST_P(Pixels, ACellIsItsGlyphInItsColours) {
    auto const format = framebuffer(640, 400, 6);
    PixelSurface surface;
    ASSERT_TRUE(surface.start(format));
    u32 const column = surface.columns() - 1u, row = surface.rows() - 1u;
    for (u8 flags : {u8{0}, u8{Pen::reverse}, u8{Pen::cursor}, u8{Pen::bold}, u8{Pen::underline}}) {
        surface.draw(static_cast<u16>(column), static_cast<u16>(row), {'A', Pen{1, 4, flags}});
        bool const swapped = flags & (Pen::reverse | Pen::cursor);
        u32 const text = encode(palette[flags & Pen::bold ? 9 : 1]), ground = encode(palette[4]);
        for (u32 y = 0; y < 16; ++y)
            for (u32 x = 0; x < 8; ++x) {
                bool const set = (0x81 + y) >> (7 - x) & 1 || ((flags & Pen::underline) && y == 14);
                ASSERT_EQ(at(format, 8 + column * 8 + x, 8 + row * 16 + y), set != swapped ? text : ground) << int{flags} << " " << x << "," << y;
            }
    }
    EXPECT_EQ(at(format, 8 + column * 8 - 1, 8 + row * 16), encode(palette[0]));
}

TEST_P(Pixels, FineDisplaysGetLargerPixels) {
    auto const format = framebuffer(1280, 2200, 0);
    PixelSurface surface;
    ASSERT_TRUE(surface.start(format));
    EXPECT_EQ(surface.columns(), (1280 - 32) / 16);
    surface.draw(1, 1, {'A', Pen{1, 4, 0}});
    for (u32 y = 0; y < 32; ++y)
        for (u32 x = 0; x < 16; ++x)
            ASSERT_EQ(at(format, 16 + 16 + x, 16 + 32 + y), encode(palette[(0x81 + y / 2) >> (7 - x / 2) & 1 ? 1 : 4]));
}

TEST_P(Pixels, RefusesWhatCannotBeDrawn) {
    PixelSurface surface;
    EXPECT_FALSE(surface.start(framebuffer(100, 100, 0)));
    auto format = framebuffer(640, 400, 0);
    format.pitch -= 1;
    EXPECT_FALSE(surface.start(format));
    format = framebuffer(640, 400, 0);
    format.bits_per_pixel = 8;
    EXPECT_FALSE(surface.start(format));
}

INSTANTIATE_TEST_SUITE_P(Formats, Pixels,
                         testing::Values(Format{32, 16, 8, 8, 8, 0, 8}, Format{32, 0, 8, 8, 8, 16, 8}, Format{24, 16, 8, 8, 8, 0, 8},
                                         Format{16, 11, 5, 5, 6, 0, 5}, Format{15, 10, 5, 5, 5, 0, 5}));

}
