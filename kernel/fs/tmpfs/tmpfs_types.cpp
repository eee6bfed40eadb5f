// SPDX-License-Identifier: MIT
// The types of mount(2) that make a tmpfs, and the tmpfs that is the root of the tree until the initramfs is unpacked.
#include "kernel/fs/tmpfs/tmpfs.h"

namespace fs {
namespace {

constexpr u32 everyone_sticky = 01777;

Result<FileSystem*> make_tmpfs() { return TRY(Tmpfs::create("tmpfs", everyone_sticky, Tmpfs::Limit::HalfOfMemory)); }
Result<FileSystem*> make_ramfs() { return TRY(Tmpfs::create("ramfs", 0755)); }

constinit FileSystemType tmpfs_type{"tmpfs", make_tmpfs, MountLifetime::UntilUnmounted};
constinit FileSystemType ramfs_type{"ramfs", make_ramfs, MountLifetime::UntilUnmounted};

}

Result<> mount_root_tmpfs() {
    vfs.register_type(tmpfs_type);
    vfs.register_type(ramfs_type);
    return vfs.initialize(*TRY(Tmpfs::create("rootfs", 0755, Tmpfs::Limit::HalfOfMemory)));
}

}
