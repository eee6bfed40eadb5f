// SPDX-License-Identifier: MIT
// The SysRq keys for processes and memory, and their files in /proc.
#pragma once

#include <base/result.h>

namespace process {

/// Registers the handler of the keys and the files. ENOMEM.
Result<> start_sysrq();

}
