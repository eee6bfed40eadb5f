// SPDX-License-Identifier: MIT
// pidfd_open(2): a file that stands for one process, whoever may have its number later.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/process/process.h"

namespace process {

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_pid_file(Ref<Process> process, u32 flags, fs::Credentials const& who);
/// Null: it is no such file.
Process* process_of(fs::File& file);

}
