// SPDX-License-Identifier: MIT
// What every host test reads, parsed once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>
