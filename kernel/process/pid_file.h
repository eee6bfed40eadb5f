// SPDX-License-Identifier: MIT
// pidfd_open(2): a file that stands for one process, whoever may have its number later.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/process/process.h"

namespace process {

/// Whose directory in /proc an open file is (/proc/PID itself); null: it is something else.
Ref<Process> process_of_directory(fs::File const& file);

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_pid_file(Ref<Process> process, u32 flags, fs::Credentials const& who);
/// Null: it is no such file.
Process* process_of(fs::File& file);

}
