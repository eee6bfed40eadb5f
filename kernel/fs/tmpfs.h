// SPDX-License-Identifier: MIT
// tmpfs: files in memory. Names live in the tree itself (dentry.h), bytes in FilePages. Also what
// rootfs and /dev are. A file system made at run time dies with its last inode after unmounting.
#pragma once

#include "kernel/fs/vfs.h"

namespace fs {

class Tmpfs final : public FileSystem {
public:
    /// `type_name` must be a literal: tmpfs, devtmpfs, rootfs. ENOMEM.
    static Result<Tmpfs*> create(std::string_view type_name, u32 root_permissions);
    /// Never mounted: empties it and gives it back.
    void discard() { unmounted(); }

    std::string_view type_name() const override { return type_name_; }
    Ref<Inode> root() override { return root_->inode(); }
    Ref<Dentry> root_dentry() override { return root_; }
    u64 device() const override { return device_; }
    Statistics statistics() override;
    void unmounted() override;

    // ---- for its inodes
    u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
    void retain() { users_.fetch_add(1, std::memory_order_relaxed); }
    void release();

private:
    explicit Tmpfs(std::string_view type_name) : type_name_(type_name), device_(next_anonymous_device()) {}
    ~Tmpfs() = default;

    std::string_view type_name_;
    u64 device_;
    Ref<Dentry> root_;
    std::atomic<u64> next_number_{1};
    std::atomic<u64> users_{1};              ///< inodes, and one for being mounted
};

}
