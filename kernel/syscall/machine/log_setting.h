// SPDX-License-Identifier: MIT
// Who may read the log: /proc/sys/kernel/dmesg_restrict, syslog(2).
#pragma once

#include <base/result.h>

namespace syscall {

/// Called once at boot. ENOMEM.
Result<> register_log_setting();

}
