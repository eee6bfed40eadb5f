// SPDX-License-Identifier: MIT
// IOMMUs that the firmware has left translating (pre-boot DMA protection) would stop every device that a driver starts, without a word.
// They are switched off; this kernel has no tables for them. Intel VT-d specification, 11.4; AMD I/O Virtualization (48882), 3.4.
#pragma once

namespace arch {

/// After the ACPI tables were read, before any device is used.
void switch_iommus_off();

}
