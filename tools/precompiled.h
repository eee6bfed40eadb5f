// SPDX-License-Identifier: MIT
// The library headers that nearly every kernel source reads, parsed once a build.
#pragma once

// <atomic> drags in <unistd.h>, whose functions sync and syscall would bar namespaces of ours.
#define sync libc_sync
#define syscall libc_syscall
#include <atomic>
#include <unistd.h>
#undef sync
#undef syscall

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
