// SPDX-License-Identifier: MIT
// The directories of processes in /proc. Inside fs only.
#pragma once

#include "kernel/fs/procfs/procfs.h"

namespace fs {

/// /proc/`name`, if it is the number of a process. ENOENT.
Result<Ref<Inode>> lookup_process(std::string_view name);
/// Lists the processes; offsets are above all others of /proc's own. False: the sink is full.
bool list_processes(u64 offset, DirectorySink& sink);
/// The decimal number `text` is, if it is one without leading zeros.
std::optional<i32> parse_number(std::string_view text);

}
