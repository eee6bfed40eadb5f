// SPDX-License-Identifier: MIT
// What the build preset chose, as constants for `if constexpr`.
#pragma once

namespace config {
#if defined(AUBRAC_DEBUG)
inline constexpr bool debug = true;
#else
inline constexpr bool debug = false;
#endif
}
