// SPDX-License-Identifier: MIT
// RLIMIT_FSIZE, as file systems ask for it (fs::size_limit).
#pragma once

namespace process {

/// Called once at boot.
void register_size_limit();

}
