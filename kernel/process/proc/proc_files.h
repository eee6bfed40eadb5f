// SPDX-License-Identifier: MIT
// The parts of /proc that this room writes, each in a source of its own: the system (proc_system.cpp), memory
// (proc_memory.cpp), processes (proc_directory.cpp, with proc_status.cpp and proc_values.cpp).
#pragma once

#include <base/format.h>

#include "kernel/process/process.h"

namespace process {

/// The subject of a file in /proc: a process, or one thread of it.
struct Shown {
    Ref<Process> process;
    Pid tid;                                     ///< 0: the process
    u64 start_time_ns = 0;                       ///< of the thread, because its number may be reused

    bool is_thread() const { return tid.value != 0; }
    Pid id() const { return is_thread() ? tid : process->pid(); }
    /// The thread that is shown, or the first one of the process's list; null: it has ended.
    UserThread* thread() const REQUIRES(process->signal_lock) {
        if (!is_thread()) return process->threads.empty() ? nullptr : &process->threads.front();
        for (UserThread& one : process->threads)
            if (one.tid == tid && one.start_time_ns == start_time_ns) return &one;
        return nullptr;
    }
    bool exists() const;                         ///< false: reaped
};

/// Registers the entries of /proc about the system and about processes. Called once from main.
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
// These show the program that ran when the file was opened (`opened`); for a later program they show nothing.
Result<> write_environment(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_auxiliary_vector(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_maps(Shown const& shown, u64 opened, base::Writer& out);
Result<> write_personality(Shown const& shown, u64 opened, base::Writer& out);
/// The `opened` of the current program, if the caller may look into it. EACCES.
Result<u64> open_program(Shown const& shown);

}
