// SPDX-License-Identifier: MIT
// pidfd_open(2): a file that refers to one process, even after its number belongs to another.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/process/process.h"

namespace process {

/// The process whose /proc directory `file` is (/proc/PID itself); null: it is another file.
Ref<Process> process_of_directory(fs::File const& file);

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_pid_file(Ref<Process> process, u32 flags, fs::Credentials const& who);
/// Null: `file` is not a pid file.
Process* process_of(fs::File& file);

}
