// SPDX-License-Identifier: MIT
// The keyboard layouts in the kernel's image, as read-only views. tools/keymaps makes their file and describes its form. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <base/types.h>

namespace drivers {

/// The character that two others make, typed with a dead key or Compose.
struct Accent {
    u16 mark = 0, base = 0, result = 0;
};

struct Layout {
    static constexpr size_t table_count = 16, key_count = 128;
    char name[16];                              ///< padded with zeros
    u16 tables[table_count][key_count];         ///< by the sum of 1 shift, 2 AltGr, 4 control, 8 alt, then by key code
    std::string_view title() const { return {name, std::string_view(name, sizeof name).find('\0')}; }
};

class LayoutFile {
public:
    /// `file` outlives this. An array that its bytes do not hold completely is empty.
    explicit LayoutFile(std::span<u8 const> file);
    std::span<Accent const> accents() const { return accents_; }
    std::span<Layout const> layouts() const { return layouts_; }
    /// Null: no layout has this name.
    Layout const* find(std::string_view name) const;

private:
    std::span<Accent const> accents_;
    std::span<Layout const> layouts_;
};

/// The file that keymaps.S includes.
std::span<u8 const> layout_file();

}
