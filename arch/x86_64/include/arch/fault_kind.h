// SPDX-License-Identifier: MIT
// FaultKind: the kind of access that a page fault is about.
#pragma once

#include <base/types.h>

namespace arch {

enum class FaultKind : u8 { Read, Write, Execute };

}
