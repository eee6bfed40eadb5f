// SPDX-License-Identifier: MIT
// What follows a panic when no emulator ends by itself: Linux's `panic=` parameter.
#pragma once

#include <base/types.h>

namespace base {

/// Negative: reset at once. 0 (default): halt. Positive: reset after so many seconds.
void set_panic_timeout(i64 seconds);

/// What says who was running: called in a panic, with interrupts off, whatever locks are held; it takes none and only logs.
void set_panic_notes(void (*notes)());

}
