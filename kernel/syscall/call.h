// SPDX-License-Identifier: MIT
// How a system call comes into the table: its family's header says CALL(), which declares the handler and is its row.
#pragma once

#include <asm/unistd_64.h>

#include "kernel/syscall/caller.h"

namespace syscall {

inline constexpr size_t table_size = 512;

/// What the table knows of the call `number`; one that no header speaks of has no handler.
template <size_t number>
struct Call {};

}

/// CALL(size_t, read, Fd fd, UserAddr address, u64 size): the call __NR_read is Result<size_t> sys_read(Caller& caller, Fd fd, …).
/// Two calls of one number do not compile.
#define CALL(type, call, ...)                                                        \
    Result<type> sys_##call(Caller& caller __VA_OPT__(,) __VA_ARGS__);               \
    template <>                                                                      \
    struct Call<__NR_##call> {                                                       \
        static_assert(__NR_##call < table_size);                                     \
        static constexpr char const* name = #call;                                   \
        static constexpr auto handler = sys_##call;                                  \
    };
