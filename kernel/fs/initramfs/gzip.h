// SPDX-License-Identifier: MIT
// gzip members, RFC 1952: header, deflate data, CRC-32 and length. Pure.
#pragma once

#include "kernel/fs/initramfs/inflate.h"

namespace fs {

enum class GzipStatus : u8 { Done, NotGzip, Truncated, Corrupt, BadChecksum, Stopped };
char const* describe(GzipStatus status);

/// True if a member may begin here.
bool is_gzip(std::span<std::byte const> input);
/// Decompresses one member into `sink`; `consumed`: how many bytes of `input` it took.
GzipStatus gunzip(Inflater& inflater, std::span<std::byte const> input, ByteSink& sink, size_t& consumed);

/// CRC-32 of IEEE 802.3, continued from `crc` (0 at the beginning).
u32 crc32(u32 crc, std::span<std::byte const> bytes);

}
