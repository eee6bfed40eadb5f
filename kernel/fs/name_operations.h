// SPDX-License-Identifier: MIT
// Making a file in a directory, shared by open(2) and related calls. Inside fs only.
#pragma once

#include "kernel/fs/vfs.h"

namespace fs {

/// Owner, group and mode of a new file in `directory`: umask and setgid directories applied.
NewFile describe_new_file(Inode const& directory, Walk const& walk, FileType type, u32 mode);
/// Makes it, with the check of the directory's rights. EEXIST EACCES ENOSPC.
Result<Ref<Dentry>> create_in(Dentry& directory, std::string_view name, Credentials const& who, NewFile const& file);

}
