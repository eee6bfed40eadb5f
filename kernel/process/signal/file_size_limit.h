// SPDX-License-Identifier: MIT
// RLIMIT_FSIZE, the answer to what file systems ask (fs::size_limit).
#pragma once

namespace process {

/// Called once at boot.
void register_size_limit();

}
