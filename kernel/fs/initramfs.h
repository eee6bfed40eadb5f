// SPDX-License-Identifier: MIT
// Unpacks a newc cpio archive, plain or gzip, into the root tmpfs. A corrupt archive is
// a clear error and leaves no half-unpacked tree: names are committed only when all of it was read.
#pragma once

#include <span>

#include <base/result.h>

namespace fs {

struct InitramfsStatistics { u64 files = 0, bytes = 0; };

/// EINVAL (with a log line that says where and why), ENOMEM.
Result<InitramfsStatistics> unpack_initramfs(std::span<std::byte const> archive);

}
