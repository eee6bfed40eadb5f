// SPDX-License-Identifier: MIT
// Random bytes for keys, ASLR, AT_RANDOM and /dev/urandom, from a ChaCha20 generator.
// Invariant: the key is replaced after each request, so earlier output cannot be recovered.
// Seeded at its first use from the CPU's random source, the time stamp counter's jitter and the RTC.
#pragma once

#include <span>

#include <base/types.h>

namespace base {

/// Any context; a short request costs about one ChaCha20 block.
void random_bytes(std::span<std::byte> out);
u64 random_u64();
/// Mixes in bytes of any quality.
void add_entropy(std::span<std::byte const> bytes);

}
