// SPDX-License-Identifier: MIT
// The engine of /proc: subsystems register text files; process/ provides the per-process
// directories through ProcessProvider. Text is made whole by a read at the start. No inode is kept: each lookup makes one, so entries may come and go by themselves.
#pragma once

#include <atomic>
#include <optional>

#include <base/from_above.h>

#include "kernel/fs/vfs.h"

namespace fs {

/// Makes the whole text of one entry. May sleep.
using ProcText = Result<> (*)(base::Writer& out);
/// Takes a write to an entry. EINVAL. `who` is the superuser or nobody: what the opener was.
using ProcWrite = Result<> (*)(std::string_view text, Credentials const& who);

/// A process, or one thread of it, as its directory in /proc holds it: always the same one, even if its number is used again.
/// Implemented by kernel/process. Methods fail with ESRCH once it has ended and been reaped.
class ProcessSubject : public RefCounted<ProcessSubject> {
public:
    /// Regular: text(), write() where permissions have a 2; Symlink: link(). fd, task, mounts and mountinfo are the engine's own.
    struct Entry { std::string_view name; FileType type; u32 permissions; };
    virtual ~ProcessSubject() = default;
    virtual Pid id() const = 0;                                                       ///< of the process, or of the thread
    virtual bool is_thread() const = 0;                                               ///< below task/
    virtual bool exists() const = 0;                                                  ///< false: reaped
    virtual std::span<Entry const> entries() const = 0;
    /// Asks for the rights to a text. What it gives is handed to text(). EACCES.
    virtual Result<u64> open(std::string_view name) const = 0;
    virtual Result<> text(std::string_view name, u64 opened, base::Writer& out) const = 0;
    virtual Result<> write(std::string_view name, std::string_view text) = 0;        ///< by the running thread. EINVAL EACCES
    virtual Result<Ref<Dentry>> link(std::string_view name) const = 0;                ///< exe, cwd, root: ENOENT, EACCES without the rights
    virtual Result<Ref<File>> file(Fd fd) const = 0;                                  ///< fd/N, likewise
    virtual Result<u32> modes_of(Fd fd) const = 0;                                    ///< the permissions that show how it is open: ENOENT
    virtual std::optional<Fd> next_descriptor(Fd from) const = 0;                     ///< fd/ listing
    virtual Result<Ref<ProcessSubject>> thread(Pid tid) const = 0;                    ///< task/TID: ENOENT
    virtual std::optional<Pid> next_thread(Pid previous) const = 0;                   ///< in order of numbers
    /// Of its directory, and of what is in there: the second is root's while the process is not dumpable.
    virtual std::pair<UserId, GroupId> owner(bool of_directory) const = 0;
    virtual bool is_own() const = 0;                                                  ///< the caller's
};

class ProcessProvider {
public:
    struct Self { Pid process, thread; };
    virtual Result<Ref<ProcessSubject>> find(Pid pid) = 0;                            ///< ENOENT ENOMEM
    /// The next live pid after `previous`, in order, or nothing.
    virtual std::optional<Pid> next(Pid previous) = 0;
    virtual std::optional<Self> current() = 0;                                        ///< /proc/self, /proc/thread-self
protected:
    ~ProcessProvider() = default;
};

class ProcFs final : public FileSystem {
public:
    constexpr ProcFs() = default;
    /// mounts, filesystems, self, thread-self. Called once from main.
    Result<> initialize();
    /// `path` below /proc, "meminfo" or "sys/kernel/hostname"; directories are made. EEXIST ENOMEM.
    Result<> add(std::string_view path, ProcText text, u32 permissions = 0444, ProcWrite write = nullptr);
    /// A symbolic link with a fixed text, which must be a literal.
    Result<> add_link(std::string_view path, std::string_view target);
    base::FromAbove<ProcessProvider> processes;
    FileSystem& file_system() { return *this; }

    std::string_view type_name() const override { return "proc"; }
    Ref<Inode> root() override;                      ///< null: out of memory
    u64 device() const override { return device_; }
    Statistics statistics() override;
    /// Whose directory /proc/PID this is; null: it is something else.
    static Ref<ProcessSubject> subject_of(File const& file);

    struct Node;                                     ///< one registered name
private:
    struct Leaf;
    Result<> enter(std::string_view path, Leaf const& leaf);

    u64 device_ = 0;
    Node* top_ = nullptr;                            ///< made once; nodes are never removed
};

extern constinit ProcFs procfs;

}
