// SPDX-License-Identifier: MIT
// What SysRq keys ask of processes and memory, and their files in /proc.
#pragma once

#include <base/result.h>

namespace process {

/// From now on keys are heard. ENOMEM.
Result<> start_sysrq();

}
