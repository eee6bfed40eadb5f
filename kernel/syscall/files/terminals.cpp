// SPDX-License-Identifier: MIT
// vhangup(2). What else programs ask of terminals goes through ioctl(2).
#include "kernel/syscall/files/files.h"
#include "kernel/tty/terminal.h"

namespace syscall {

Result<> sys_vhangup(Caller& caller) {
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    if (auto const terminal = tty::own_terminal()) terminal->hang_up();
    return {};
}

}
