// SPDX-License-Identifier: MIT
// tmpfs: files in memory. Names live in the tree itself (dentry.h), bytes in FilePages. Also what
// rootfs and /dev are. A file system made at run time dies with its last inode after unmounting.
#pragma once

#include "kernel/fs/tmpfs/page_quota.h"
#include "kernel/fs/vfs.h"

namespace fs {

class Tmpfs final : public FileSystem {
public:
    /// Half of the memory is the limit of what a program mounts as tmpfs; the kernel's own, and ramfs, have none.
    enum class Limit : u8 { None, HalfOfMemory };
    /// `type_name` must be a literal: tmpfs, ramfs, devtmpfs, rootfs. ENOMEM.
    static Result<Tmpfs*> create(std::string_view type_name, u32 root_permissions, Limit limit = Limit::None);
    /// Never mounted: empties it and gives it back.
    void discard() { unmounted(); }

    std::string_view type_name() const override { return type_name_; }
    Ref<Inode> root() override { return root_->inode(); }
    Ref<Dentry> root_dentry() override { return root_; }
    u64 device() const override { return device_; }
    Statistics statistics() override;
    void unmounted() override;
    /// size nr_blocks nr_inodes mode uid gid: tmpfs(5).
    Result<> configure(std::string_view options) override;
    void write_options(base::Writer& out) const override;

    // ---- for its inodes
    u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
    void retain() { users_.fetch_add(1, std::memory_order_relaxed); }
    void release();
    /// One more inode may be made. Several CPUs may pass the limit by one each.
    bool has_inode() const { return users_.load(std::memory_order_relaxed) <= inode_limit_.load(std::memory_order_relaxed); }
    Ref<PageQuota> const& quota() const { return quota_; }

private:
    struct Options;
    static Result<Options> parse(std::string_view text);
    static u64 default_limit();
    Result<> initialize(u32 root_permissions, Limit limit);
    explicit Tmpfs(std::string_view type_name) : type_name_(type_name), device_(next_anonymous_device()) {}
    ~Tmpfs() = default;

    std::string_view type_name_;
    u64 device_;
    Ref<Dentry> root_;
    Ref<PageQuota> quota_;                   ///< null: no limit
    std::atomic<u64> inode_limit_{~u64{0}};  ///< Ordering: relaxed, a number alone
    std::atomic<u64> next_number_{1};
    std::atomic<u64> users_{1};              ///< inodes, and one for being mounted
};

/// From now on mount(2) knows tmpfs and ramfs, and an empty one is the root of the tree. Called once from main. ENOMEM.
Result<> mount_root_tmpfs();

}
