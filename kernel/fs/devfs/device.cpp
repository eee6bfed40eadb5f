// SPDX-License-Identifier: MIT
// The registry of character devices by number, and devtmpfs: the tree of their nodes, made once at boot and mounted on /dev.
#include "kernel/fs/devfs/device.h"

#include <sys/stat.h>

#include "kernel/fs/tmpfs/tmpfs.h"

namespace fs {

constinit DeviceRegistry device_registry;

namespace {

constinit FileSystemType type{"devtmpfs", []() -> Result<FileSystem*> { return &device_registry.file_system(); }};

}

Result<> DeviceRegistry::initialize() {
    vfs.register_type(type);
    device_open.provide([](Dentry& dentry, u32 flags, u64 device) { return device_registry.open_character(dentry, flags, device); });
    nodes_ = TRY(Tmpfs::create("devtmpfs", 0755, Tmpfs::Limit::HalfOfMemory));
    Credentials const kernel;
    FsContext const context{nodes_->root_dentry(), nodes_->root_dentry(), 0};
    Walk const walk{context, kernel};
    TRY(vfs.make_symlink(walk, "/proc/self/fd", "fd"));
    TRY(vfs.make_symlink(walk, "/proc/self/fd/0", "stdin"));
    TRY(vfs.make_symlink(walk, "/proc/self/fd/1", "stdout"));
    TRY(vfs.make_symlink(walk, "/proc/self/fd/2", "stderr"));
    TRY(vfs.make_directory(walk, "shm", 01777));       // shm_overview(7): a tmpfs for everyone, as all of this is a tmpfs
    TRY(vfs.make_directory(walk, "pts", 0755));
    return vfs.make_directory(walk, "mqueue", 0755);   // for those who mount it there: mq_overview(7)
}

FileSystem& DeviceRegistry::file_system() { return *nodes_; }

Result<> DeviceRegistry::mount() {
    Credentials const kernel;
    auto const context = vfs.root_context();
    Walk const walk{context, kernel};
    auto const made = vfs.make_directory(walk, "/dev", 0755);
    if (!made && made.error() != Errno(EEXIST)) return made;
    return vfs.mount(*nodes_, "devtmpfs", walk, "/dev");
}

/// The entry of `device`, or the free one where it belongs (open addressing; there is one, since the table is never full).
DeviceRegistry::Entry& DeviceRegistry::slot_of(u64 device) {
    u32 index = static_cast<u32>(device ^ (device >> 8) * 31);
    for (;; ++index) {
        Entry& entry = table_[index % slots];
        if (!entry.open || entry.device == device) return entry;
    }
}

Result<> DeviceRegistry::add_character(std::string_view name, u64 device, u32 permissions, DeviceOpen open) {
    {
        Locked guard(lock_);
        Entry& entry = slot_of(device);
        if (entry.open) return fail(EEXIST);
        if (count_ == slots / 2) return fail(ENOSPC);
        entry = {device, open};
        ++count_;
    }
    return name.empty() ? Result<>{} : add_node(name, device, permissions);
}

Result<> DeviceRegistry::add_node(std::string_view name, u64 device, u32 permissions) {
    Credentials const kernel;
    FsContext const context{nodes_->root_dentry(), nodes_->root_dentry(), 0};
    return vfs.make_node({context, kernel}, name, S_IFCHR | permissions, device);
}

Result<Ref<File>> DeviceRegistry::open_character(Dentry& dentry, u32 flags, u64 device) {
    DeviceOpen open;
    {
        Locked guard(lock_);
        open = slot_of(device).open;
    }
    return open ? open(dentry, flags, device) : fail(ENXIO);
}

}
