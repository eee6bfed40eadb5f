// SPDX-License-Identifier: MIT
// A thread's descriptor table, its directories and its semaphore undo list (SEM_UNDO): clone(2) lets a child share them with the
// thread that makes it, and unshare(2) separates them.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// `flags` of clone(2): CLONE_FILES and CLONE_FS share the table, otherwise the child gets a copy; CLONE_SYSVSEM shares the undo
/// list, otherwise the child has none yet. ENOMEM.
Result<> share_or_copy_tables(UserThread& child, UserThread& parent, u64 flags);
/// Makes the running thread's table its own. ENOMEM.
Result<> unshare_descriptors(UserThread& thread);
Result<> unshare_names(UserThread& thread);
/// The running thread leaves the undo list (SEM_UNDO) that it may share with others.
void leave_semaphore_undos(UserThread& thread);
/// For exec: the thread's table if it is its own, else a copy. The caller is the only thread of its process.
Result<Ref<fs::DescriptorTable>> own_descriptors(UserThread const& thread);
/// The thread ends: drops its references, of which each may be the last.
void release_tables(UserThread& thread);

}
