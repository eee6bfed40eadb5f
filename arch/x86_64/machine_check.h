// SPDX-License-Identifier: MIT
// Machine checks: errors of the hardware itself, kept in banks of registers (Intel SDM vol. 3, 16.3).
#pragma once

#include <base/types.h>

namespace base { class Writer; }

namespace arch {

/// Turns reporting on in every bank of this CPU and clears what is left of before the reset, which is logged. On each CPU.
void machine_check_start_here();
/// Logs what the banks of this CPU say, in a panic.
void machine_check_report();

/// One bank in words. Pure.
void describe_bank(base::Writer& out, u32 bank, u64 status, u64 address, u64 miscellaneous);

}
