// SPDX-License-Identifier: MIT
// Reads a PSF version 1 font: header, glyphs, and the characters of each glyph. A file that is too short for its glyphs is refused.
#include "kernel/drivers/screen/font.h"

#include <algorithm>

namespace drivers {

namespace {

constexpr size_t header_size = 4;
constexpr u8 magic0 = 0x36, magic1 = 0x04;
constexpr u8 has_512_glyphs = 0x01, has_table = 0x02;
constexpr u16 end_of_glyph = 0xffff, start_of_sequence = 0xfffe, replacement = 0xfffd;

}

bool Font::load(std::span<u8 const> file) {
    if (file.size() < header_size || file[0] != magic0 || file[1] != magic1 || !(file[2] & has_table) || file[3] == 0) return false;
    u32 const glyphs = file[2] & has_512_glyphs ? 512 : 256;
    height_ = file[3];
    size_t const size = size_t{glyphs} * height_;
    if (file.size() < header_size + size) return false;
    glyphs_ = file.subspan(header_size, size);
    return read_table(file.subspan(header_size + size), glyphs);
}

/// Reads which characters each glyph shows; skips sequences (a base and combining characters together).
bool Font::read_table(std::span<u8 const> table, u32 glyphs) {
    entry_count_ = 0;
    u16 glyph = 0;
    bool in_sequence = false;
    for (size_t i = 0; i + 1 < table.size() && glyph < glyphs; i += 2) {
        u16 const value = static_cast<u16>(table[i] | table[i + 1] << 8);
        if (value == end_of_glyph) {
            ++glyph;
            in_sequence = false;
        } else if (value == start_of_sequence) {
            in_sequence = true;
        } else if (!in_sequence && entry_count_ < most_entries) {
            entries_[entry_count_++] = {value, glyph};
        }
    }
    std::sort(entries_.begin(), entries_.begin() + entry_count_, [](Entry a, Entry b) { return a.character < b.character; });
    Entry const* const missing = find(replacement) ? find(replacement) : find('?');
    missing_ = missing ? missing->glyph : 0;
    for (size_t character = 0; character < ascii_.size(); ++character) ascii_[character] = search(static_cast<u16>(character));
    return entry_count_ != 0;
}

Font::Entry const* Font::find(u16 character) const {
    auto const end = entries_.begin() + entry_count_;
    auto const found = std::lower_bound(entries_.begin(), end, character, [](Entry e, u16 wanted) { return e.character < wanted; });
    return found != end && found->character == character ? &*found : nullptr;
}

u16 Font::search(u16 character) const {
    Entry const* const entry = find(character);
    return entry ? entry->glyph : missing_;
}

std::span<u8 const> Font::glyph(u16 character) const {
    u16 const number = character < ascii_.size() ? ascii_[character] : search(character);
    return glyphs_.subspan(size_t{number} * height_, height_);
}

}
