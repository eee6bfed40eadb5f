// SPDX-License-Identifier: MIT
// Device numbers in Linux's encoding of dev_t: makedev(3).
#pragma once

#include <base/types.h>

namespace fs {

constexpr u64 make_device(u32 major, u32 minor) { return (minor & 0xff) | (u64{major & 0xfff} << 8) | (u64{minor & ~0xffu} << 12); }
constexpr u32 device_major(u64 device) { return static_cast<u32>(device >> 8) & 0xfff; }
constexpr u32 device_minor(u64 device) { return static_cast<u32>(device & 0xff) | (static_cast<u32>(device >> 12) & ~0xffu); }

}
