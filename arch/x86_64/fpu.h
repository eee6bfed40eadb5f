// SPDX-License-Identifier: MIT
// Extended state inside arch: set-up and the two halves of a switch.
#pragma once

#include <arch/context.h>

namespace arch {

void fpu_enable();                               ///< CR0, CR4, XCR0 of this CPU
void fpu_save(FpuArea* area);                    ///< the live state; interrupts off
/// Loads `context.fpu` unless it is what this CPU holds already. Interrupts off.
void fpu_load_if_elsewhere(ThreadContext& context);

}
