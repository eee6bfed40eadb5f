// SPDX-License-Identifier: MIT
// Inside arch: turning SMAP's instructions on.
#pragma once

namespace arch {

/// Puts STAC and CLAC where the code has NOPs. On the boot page tables, where code is writable.
void patch_smap_sites();

}
