// SPDX-License-Identifier: MIT
// The parts of /proc that kernel/process writes, a file each: the system (proc_system.cpp), memory
// (proc_memory.cpp), processes (proc_directory.cpp and what it calls).
#pragma once

#include <base/format.h>

#include "kernel/process/process.h"

namespace process {

// ---- proc_memory.cpp
Result<> write_memory_info(base::Writer& out);
Result<> write_memory_events(base::Writer& out);

// ---- proc_directory.cpp
void register_process_directories();

// ---- proc_status.cpp: stat, status, statm of one process
Result<> write_process_stat(Process const& process, base::Writer& out);
Result<> write_process_status(Process const& process, base::Writer& out);
Result<> write_process_statm(Process const& process, base::Writer& out);


}
