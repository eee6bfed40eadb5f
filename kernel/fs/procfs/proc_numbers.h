// SPDX-License-Identifier: MIT
// Numbers of /proc/sys that a program may change: text and writing of one atomic word.
#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <string_view>

#include <base/format.h>

#include "kernel/fs/credentials.h"

namespace fs {

/// A decimal number: blanks before it, and what follows a blank behind it, do not count, as on Linux. EINVAL.
template <class T>
Result<T> parse_proc_number(std::string_view text, T lowest, T highest) {
    constexpr std::string_view blanks = " \t\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    T value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < lowest || value > highest) return fail(EINVAL);
    std::string_view const rest(end, text.data() + text.size());
    if (!rest.empty() && rest[0] != 0 && !blanks.contains(rest[0])) return fail(EINVAL);
    return value;
}
inline Result<i64> first_number(std::string_view text) { return parse_proc_number<i64>(text, INT64_MIN, INT64_MAX); }

template <std::atomic<u32>& setting>
Result<> write_setting(base::Writer& out) {
    base::format_to(out, "{}\n", setting.load(std::memory_order_relaxed));
    return {};
}

template <std::atomic<u32>& setting, u32 lowest, u32 highest>
Result<> change_setting(std::string_view text, Credentials const&) {
    i64 const value = TRY(first_number(text));
    if (value < lowest || value > highest) return fail(EINVAL);
    setting.store(static_cast<u32>(value), std::memory_order_relaxed);
    return {};
}

}
