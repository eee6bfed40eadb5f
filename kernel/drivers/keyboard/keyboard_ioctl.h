// SPDX-License-Identifier: MIT
// The requests of ioctl_console(2) that are about the keyboard.
#pragma once

#include <base/result.h>

#include "kernel/tty/terminal.h"

namespace drivers {

/// Does a request of the running process to the screen's terminal of the number `terminal` (fs::make_device()). ENOTTY: the request is
/// not about the keyboard. EPERM: it takes root, or at least that this is the process's own terminal. EINVAL, EFAULT, ENOMEM.
Result<i64> keyboard_ioctl(u64 terminal, u32 command, u64 argument);

}
