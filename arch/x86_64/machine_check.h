// SPDX-License-Identifier: MIT
// Machine checks: errors of the hardware itself, kept in banks of registers (Intel SDM vol. 3, 16.3).
#pragma once

#include <base/types.h>

namespace base { class Writer; }

namespace arch {

/// Enables reporting in every bank of this CPU, and logs and clears errors left from before the reset. Called on each
/// CPU.
void machine_check_start_here();
/// Logs the contents of this CPU's banks, in a panic.
void machine_check_report();

/// Describes one bank in words. Pure.
void describe_bank(base::Writer& out, u32 bank, u64 status, u64 address, u64 miscellaneous);

}
