// SPDX-License-Identifier: MIT
// The requests of ioctl_console(2) that are about the keyboard.
#pragma once

#include <base/result.h>

#include "kernel/tty/terminal.h"

namespace drivers {

/// A request of the running process to the screen's terminal whose number is `terminal` (fs::make_device()). ENOTTY: it is
/// none of the keyboard's. EPERM: it is neither root's nor the process's own terminal. EINVAL, EFAULT, ENOMEM.
Result<i64> keyboard_ioctl(u64 terminal, u32 command, u64 argument);

}
