// SPDX-License-Identifier: MIT
// Reads the file of keyboard layouts in the kernel's image, in place. An array that the file does not hold completely is empty. Pure.
#include "kernel/drivers/keyboard/key_layouts.h"

#include <bit>
#include <cstring>

namespace drivers {

namespace {

/// Takes an array of T, and its u32 length in front of it, off `rest`. Everything in the file is aligned.
template <class T>
std::span<T const> take_array(std::span<u8 const>& rest) {
    u32 count = 0;
    if (rest.size() < sizeof count) return {};
    std::memcpy(&count, rest.data(), sizeof count);
    rest = rest.subspan(sizeof count);
    if (rest.size() / sizeof(T) < count) return {};
    auto const* const first = reinterpret_cast<T const*>(rest.data());
    size_t const size = (count * sizeof(T) + 3) & ~size_t{3};
    rest = rest.subspan(size < rest.size() ? size : rest.size());
    return {first, count};
}

}

LayoutFile::LayoutFile(std::span<u8 const> file) : accents_(take_array<Accent>(file)), layouts_(take_array<Layout>(file)) {}

Layout const* LayoutFile::find(std::string_view name) const {
    for (Layout const& layout : layouts_)
        if (layout.title() == name) return &layout;
    return nullptr;
}

}
