// SPDX-License-Identifier: MIT
// Unpacks newc cpio archives, plain or gzip, one behind the other, into a tmpfs that becomes the root.
// What was read before an archive turned out to be corrupt is used, as in Linux, with a line that says where it was and which
// file is not whole; if that is nothing, the root stays as it was. Call it before anything else is mounted.
#pragma once

#include <span>

#include <base/result.h>

namespace fs {

struct InitramfsStatistics { u64 files = 0, bytes = 0; };

/// EINVAL, ENOMEM, ENOSPC: nothing at all was unpacked. What went wrong has been logged, then and otherwise.
Result<InitramfsStatistics> unpack_initramfs(std::span<std::byte const> archive);

}
