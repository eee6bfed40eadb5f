// SPDX-License-Identifier: MIT
// Names of the kernel's functions, for backtraces. tools/embed-symbols fills the table after the first link; until
// then it is empty and every lookup fails.
#pragma once

#include <string_view>

#include <base/types.h>

namespace base {

struct Symbol {
    std::string_view name;   ///< empty: unknown
    u64 offset = 0;          ///< from the function's start
};

Symbol find_symbol(u64 address);

}
