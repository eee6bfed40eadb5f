// SPDX-License-Identifier: MIT
// Protects users from each other in directories that everyone may write to (/tmp): the protected_* files of
// /proc/sys/fs, proc(5). Inside fs only.
#pragma once

#include "kernel/fs/vfs.h"

namespace fs {

/// link(2): a new name for another user's file needs the right to read and write it, and the file may give no rights. EPERM.
Result<> may_link(Inode const& source, Credentials const& who);
/// A symbolic link at the end of a path, in a sticky directory that everyone may write to: only the caller's own or the
/// directory owner's is followed. EACCES.
Result<> may_follow(Inode const& link, Ownership const& directory, Credentials const& who);
/// open(2) with O_CREAT of what is there already, in a sticky directory: not another's FIFO or file. EACCES.
Result<> may_open_in_place_of_new(Inode const& file, Ownership const& directory, Credentials const& who);

/// /proc/sys/fs/protected_*: 0 is off. Ordering: relaxed, each stands alone.
extern constinit std::atomic<u32> protected_hardlinks, protected_symlinks, protected_fifos, protected_regular;

}
