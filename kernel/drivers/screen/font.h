// SPDX-License-Identifier: MIT
// Font: the glyphs of a PSF version 1 file, 8 pixels wide, found by their character. The file is not copied.
// psf(5) of the kbd package; "PC Screen Font".
#pragma once

#include <array>
#include <span>

#include <base/types.h>

namespace drivers {

class Font {
public:
    static constexpr u32 width = 8;

    constexpr Font() = default;
    /// False if `file` is no PSF 1 font with a table of characters; it must outlive this.
    bool load(std::span<u8 const> file);
    u32 height() const { return height_; }
    /// height() rows of a glyph, the leftmost pixel in bit 7. A character that the font lacks is shown as U+FFFD or '?'.
    std::span<u8 const> glyph(u16 character) const;

private:
    struct Entry {
        u16 character = 0, glyph = 0;
    };
    static constexpr size_t most_entries = 2048;

    bool read_table(std::span<u8 const> table, u32 glyphs);
    Entry const* find(u16 character) const;
    u16 search(u16 character) const;

    std::span<u8 const> glyphs_;
    u32 height_ = 0;
    u16 missing_ = 0;
    size_t entry_count_ = 0;
    std::array<Entry, most_entries> entries_{};   ///< sorted by character
    std::array<u16, 128> ascii_{};                ///< the glyphs of the first characters, found without a search
};

/// The embedded fonts.
std::span<u8 const> regular_font_file();
std::span<u8 const> bold_font_file();

}
