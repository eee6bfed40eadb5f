// SPDX-License-Identifier: MIT
// Numbers below /proc/sys that root may change while the machine runs.
#pragma once

#include <charconv>

#include <base/format.h>

#include "kernel/fs/procfs.h"

namespace fs {

/// A decimal number with nothing but blanks around it. EINVAL.
template <class T>
Result<T> parse_proc_number(std::string_view text, T lowest, T highest) {
    constexpr std::string_view space = " \t\n";
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < lowest || value > highest) return fail(EINVAL);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.find_first_not_of(space) != text.npos) return fail(EINVAL);
    return value;
}

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
