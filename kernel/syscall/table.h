// SPDX-License-Identifier: MIT
// The system calls that exist: number → name and handler (table.cpp).
#pragma once

#include <span>
#include <string_view>

#include "kernel/syscall/caller.h"

namespace syscall {

inline constexpr size_t table_size = 512;

struct Row {
    Entry call = nullptr;
    char const* name = nullptr;
};

extern std::span<Row const, table_size> const table;

}
