// SPDX-License-Identifier: MIT
// Whose turn it was when the kernel panicked: thread, process, system call, and where the program was.
#pragma once

namespace syscall {

/// As base::panic_notes.
void say_who_was_running();

}
