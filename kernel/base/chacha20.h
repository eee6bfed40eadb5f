// SPDX-License-Identifier: MIT
// The ChaCha20 block function, RFC 8439 section 2.3.
#pragma once

#include <array>
#include <bit>

#include <base/types.h>

namespace base {

using ChaChaState = std::array<u32, 16>;    ///< 4 constants, 8 key words, counter, 3 nonce words

inline constexpr std::array<u32, 4> chacha_constants = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

constexpr void chacha_quarter_round(u32& a, u32& b, u32& c, u32& d) {
    a += b; d = std::rotl(d ^ a, 16);
    c += d; b = std::rotl(b ^ c, 12);
    a += b; d = std::rotl(d ^ a, 8);
    c += d; b = std::rotl(b ^ c, 7);
}

/// 64 bytes of key stream, as 16 little-endian words.
constexpr ChaChaState chacha20_block(ChaChaState const& input) {
    ChaChaState x = input;
    for (int round = 0; round < 10; ++round) {
        chacha_quarter_round(x[0], x[4], x[8], x[12]);
        chacha_quarter_round(x[1], x[5], x[9], x[13]);
        chacha_quarter_round(x[2], x[6], x[10], x[14]);
        chacha_quarter_round(x[3], x[7], x[11], x[15]);
        chacha_quarter_round(x[0], x[5], x[10], x[15]);
        chacha_quarter_round(x[1], x[6], x[11], x[12]);
        chacha_quarter_round(x[2], x[7], x[8], x[13]);
        chacha_quarter_round(x[3], x[4], x[9], x[14]);
    }
    for (size_t i = 0; i < x.size(); ++i) x[i] += input[i];
    return x;
}

}
