// SPDX-License-Identifier: MIT
// Unpacks newc cpio archives, plain or gzip, one behind the other, into a tmpfs that becomes the root.
// A corrupt archive is a clear error and leaves no half-unpacked tree: the new root is
// committed only when all of it was read. Call it before anything else is mounted.
#pragma once

#include <span>

#include <base/result.h>

namespace fs {

struct InitramfsStatistics { u64 files = 0, bytes = 0; };

/// EINVAL (with a log line that says where and why), ENOMEM, ENOSPC.
Result<InitramfsStatistics> unpack_initramfs(std::span<std::byte const> archive);

}
