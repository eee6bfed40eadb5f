// SPDX-License-Identifier: MIT
// An open directory. Its position is a place in the listing: 0 ".", 1 "..", then the file system's own.
#pragma once

#include "kernel/fs/file.h"

namespace fs {

Result<Ref<File>> open_directory(Dentry& dentry, u32 flags);

}
