// SPDX-License-Identifier: MIT
// What follows a panic when no emulator ends by itself: Linux's `panic=` parameter.
#pragma once

#include <base/from_above.h>
#include <base/types.h>

namespace base {

/// Negative: reset at once. 0 (default): halt. Positive: reset after so many seconds.
void set_panic_timeout(i64 seconds);

/// Says who was running: called in a panic, with interrupts off, whatever locks are held; it takes none and only logs.
extern constinit FromAbove<void()> panic_notes;

}
