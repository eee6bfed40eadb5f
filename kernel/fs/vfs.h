// SPDX-License-Identifier: MIT
// Names: path walk, mounts, and every operation on a path, with the permission checks.
// path_resolution(7). Every function takes the caller's credentials and starting point. The tree itself is in dentry.h.
#pragma once

#include "kernel/fs/file.h"

namespace base { class Writer; }

namespace fs {

/// A process's view: root, working directory, umask. Copied by fork.
struct FsContext {
    Ref<Dentry> root, working_directory;
    u32 umask = 022;
};

/// The context that threads share (CLONE_FS): a change by one is seen by all.
class SharedContext : public RefCounted<SharedContext> {
public:
    explicit SharedContext(FsContext context) : context_(std::move(context)) {}
    FsContext copy() const {
        Locked guard(lock_);
        return context_;
    }
    u32 umask() const {
        Locked guard(lock_);
        return context_.umask;
    }
    /// Returns the previous one.
    u32 set_umask(u32 umask) {
        Locked guard(lock_);
        return std::exchange(context_.umask, umask);
    }
    void set(Ref<Dentry> FsContext::* member, Ref<Dentry> directory) {   // the old one dies with the argument, when the lock is free
        Locked guard(lock_);
        std::swap(context_.*member, directory);
    }
    MM_OBJECT_CACHE(SharedContext)
private:
    mutable SpinLock<LockRank::fs_context, PreemptOff> lock_;
    FsContext context_ GUARDED_BY(lock_);
};

enum class FollowLast : u8 { No, Yes };

/// The caller of a walk and its start. `base`: the directory of an *at() call, or null for the working directory.
struct Walk {
    FsContext const& context;
    Credentials const& credentials;
    Dentry* base = nullptr;
    FollowLast follow = FollowLast::Yes;
    bool directory_only = false;
};

/// What a mount forbids, and which reads leave no time: mount(2).
struct MountFlags {
    enum Flag : u32 { nosuid = 1, nodev = 2, noexec = 4, noatime = 8, nodiratime = 16 };
    u32 bits = 0;
    constexpr bool has(Flag flag) const { return bits & flag; }
};

class FileSystem {
public:
    virtual std::string_view type_name() const = 0;
    /// The root's inode, of a file system that answers each lookup itself, or that of its root dentry.
    virtual Ref<Inode> root() = 0;
    /// The root of a file system whose names live in the tree; null: a new one for each mount.
    virtual Ref<Dentry> root_dentry() { return nullptr; }
    virtual u64 device() const = 0;
    struct Statistics { u64 type = 0, block_size = 4096, blocks = 0, free_blocks = 0, files = 0, free_files = 0; };
    virtual Statistics statistics() = 0;
    /// No mount shows it any more.
    virtual void unmounted() {}
    /// What mount(2)'s last argument says, in the words of the file system. EINVAL: an unknown word or a bad number; nothing has changed.
    virtual Result<> configure(std::string_view options) { return options.empty() ? Result<>() : fail(EINVAL); }
    /// The same for /proc/mounts: each with a comma before it.
    virtual void write_options(base::Writer&) const {}
    /// One set, wherever it is mounted.
    MountFlags flags() const { return {flags_.load(std::memory_order_relaxed)}; }
    void set_flags(MountFlags flags) { flags_.store(flags.bits, std::memory_order_relaxed); }
    /// Whether link(2) and rename(2) may name its files. EPERM.
    virtual bool allows_new_names() const { return true; }
protected:
    ~FileSystem() = default;
private:
    std::atomic<u32> flags_{0};                        ///< MountFlags. Ordering: relaxed, each bit stands alone
};

/// Whether a file system ends with its mount.
enum class MountLifetime : u8 { Permanent, UntilUnmounted };

/// A name that mount(2) knows, or that only /proc/filesystems shows.
struct FileSystemType {
    std::string_view name;
    /// What a mount shows: the one there is, or a new one that ends with its mount. ENOMEM. Null: it cannot be mounted.
    Result<FileSystem*> (*instance)() = nullptr;
    MountLifetime lifetime = MountLifetime::Permanent;
    FileSystemType* next = nullptr;                    ///< of the registered ones
};

/// A new device number for a file system without a device.
u64 next_anonymous_device();

class Vfs {
public:
    constexpr Vfs() = default;
    /// Mounts `root` as the root of the tree.
    Result<> initialize(FileSystem& root);
    /// Mounts `file_system` on the directory `path` of the root tree (kernel's own mounts and mount(2)). EBUSY ENOTDIR.
    Result<> mount(FileSystem& file_system, std::string_view source, Walk const& walk, std::string_view path);
    /// mount(2) of a type by its name: tmpfs, proc, devtmpfs … ENODEV EPERM EINVAL; EBUSY: mounted there, or elsewhere with other flags.
    struct MountRequest { std::string_view type, source, options; MountFlags flags; };
    Result<> mount_type(MountRequest const& request, Walk const& walk, std::string_view path);
    /// mount(2) with MS_REMOUNT. EINVAL: nothing is mounted at `path`.
    Result<> remount(MountFlags flags, std::string_view options, Walk const& walk, std::string_view path);
    /// mount(2) knows it from now on. Called at boot.
    void register_type(FileSystemType& type);
    void write_types(base::Writer& out) const;         ///< /proc/filesystems
    Result<> unmount(Walk const& walk, std::string_view path);                          ///< umount2(2): EINVAL EBUSY EPERM
    /// `root` becomes the root of the tree; nothing may be mounted yet (the initramfs).
    Result<> set_root(Ref<Dentry> root);
    void write_mounts(base::Writer& out) const;        ///< /proc/mounts
    void write_mount_info(base::Writer& out) const;    ///< /proc/self/mountinfo
    u64 mount_changes() const;                         ///< how often that table has changed
    /// poll(2) of it: POLLERR and POLLPRI once after changes that `seen` does not count.
    PollEvents poll_mounts(std::atomic<u64>& seen, sched::WaitQueue*& queue) const;
    Ref<Dentry> root() const;
    FsContext root_context() const;

    /// path_resolution(7): ENOENT ENOTDIR EACCES ELOOP ENAMETOOLONG. Empty path: ENOENT.
    Result<Ref<Dentry>> resolve(Walk const& walk, std::string_view path);
    /// open(2): flags O_*, mode before umask.
    Result<Ref<File>> open(Walk const& walk, std::string_view path, u32 flags, u32 mode);
    /// Opens what is already resolved, with open(2)'s checks.
    Result<Ref<File>> open_dentry(Dentry& dentry, Credentials const& who, u32 flags);
    Result<> make_directory(Walk const& walk, std::string_view path, u32 mode);
    Result<> make_node(Walk const& walk, std::string_view path, u32 mode_with_type, u64 rdev);
    Result<> make_symlink(Walk const& walk, std::string_view target, std::string_view path);
    Result<> link(Walk const& from_walk, std::string_view from, Walk const& to_walk, std::string_view to);
    /// linkat with AT_EMPTY_PATH and the like: an already resolved file.
    Result<> link_dentry(Dentry& from, Walk const& to_walk, std::string_view to);
    Result<> unlink(Walk const& walk, std::string_view path);
    Result<> remove_directory(Walk const& walk, std::string_view path);
    Result<> rename(Walk const& from_walk, std::string_view from, Walk const& to_walk, std::string_view to, u32 flags);   ///< RENAME_NOREPLACE, RENAME_EXCHANGE
    Result<size_t> read_link(Walk const& walk, std::string_view path, std::span<char> out);
    /// Of a resolved symbolic link (readlinkat with an empty path). EINVAL.
    Result<size_t> read_link(Dentry& dentry, Dentry const& root, std::span<char> out);
    Result<> truncate(Walk const& walk, std::string_view path, u64 size);

    // On a resolved file, with the permission checks of the call.
    Result<> change_mode(Inode& inode, Credentials const& who, u32 permissions);
    Result<> change_owner(Inode& inode, Credentials const& who, i64 uid, i64 gid);    ///< -1: leave
    enum class TimeChange : u8 { Omit, Now, Set };
    Result<> change_times(Inode& inode, Credentials const& who, TimeChange accessed_kind, Timestamp accessed, TimeChange modified_kind, Timestamp modified);
    /// execve(2) of a resolved file: EACCES, also where its mount forbids execution.
    Result<> check_executable(Inode const& inode, Credentials const& who);
    /// access(2) of a resolved file; `mask` R_OK|W_OK|X_OK.
    Result<> check_access(Inode& inode, Credentials const& who, u32 mask);
private:
    Dentry* root_ = nullptr;                           ///< owns a reference; set before the first process
};

extern constinit Vfs vfs;

/// The one function that decides (permissions.cpp): may `who` do `mask` (4 read, 2 write, 1 execute)? EACCES.
Result<> permission(Ownership const& owner, Credentials const& who, u32 mask);
Result<> permission(Attributes const& attributes, Credentials const& who, u32 mask);
inline Result<> permission(Inode const& inode, Credentials const& who, u32 mask) { return permission(inode.ownership(), who, mask); }

/// O_NOATIME: the owner's right. EPERM.
Result<> may_leave_times(Inode const& inode, Credentials const& who);
/// unlink(2), rename(2): may `who` take `victim` out of `directory`? The sticky rule, too. EACCES EPERM.
Result<> may_remove(Inode const& directory, Inode const& victim, Credentials const& who);
/// The mode without what a change by `who` takes away: setuid, and setgid where it means execution or `who` could not set it.
u32 without_privilege_bits(Ownership const& owner, Credentials const& who);

inline constexpr u32 may_execute = 1, may_write = 2, may_read = 4;

}
