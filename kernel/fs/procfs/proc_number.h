// SPDX-License-Identifier: MIT
// Numbers below /proc/sys that root may change while the machine runs.
#pragma once

#include "kernel/fs/procfs/proc_numbers.h"
#include "kernel/fs/procfs/procfs.h"

namespace fs {

/// `number` as /proc/`path`: everyone reads it, root writes it.
template <auto& number, i64 lowest, i64 highest>
Result<> add_proc_number(std::string_view path) {
    using T = decltype(number.load());
    return procfs.add(
        path, [](base::Writer& out) -> Result<> { return base::format_to(out, "{}\n", number.load(std::memory_order_relaxed)), Result<>(); }, 0644,
        [](std::string_view text, Credentials const&) -> Result<> {
            number.store(static_cast<T>(TRY(parse_proc_number<i64>(text, lowest, highest))), std::memory_order_relaxed);
            return {};
        });
}

}
