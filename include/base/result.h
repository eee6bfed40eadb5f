// SPDX-License-Identifier: MIT
// Result<T>: a value or a Linux errno. TRY(e) yields the value, or returns the error from the enclosing function. The
// errno values are the UAPI's own macros.
#pragma once

#include <asm/errno.h>
#include <expected>
#include <utility>

#include <base/types.h>

/// A Linux errno, always positive. Made from the UAPI macros: `fail(ENOENT)`.
struct Errno {
    int value;
    explicit constexpr Errno(int number) : value(number) {}
    constexpr bool operator==(Errno const&) const = default;
};

// No program ever sees these: signal delivery turns them into EINTR or a restart (they are three of the four in
// Linux's include/linux/errno.h).
inline constexpr int restart_sys = 512;            ///< restart if the handler has SA_RESTART
inline constexpr int restart_no_intr = 513;        ///< restart always
inline constexpr int restart_no_hand = 514;        ///< restart if no handler ran

template <class T = void>
using Result = std::expected<T, Errno>;

[[nodiscard]] constexpr std::unexpected<Errno> fail(int number) { return std::unexpected<Errno>(Errno(number)); }
[[nodiscard]] constexpr std::unexpected<Errno> fail(Errno error) { return std::unexpected<Errno>(error); }

namespace detail {
template <class T>
constexpr T take(std::expected<T, Errno>&& result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}

#define TRY(expression) TRY_NAMED_(expression, __COUNTER__)
#define TRY_NAMED_(expression, number) TRY_AS_(expression, number)
// A name of its own: one TRY may stand within another.
#define TRY_AS_(expression, number)                                       \
    ({                                                                    \
        auto&& try_result_##number = (expression);                        \
        if (!try_result_##number.has_value()) [[unlikely]]                \
            return ::fail(try_result_##number.error());                   \
        ::detail::take(std::move(try_result_##number));                   \
    })
