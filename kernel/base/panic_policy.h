// SPDX-License-Identifier: MIT
// What happens after a panic if no emulator ends the machine: Linux's `panic=` parameter.
#pragma once

#include <base/from_above.h>
#include <base/types.h>

namespace base {

/// Negative: reset at once. 0 (default): halt. Positive: reset after that many seconds.
void set_panic_timeout(i64 seconds);

/// Logs what was running: called in a panic, with interrupts off and any locks held; it takes no lock and only logs.
extern constinit FromAbove<void()> panic_notes;

}
