// SPDX-License-Identifier: MIT
// The system calls that exist: number → name and handler (table.cpp).
#pragma once

#include <span>

#include "kernel/syscall/call.h"

namespace syscall {

struct Row {
    Entry call = nullptr;
    char const* name = nullptr;
};

extern std::span<Row const, table_size> const table;

}
