// SPDX-License-Identifier: MIT
// A thread's descriptor table, its directories and what semaphores get back from it: what clone(2) lets it share with the one that makes it, and unshare(2) takes apart.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// `flags` of clone(2): CLONE_FILES and CLONE_FS share, or else the child gets copies; CLONE_SYSVSEM shares what is to be undone at the
/// end, or else there is nothing yet. ENOMEM.
Result<> share_or_copy_tables(UserThread& child, UserThread& parent, u64 flags);
/// The running thread's, from now on its own. ENOMEM.
Result<> unshare_descriptors(UserThread& thread);
Result<> unshare_names(UserThread& thread);
/// The running thread has no part any more in what is to be undone at the end of others (SEM_UNDO).
void leave_semaphore_undos(UserThread& thread);
/// For exec: the thread's table if it is its own, else a copy. The caller is the only thread of its process.
Result<Ref<fs::DescriptorTable>> own_descriptors(UserThread const& thread);
/// The thread ends: gives all back, whose last user it may be.
void release_tables(UserThread& thread);

}
