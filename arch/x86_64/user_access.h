// SPDX-License-Identifier: MIT
// Inside arch: enables SMAP's instructions.
#pragma once

namespace arch {

/// Replaces NOPs by STAC and CLAC. Runs on the boot page tables, where code is writable.
void patch_smap_sites();

}
