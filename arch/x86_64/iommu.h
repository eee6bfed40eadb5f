// SPDX-License-Identifier: MIT
// An IOMMU that the firmware leaves translating (pre-boot DMA protection) would silently block every device that a
// driver starts. IOMMUs are switched off, because this kernel has no tables for them. Intel VT-d specification, 11.4;
// AMD I/O Virtualization (48882), 3.4.
#pragma once

namespace arch {

/// Call after the ACPI tables have been read and before any device is used.
void switch_iommus_off();

}
