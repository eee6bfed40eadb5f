// SPDX-License-Identifier: MIT
// Files in memory that no directory holds: memfd_create(2).
#pragma once

#include "kernel/fs/file.h"

namespace fs {

/// Called once from main. ENOMEM.
Result<> initialize_memory_files();
/// An empty file, open for reading and writing, that calls itself `name`. `seals`: F_SEAL_*. ENOMEM.
Result<Ref<File>> make_memory_file(std::string_view name, u32 permissions, u32 seals, Credentials const& who);

}
