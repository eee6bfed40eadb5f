// SPDX-License-Identifier: MIT
// How names are hashed and compared: a word of eight bytes at a time, since each component of each path is.
// The hash is under a secret of this boot, so that names that collide cannot be prepared: each word is mixed with what
// came before and multiplied by a secret factor to 128 bits, whose halves are folded; so is the result once more.
// (SipHash would be the stronger choice and costs a component 60 instructions more.)
#pragma once

#include <string_view>

#include <base/types.h>

namespace fs {

struct NameSecret {
    u64 start, factor, last_factor;
    /// Draws it. Before the first name.
    static void initialize();
};
extern constinit NameSecret name_secret;      // written once at boot

namespace words {

inline u64 load8(char const* from) {
    u64 word;
    __builtin_memcpy(&word, from, sizeof word);   // a load, not a call
    return word;
}
inline u64 load4(char const* from) {
    u32 word;
    __builtin_memcpy(&word, from, sizeof word);   // a load, not a call
    return word;
}
inline u64 fold(u64 one, u64 other) {
    auto const product = static_cast<unsigned __int128>(one) * other;
    return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
}
/// All bytes of a text shorter than eight; two of the same length differ if the texts do.
inline u64 short_text(char const* text, size_t size) {
    if (size >= 4) return load4(text) | load4(text + size - 4) << 32;
    if (size == 0) return 0;
    auto const byte = [&](size_t i) { return u64{static_cast<u8>(text[i])}; };
    return byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16;
}

}

/// Tables use the low bits.
inline u32 hash_of_name(std::string_view name) {
    char const* text = name.data();
    size_t left = name.size();
    u64 state = name_secret.start + left;
    for (; left > 8; left -= 8, text += 8) state = words::fold(state ^ words::load8(text), name_secret.factor);
    // The last word overlaps the one before it: nothing behind the name is read.
    u64 const last = name.size() >= 8 ? words::load8(text + left - 8) : words::short_text(text, left);
    state = words::fold(words::fold(state ^ last, name_secret.factor), name_secret.last_factor);
    return static_cast<u32>(state ^ (state >> 32));
}

inline bool is_same_name(std::string_view one, std::string_view other) {
    size_t const size = one.size();
    if (size != other.size()) return false;
    if (size < 8) return words::short_text(one.data(), size) == words::short_text(other.data(), size);
    for (size_t i = 0; i + 8 < size; i += 8)
        if (words::load8(one.data() + i) != words::load8(other.data() + i)) return false;
    return words::load8(one.data() + size - 8) == words::load8(other.data() + size - 8);
}

}
