// SPDX-License-Identifier: MIT
// The engine of /proc: subsystems register text files; process/ provides the per-process
// directories through ProcessDirectory. Text is made whole at open (seq_file's role) or first read.
#pragma once

#include "kernel/fs/vfs.h"

namespace base { class Writer; }

namespace fs {

/// Makes the whole text of one entry. May sleep.
using ProcText = Result<> (*)(base::Writer& out);
/// Takes a write to an entry. EINVAL.
using ProcWrite = Result<> (*)(std::string_view text, Credentials const& who);

/// Files of one process, implemented by kernel/process. `name`: "stat", "cmdline", "exe", …
class ProcessProvider {
public:
    struct Entry { std::string_view name; FileType type; u32 permissions; };
    virtual bool exists(Pid pid) = 0;
    /// The next live pid after `previous`, in order, or nothing.
    virtual std::optional<Pid> next(Pid previous) = 0;
    virtual std::optional<Pid> current() = 0;                                        ///< /proc/self
    virtual std::span<Entry const> entries() = 0;
    virtual Result<> text(Pid pid, std::string_view name, base::Writer& out) = 0;     ///< ESRCH when gone
    virtual Result<Ref<Dentry>> link(Pid pid, std::string_view name) = 0;             ///< exe, cwd, root
    virtual Result<Ref<File>> file(Pid pid, Fd fd) = 0;                               ///< fd/N
    virtual std::optional<Fd> next_descriptor(Pid pid, Fd from) = 0;                  ///< fd/ listing
    virtual std::pair<UserId, GroupId> owner(Pid pid) = 0;
protected:
    ~ProcessProvider() = default;
};

class ProcFs {
public:
    constexpr ProcFs() = default;
    Result<> initialize();
    /// `path` below /proc, "meminfo" or "sys/kernel/hostname"; directories are made.
    Result<> add(std::string_view path, ProcText text, u32 permissions = 0444, ProcWrite write = nullptr);
    void set_process_provider(ProcessProvider& provider);
    FileSystem& file_system();
private:
    // FS fills in.
};

extern constinit ProcFs procfs;

}
