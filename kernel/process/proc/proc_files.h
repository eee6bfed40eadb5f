// SPDX-License-Identifier: MIT
// The parts of /proc that kernel/process writes, a file each: the system (proc_system.cpp), memory
// (proc_memory.cpp), processes (proc_directory.cpp and what it calls).
#pragma once

#include <base/format.h>

#include "kernel/process/process.h"

namespace process {

/// Of whom a file in /proc speaks: a process, or one thread of it.
struct Shown {
    Ref<Process> process;
    Pid tid;                                     ///< 0: the process
    u64 start_time_ns = 0;                       ///< of the thread: its number may be used again

    bool is_thread() const { return tid.value != 0; }
    Pid id() const { return is_thread() ? tid : process->pid(); }
    /// The thread that is shown, or the process's first; null: it has ended.
    UserThread* thread() const REQUIRES(process->signal_lock) {
        if (!is_thread()) return process->threads.empty() ? nullptr : &process->threads.front();
        for (UserThread& one : process->threads)
            if (one.tid == tid && one.start_time_ns == start_time_ns) return &one;
        return nullptr;
    }
    bool exists() const;                         ///< false: reaped
};

/// /proc's entries that speak of the system or of processes. Called once from main.
Result<> register_proc_entries();

// ---- proc_memory.cpp
Result<> write_memory_info(base::Writer& out);
Result<> write_memory_events(base::Writer& out);

// ---- proc_directory.cpp
void register_process_directories();

// ---- proc_status.cpp: stat, status, statm of one process or thread
Result<> write_process_stat(Shown const& shown, u64, base::Writer& out);
Result<> write_process_status(Shown const& shown, u64, base::Writer& out);
Result<> write_process_statm(Shown const& shown, u64, base::Writer& out);

// ---- proc_values.cpp: the small files of one process
Result<> write_arguments(Shown const& shown, u64, base::Writer& out);
Result<> write_command_name(Shown const& shown, u64, base::Writer& out);
Result<> change_command_name(Shown const& shown, std::string_view text);         ///< EINVAL: not the caller's own
Result<> write_limits(Shown const& shown, u64, base::Writer& out);
Result<> write_oom_score(Shown const& shown, u64, base::Writer& out);
Result<> write_oom_adjustment(Shown const& shown, u64, base::Writer& out);
Result<> change_oom_adjustment(Shown const& shown, std::string_view text);       ///< EINVAL EACCES
// Of the program that ran when the file was opened (`opened`); of another nothing is shown.
Result<> write_environment(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_auxiliary_vector(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_maps(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_personality(Shown const& shown, u64 opened, base::Writer& out);
/// `opened` of the program that runs now, if the caller may look into it. EACCES.
Result<u64> open_program(Shown const& shown);

}
