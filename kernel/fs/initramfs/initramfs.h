// SPDX-License-Identifier: MIT
// Unpacks newc cpio archives, plain or gzip, one after the other, into a tmpfs that becomes the root.
// If an archive turns out to be corrupt, the files read until then are used, as on Linux, and a log line says where it was and
// which file is incomplete; if there are none, the root stays as it was. Call it before anything else is mounted.
#pragma once

#include <span>

#include <base/result.h>

namespace fs {

struct InitramfsStatistics { u64 files = 0, bytes = 0; };

/// EINVAL, ENOMEM, ENOSPC: nothing at all was unpacked. Every problem is logged, also when some files were unpacked.
Result<InitramfsStatistics> unpack_initramfs(std::span<std::byte const> archive);

}
