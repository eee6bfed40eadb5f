// SPDX-License-Identifier: MIT
// The lock commands of fcntl(2).
#pragma once

#include "kernel/syscall/caller.h"

namespace syscall {

bool is_lock_command(u32 command);
/// F_GETLK … F_OFD_SETLKW. EBADF EINVAL EFAULT EAGAIN EDEADLK ENOLCK.
Result<> control_lock(Caller& caller, Fd fd, fs::File& file, u32 command, UserAddr argument);

}
