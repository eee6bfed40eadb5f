// SPDX-License-Identifier: MIT
// Inode: one file of any type, in any file system. inode(7). Owner, mode, link count and times
// live here, guarded by attribute_lock_. A caller that changes owner, mode or times decides and changes within one hold of it;
// a caller that only checks reads mode and owner as one snapshot, without the lock.
// A directory either stores its names in the tree (names() is its table: tmpfs, devfs)
// or makes an inode at each lookup (procfs).
#pragma once

#include <string_view>

#include <arch/spin_lock.h>
#include <base/from_above.h>
#include <base/ref.h>
#include <base/result.h>

#include "kernel/fs/credentials.h"
#include "mm/user/vm_object.h"

namespace fs {

class File;
class Dentry;
class FileLocks;
class FileSystem;
class Names;
struct TreeEdit;

enum class FileType : u8 { Regular, Directory, Symlink, CharacterDevice, BlockDevice, Fifo, Socket, Nameless };   ///< Nameless: what no directory can hold (eventfd, epoll …): no S_IFMT bits

/// Held for each change of names (dentry.h) and of owner and mode, so that a name is made or removed in the same hold that checks
/// the caller's rights.
using TreeLock = SpinLock<LockRank::name_tree, PreemptOff>;
extern constinit TreeLock tree_lock;

/// S_IFMT bits of a type and back.
u32 mode_of(FileType type);
FileType type_of_mode(u32 mode);

struct Timestamp {
    i64 seconds = 0;
    u32 nanoseconds = 0;
    constexpr auto operator<=>(Timestamp const&) const = default;
};
/// The wall clock.
Timestamp current_time();

/// What stat(2) shows.
struct Attributes {
    u64 device = 0, inode = 0, rdev = 0;     ///< in Linux's new_encode_dev form
    FileType type = FileType::Regular;
    u32 permissions = 0;                     ///< 07777
    u32 links = 1;
    UserId uid{0};
    GroupId gid{0};
    u64 size = 0, blocks = 0;                ///< blocks of 512 bytes
    u32 block_size = 4096;
    Timestamp accessed, modified, changed;
};

/// What chmod, chown, truncate and utimensat change; absent fields stay.
struct AttributeChange {
    bool set_permissions = false, set_uid = false, set_gid = false, set_accessed = false, set_modified = false;
    u32 permissions = 0;
    UserId uid{0};
    GroupId gid{0};
    Timestamp accessed, modified;
};

/// What a permission check needs to know of a file.
struct Ownership {
    FileType type = FileType::Regular;
    u32 permissions = 0;                     ///< 07777
    UserId uid{0};
    GroupId gid{0};
};

/// A file that is about to be made in a directory.
struct NewFile {
    FileType type = FileType::Regular;
    u32 permissions = 0;                     ///< 07777, umask applied
    UserId uid{0};
    GroupId gid{0};
    u64 rdev = 0;                            ///< devices
    std::string_view target;                 ///< symlinks
    u32 seals = 1;                           ///< of files in memory: fcntl(2) F_SEAL_SEAL
    bool executes_while_mapped = false;      ///< memfd_create(2): it may be executed even while it is mapped for writing
};

/// A name in a directory listing. The sink returns false to stop (its buffer is full).
struct DirectoryEntry {
    std::string_view name;
    u64 inode = 0;
    FileType type = FileType::Regular;
    u64 next_offset = 0;                     ///< position to continue after this entry
};
class DirectorySink {
public:
    virtual bool add(DirectoryEntry const& entry) = 0;
protected:
    ~DirectorySink() = default;
};

/// State that another subsystem hangs on an inode: the pipe behind a FIFO's name.
class InodeAttachment : public RefCounted<InodeAttachment> {
public:
    virtual ~InodeAttachment() = default;
};

class Inode : public RefCounted<Inode> {
public:
    Inode(FileSystem& file_system, u64 number, Ownership const& owner);
    virtual ~Inode();

    FileType type() const { return type_; }
    bool is_directory() const { return type_ == FileType::Directory; }
    u64 number() const { return number_; }
    FileSystem& file_system() const { return file_system_; }
    /// Type, mode, owner and group as they were together at one moment.
    Ownership ownership() const {
        for (;;) {
            // Ordering: acquire, with the release in apply(); the fence keeps the words' loads before the second look.
            u32 const version = ownership_version_.load(std::memory_order_acquire);
            Ownership const seen = read_ownership();
            std::atomic_thread_fence(std::memory_order_acquire);
            if (!(version & 1) && ownership_version_.load(std::memory_order_relaxed) == version) [[likely]] return seen;
        }
    }
    /// Only the mode, 07777.
    u32 permissions() const { return permissions_.load(std::memory_order_relaxed); }

    virtual Result<Attributes> attributes();
    /// A change by the kernel itself: no rights are checked.
    Result<> change(AttributeChange const& change) {
        return change_by([&](Ownership const&) { return Result<AttributeChange>(change); });
    }
    /// Asks `decide`, Result<AttributeChange>(Ownership const& now), what to change, and changes it in the same step. It is called
    /// with tree_lock and attribute_lock_ held and may refuse with an error.
    template <class Decide>
    Result<> change_by(Decide&& decide) {
        auto const now = current_time();
        Locked tree(tree_lock);
        Locked guard(attribute_lock_);
        AttributeChange const change = TRY(decide(read_ownership()));
        TRY(may_change(change));
        apply(change, now);
        return {};
    }
    virtual Result<> truncate(u64) { return fail(EINVAL); }
    /// A new File whose operations are this inode's. `flags` are O_*. By default it opens character devices by number and
    /// directories; ELOOP: a symbolic link; ENXIO: the rest. FIFOs go through open_file().
    virtual Result<Ref<File>> open(Dentry& dentry, u32 flags);
    /// The text of a symbolic link; at most `out.size()` bytes of it.
    virtual Result<size_t> read_link(std::span<char> out) { (void)out; return fail(EINVAL); }
    /// The same text, if it lives as long as the inode; empty: use read_link().
    virtual std::string_view stored_link() const { return {}; }
    /// For magic links (/proc/self/exe, /proc/PID/fd/N): the object itself instead of a text. Null: follow the text.
    /// EACCES: such a link bypasses directories that the caller might not enter, and the caller may not inspect that process.
    virtual Result<Ref<Dentry>> magic_target();
    /// Regular files: their pages.
    virtual Ref<mm::VmObject> vm_object() { return nullptr; }
    virtual u64 rdev() const { return 0; }
    /// Where a FIFO's pipe is attached, or null if this kind of inode has no such place. Guarded by a lock of its user (kernel/ipc).
    virtual Ref<InodeAttachment>* attachment() { return nullptr; }

    // ---- directories
    /// The table of names; null: not a directory, or one that answers each lookup itself.
    virtual Names* names() { return nullptr; }
    bool stores_names() const { return const_cast<Inode*>(this)->names() != nullptr; }
    /// Directories with names(): a new inode, whose name the caller then enters. ENOSPC ENOMEM.
    virtual Result<Ref<Inode>> make_child(NewFile const&) { return fail(EPERM); }
    /// Directories without names() (procfs): their names come and go by themselves. ENOENT.
    virtual Result<Ref<Inode>> lookup(std::string_view) { return fail(ENOTDIR); }
    virtual Result<> list(u64 /*offset*/, DirectorySink&) { return fail(ENOTDIR); }

    // ---- link count and times, any context that may take inode_spin
    u32 links() const { return links_.load(std::memory_order_relaxed); }
    void adjust_links(int by) { links_.fetch_add(static_cast<u32>(by), std::memory_order_relaxed); }
    void touch_accessed();                     ///< as Linux's relatime: only at the first access after a change
    void touch_modified();                     ///< mtime and ctime
    void touch_changed();                      ///< ctime
    /// Called before a write changes bytes: clears setuid and setgid unless the caller has the right to keep them.
    void drop_privilege_bits() {
        if (permissions() & privilege_bits) [[unlikely]] drop_privilege_bits_now();
    }

    // ---- advisory locks: flock(2), fcntl(2)
    /// The inode's locks; the first call makes them. ENOMEM.
    Result<FileLocks*> locks();
    /// Null: the file was never locked.
    FileLocks* locks_if_any() const { return locks_.load(std::memory_order_acquire); }

    // ---- a regular file is either written or executed, never both: open(2) and execve(2), ETXTBSY
    /// False: it is being executed. Each success needs one end_writing().
    bool begin_writing() { return change_use(1); }
    void end_writing() { use_.fetch_sub(1, std::memory_order_release); }
    /// False: it is open for writing, or a mapping may write to it. Each success needs one end_executing().
    bool begin_executing() {
        if (is_mapped_for_writing() || !change_use(-1)) return false;
        // Such a mapping can be made only through a descriptor open for writing: from here on there is none.
        if (!is_mapped_for_writing()) [[likely]] return true;
        end_executing();
        return false;
    }
    /// One more execution while another lasts; it needs an end_executing() of its own.
    void share_executing() { use_.fetch_sub(1, std::memory_order_relaxed); }
    void end_executing() { use_.fetch_add(1, std::memory_order_release); }
    /// Some program has a shared mapping of it that may be written to; the descriptor may be closed by now.
    virtual bool is_mapped_for_writing() const { return false; }

protected:
    using AttributeLock = SpinLock<LockRank::inode_spin, PreemptOff>;
    mutable AttributeLock attribute_lock_;
    /// A rule that this kind of file adds to changes its owner may make (seals). Must not wait.
    virtual Result<> may_change(AttributeChange const&) const REQUIRES(attribute_lock_) { return {}; }

private:
    friend class Dentry;
    friend struct TreeEdit;
    static constexpr u32 privilege_bits = 06000;
    Ownership read_ownership() const {
        return {type_, permissions_.load(std::memory_order_relaxed), UserId(uid_.load(std::memory_order_relaxed)),
                GroupId(gid_.load(std::memory_order_relaxed))};
    }
    void apply(AttributeChange const& change, Timestamp now) REQUIRES(attribute_lock_);
    void drop_privilege_bits_now();
    bool change_use(int by) {
        int use = use_.load(std::memory_order_relaxed);
        do {
            if (use * by < 0) return false;
        } while (!use_.compare_exchange_weak(use, use + by, std::memory_order_acquire, std::memory_order_relaxed));
        return true;
    }

    FileSystem& file_system_;
    u64 const number_;
    FileType const type_;
    // Written under attribute_lock_ while ownership_version_ is odd.
    std::atomic<u32> permissions_, uid_, gid_;
    std::atomic<u32> ownership_version_{0};
    std::atomic<u32> links_{1};
    std::atomic<FileLocks*> locks_{nullptr};   ///< set once
    std::atomic<int> use_{0};                  ///< the number of writers, or minus the number of executions
    Timestamp accessed_ GUARDED_BY(attribute_lock_), modified_ GUARDED_BY(attribute_lock_), changed_ GUARDED_BY(attribute_lock_);
    bool may_get_first_name_ = false;          ///< made by O_TMPFILE without a name: link(2) may give it one. tree_lock
    Dentry* aliases_ = nullptr;                ///< the first in the ring of its names, or null. tree_lock (dentry.h)
};

/// They open FIFOs (kernel/ipc) and devices by number (devfs). `flags` are O_*.
extern constinit base::FromAbove<Result<Ref<File>>(Dentry& dentry, Credentials const& who, u32 flags)> fifo_open;
extern constinit base::FromAbove<Result<Ref<File>>(Dentry& dentry, u32 flags, u64 device)> device_open;
/// Opens any file, without checks of rights: a FIFO through fifo_open, which charges the pipe to `who`; the rest by Inode::open().
Result<Ref<File>> open_file(Dentry& dentry, Credentials const& who, u32 flags);

}
