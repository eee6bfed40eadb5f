// SPDX-License-Identifier: MIT
// Character devices by number, and their nodes in /dev. Each device's owner registers it at boot.
#pragma once

#include "kernel/fs/device_number.h"
#include "kernel/fs/file.h"

namespace fs {

class Tmpfs;

/// Opens the device: a File of its own kind. `flags` are O_*.
using DeviceOpen = Result<Ref<File>> (*)(Dentry& dentry, u32 flags, u64 device);

class DeviceRegistry {
public:
    constexpr DeviceRegistry() = default;
    /// Makes the tree that is mounted on /dev. Called once from main.
    Result<> initialize();
    /// From now on any node with this number opens with `open`; unless `name` is empty, a node /dev/`name` appears. EEXIST ENOSPC.
    Result<> add_character(std::string_view name, u64 device, u32 permissions, DeviceOpen open);
    Result<Ref<File>> open_character(Dentry& dentry, u32 flags, u64 device);   ///< ENXIO
    /// Mounts the nodes on /dev, over whatever is there (the directory is made if needed). Called once, after the initramfs.
    Result<> mount();
    /// The file system with the nodes.
    FileSystem& file_system();
private:
    static constexpr u32 slots = 256;       ///< power of two, never more than half full
    struct Entry { u64 device = 0; DeviceOpen open = nullptr; };

    Result<> add_node(std::string_view name, u64 device, u32 permissions);
    Entry& slot_of(u64 device) REQUIRES(lock_);

    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    Entry table_[slots] GUARDED_BY(lock_) = {};
    u32 count_ GUARDED_BY(lock_) = 0;
    Tmpfs* nodes_ = nullptr;                ///< set once at boot
};

extern constinit DeviceRegistry device_registry;

/// Registers null, zero, full, random and urandom. Called once from main.
Result<> register_memory_devices();

}
