// SPDX-License-Identifier: MIT
// The caller of a system call, and how its registers become typed arguments and its Result
// the value in rax. errno is negated here and nowhere else.
#pragma once

#include <type_traits>

#include <arch/context.h>
#include <base/result.h>

#include "kernel/process/process.h"
#include "mm/user/user_access.h"

namespace syscall {

struct Caller {
    process::UserThread& thread;
    process::Process& process;
    TrapFrame& frame;
};

/// What a table row calls.
using Entry = i64 (*)(Caller&);

namespace detail {

template <class T>
constexpr T from_register(u64 value) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(value);
    else if constexpr (requires { T::value; }) return T(static_cast<decltype(T::value)>(value));   // Fd, Pid, UserId
    else return T(value);                                                                           // UserAddr, UserPtr<…>
}

template <class T>
constexpr i64 to_register(T const& value) {
    if constexpr (std::is_integral_v<T>) return static_cast<i64>(value);
    else if constexpr (std::is_same_v<T, UserAddr>) return static_cast<i64>(value.value());
    else return static_cast<i64>(value.value);
}

template <class T>
constexpr i64 result_register(Result<T> const& result) {
    if (!result) [[unlikely]] return -static_cast<i64>(result.error().value);
    if constexpr (std::is_void_v<T>) return 0;
    else return to_register(*result);
}

template <size_t index>
inline u64 argument(TrapFrame const& frame) {
    if constexpr (index == 0) return frame.rdi;
    else if constexpr (index == 1) return frame.rsi;
    else if constexpr (index == 2) return frame.rdx;
    else if constexpr (index == 3) return frame.r10;
    else if constexpr (index == 4) return frame.r8;
    else return frame.r9;
}

template <auto handler>
struct Unpack;

template <class R, class... A, Result<R> (*handler)(Caller&, A...)>
struct Unpack<handler> {
    static i64 call(Caller& caller) {
        return [&]<size_t... i>(std::index_sequence<i...>) {
            return result_register(handler(caller, from_register<A>(argument<i>(caller.frame))...));
        }(std::index_sequence_for<A...>{});
    }
};

}

/// The table row of a handler.
template <auto handler>
inline constexpr Entry entry = detail::Unpack<handler>::call;

}
