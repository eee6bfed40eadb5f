// SPDX-License-Identifier: MIT
// A thread's descriptor table and its directories: what clone(2) lets it share with the one that makes it, and unshare(2) takes apart.
#pragma once

#include "kernel/process/process.h"

namespace process {

/// `flags` of clone(2): CLONE_FILES and CLONE_FS share, or else the child gets copies. ENOMEM.
Result<> share_or_copy_tables(UserThread& child, UserThread const& parent, u64 flags);
/// The running thread's, from now on its own. ENOMEM.
Result<> unshare_descriptors(UserThread& thread);
Result<> unshare_names(UserThread& thread);
/// For exec: the thread's table if it is its own, else a copy. The caller is the only thread of its process.
Result<Ref<fs::DescriptorTable>> own_descriptors(UserThread const& thread);
/// The thread ends: gives both back, whose last user it may be.
void release_tables(UserThread& thread);

}
