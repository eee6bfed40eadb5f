// SPDX-License-Identifier: MIT
// The engine of /proc: subsystems register text files; process/ provides the per-process
// directories through ProcessProvider. Text is made whole at open, and again by a seek to the
// start. No inode is kept: each lookup makes one, so entries may come and go by themselves.
#pragma once

#include <atomic>
#include <optional>

#include "kernel/fs/vfs.h"

namespace fs {

/// Makes the whole text of one entry. May sleep.
using ProcText = Result<> (*)(base::Writer& out);
/// Takes a write to an entry. EINVAL. `who` is the superuser or nobody: what the opener was.
using ProcWrite = Result<> (*)(std::string_view text, Credentials const& who);

/// Files of one process, implemented by kernel/process. `name`: "stat", "cmdline", "exe", …
class ProcessProvider {
public:
    struct Entry { std::string_view name; FileType type; u32 permissions; };   ///< Regular: text(); Symlink: link(). fd, mounts and mountinfo are the engine's own
    virtual bool exists(Pid pid) = 0;
    /// The next live pid after `previous`, in order, or nothing.
    virtual std::optional<Pid> next(Pid previous) = 0;
    virtual std::optional<Pid> current() = 0;                                        ///< /proc/self
    virtual std::span<Entry const> entries() = 0;
    virtual Result<> text(Pid pid, std::string_view name, base::Writer& out) = 0;     ///< ESRCH when gone
    virtual Result<Ref<Dentry>> link(Pid pid, std::string_view name) = 0;             ///< exe, cwd, root
    virtual Result<Ref<File>> file(Pid pid, Fd fd) = 0;                               ///< fd/N
    virtual std::optional<Fd> next_descriptor(Pid pid, Fd from) = 0;                  ///< fd/ listing
    /// Of its directory, and of what is in there: the second is root's while the process is not dumpable.
    virtual std::pair<UserId, GroupId> owner(Pid pid, bool of_directory) = 0;
    /// Whether the caller may see its descriptors and directories. EACCES ESRCH.
    virtual Result<> may_look_into(Pid pid) = 0;
    virtual bool is_own(Pid pid) = 0;                                                ///< the caller's
protected:
    ~ProcessProvider() = default;
};

class ProcFs final : public FileSystem {
public:
    constexpr ProcFs() = default;
    /// mounts, filesystems, self. Called once from main.
    Result<> initialize();
    /// `path` below /proc, "meminfo" or "sys/kernel/hostname"; directories are made. EEXIST ENOMEM.
    Result<> add(std::string_view path, ProcText text, u32 permissions = 0444, ProcWrite write = nullptr);
    /// A symbolic link with a fixed text, which must be a literal.
    Result<> add_link(std::string_view path, std::string_view target);
    void set_process_provider(ProcessProvider& provider) { provider_.store(&provider, std::memory_order_release); }
    FileSystem& file_system() { return *this; }

    std::string_view type_name() const override { return "proc"; }
    Ref<Inode> root() override;                      ///< null: out of memory
    u64 device() const override { return device_; }
    Statistics statistics() override;
    ProcessProvider* provider() const { return provider_.load(std::memory_order_acquire); }

    struct Node;                                     ///< one registered name
private:
    struct Leaf;
    Result<> enter(std::string_view path, Leaf const& leaf);

    u64 device_ = 0;
    std::atomic<ProcessProvider*> provider_{nullptr};
    Node* top_ = nullptr;                            ///< made once; nodes are never removed
};

extern constinit ProcFs procfs;

}
