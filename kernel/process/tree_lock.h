// SPDX-License-Identifier: MIT
// The lock of the process tree: parents and children, groups and sessions, numbers. Process, UserThread and ProcessManager say which
// of their fields it guards. It is a spin lock with interrupts off, because terminals signal groups from interrupts.
// Nothing is freed under it.
#pragma once

#include <arch/spin_lock.h>

namespace process {

using TreeLock = SpinLock<LockRank::process_tree, InterruptsOff>;
using TreeGuard = TreeLock::Guard;

extern constinit TreeLock tree_lock;

}
