// SPDX-License-Identifier: MIT
// Changes of a process's user and groups: setuid(2), setreuid(2), setresuid(2), setfsuid(2), setgroups(2), for users and
// groups alike. A process changes only its own credentials. Privilege means effective user 0.
#pragma once

#include <span>

#include "kernel/process/process.h"

namespace process {

enum class IdKind : u8 { User, Group };
inline constexpr u32 unchanged_id = ~0u;         ///< as an argument: this id stays as it is

// `thread` is the running one. EPERM; EAGAIN: no memory.
Result<> set_id(UserThread& thread, IdKind kind, u32 id);                                     ///< setuid(2), setgid(2); EINVAL
Result<> set_two_ids(UserThread& thread, IdKind kind, u32 real, u32 effective);               ///< setreuid(2)
Result<> set_three_ids(UserThread& thread, IdKind kind, u32 real, u32 effective, u32 saved);  ///< setresuid(2)
Result<u32> set_file_id(UserThread& thread, IdKind kind, u32 id);                             ///< setfsuid(2): returns the old id
/// setgroups(2), at most Credentials::max_groups. EINVAL. Sorts `list`.
Result<> set_groups(UserThread& thread, std::span<u32> list);

}
