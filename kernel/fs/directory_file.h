// SPDX-License-Identifier: MIT
// An open directory. Its position is a place in the listing: 0 is ".", 1 is "..", the rest are the file system's own.
#pragma once

#include "kernel/fs/file.h"

namespace fs {

Result<Ref<File>> open_directory(Dentry& dentry, u32 flags);

}
