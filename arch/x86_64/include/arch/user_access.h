// SPDX-License-Identifier: MIT
// The only instructions that touch a program's memory. They check the range, open
// SMAP, and survive faults through the exception table. Call with page faults
// allowed (no spin lock held). mm/user/user_access.h is what others use.
#pragma once

#include <base/types.h>

struct TrapFrame;

namespace arch {

/// Copies; returns how many bytes were *not* copied (0: all went well).
[[nodiscard]] size_t copy_from_user(void* to, UserAddr from, size_t bytes);
[[nodiscard]] size_t copy_to_user(UserAddr to, void const* from, size_t bytes);
/// Writes zeros; returns how many bytes were not written.
[[nodiscard]] size_t clear_user(UserAddr to, size_t bytes);
/// Length of the string without its NUL, at most `limit` (then no NUL was seen); -1: a fault.
/// Copies what it reads to `to` (which has room for `limit` bytes).
[[nodiscard]] i64 copy_string_from_user(char* to, UserAddr from, size_t limit);

/// Atomic word operations for CLEARTID and futexes; false: a fault.
[[nodiscard]] bool read_user_u32(UserAddr from, u32& value);
[[nodiscard]] bool write_user_u32(UserAddr to, u32 value);

/// Stores `desired` if the word is `expected`; `previous` is what was there. false: a fault.
[[nodiscard]] bool compare_exchange_user_u32(UserAddr at, u32 expected, u32 desired, u32& previous);

/// True if the instruction at `rip` may fault on a program's memory and has a fix-up: no other
/// kernel code may touch a program's address.
bool has_fix_up(u64 rip);
/// True if a kernel-mode fault at `rip` has a fix-up; then sets it in the frame.
bool fix_up_exception(::TrapFrame& frame);

}
