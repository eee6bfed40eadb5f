// SPDX-License-Identifier: MIT
// Random bytes for keys, ASLR, AT_RANDOM and /dev/urandom: a ChaCha20 generator whose key is
// replaced after each request, so that what was given out cannot be found again.
// Seeded at its first use from the CPU's source, the time stamp counter's jitter and the RTC.
#pragma once

#include <span>

#include <base/types.h>

namespace base {

/// Any context; short requests cost about one ChaCha20 block.
void random_bytes(std::span<std::byte> out);
u64 random_u64();
/// Mixes bytes of any quality in.
void add_entropy(std::span<std::byte const> bytes);

}
