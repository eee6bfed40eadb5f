// SPDX-License-Identifier: MIT
// The only instructions that access a program's memory through its own addresses. They check the range, open SMAP,
// and survive faults through the exception table. Call where page faults are allowed (no spin lock held). Higher
// floors use mm/user/user_access.h.
#pragma once

#include <base/types.h>

struct TrapFrame;

namespace arch {

/// Copies; returns the number of bytes *not* copied (0: success).
[[nodiscard]] size_t copy_from_user(void* to, UserAddr from, size_t bytes);
[[nodiscard]] size_t copy_to_user(UserAddr to, void const* from, size_t bytes);
/// Writes zeros; returns the number of bytes not written.
[[nodiscard]] size_t clear_user(UserAddr to, size_t bytes);
/// Length of the string without its NUL, at most `limit` (then no NUL was found); -1: a fault. Copies what it reads
/// to `to` (which has room for `limit` bytes).
[[nodiscard]] i64 copy_string_from_user(char* to, UserAddr from, size_t limit);

/// Atomic word operations for CLEARTID and futexes; false: a fault.
[[nodiscard]] bool read_user_u32(UserAddr from, u32& value);
[[nodiscard]] bool write_user_u32(UserAddr to, u32 value);

/// Stores `desired` if the word is `expected`; `previous` becomes the old value. False: a fault.
[[nodiscard]] bool compare_exchange_user_u32(UserAddr at, u32 expected, u32 desired, u32& previous);

/// True if the instruction at `rip` may fault on a program's memory and has a fix-up: no other kernel code may access
/// a program's address.
bool has_fix_up(u64 rip);
/// True if a kernel-mode fault at `rip` has a fix-up; then sets it in the frame.
bool fix_up_exception(::TrapFrame& frame);

}
