// SPDX-License-Identifier: MIT
// What every host test reads, parsed once.
#pragma once

// <atomic> drags in <unistd.h>, whose function sync would bar our namespace.
#define sync libc_sync
#include <unistd.h>
#undef sync

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>
