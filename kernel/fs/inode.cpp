// SPDX-License-Identifier: MIT
// What all inodes share: attributes, times, and opening what is not a regular file. Every attribute changes under
// attribute_lock_; mode and owner change within one step of ownership_version_, which readers check without the lock.
#include "kernel/fs/inode.h"

#include <sys/stat.h>

#include "kernel/fs/directory_file.h"
#include "kernel/fs/file_locks.h"
#include "kernel/fs/vfs.h"
#include "sched/clock.h"

namespace fs {

Result<Ref<Dentry>> Inode::magic_target() { return Ref<Dentry>(); }

constinit base::FromAbove<Result<Ref<File>>(Dentry&, Credentials const&, u32)> fifo_open;
constinit base::FromAbove<Result<Ref<File>>(Dentry&, u32, u64)> device_open;

u32 mode_of(FileType type) {
    constexpr u32 modes[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, 0};
    return modes[static_cast<u8>(type)];
}

FileType type_of_mode(u32 mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return FileType::Directory;
    case S_IFLNK: return FileType::Symlink;
    case S_IFCHR: return FileType::CharacterDevice;
    case S_IFBLK: return FileType::BlockDevice;
    case S_IFIFO: return FileType::Fifo;
    case S_IFSOCK: return FileType::Socket;
    default: return FileType::Regular;
    }
}

Timestamp current_time() {
    u64 const now = sched::clock.realtime_ns();
    return {static_cast<i64>(now / ns_per_s), static_cast<u32>(now % ns_per_s)};
}

Inode::~Inode() { delete locks_.load(std::memory_order_relaxed); }

Result<FileLocks*> Inode::locks() {
    if (auto* const there = locks_if_any()) return there;
    auto* const made = TRY(mm::make<FileLocks>());
    FileLocks* there = nullptr;
    if (locks_.compare_exchange_strong(there, made, std::memory_order_acq_rel)) return made;
    delete made;
    return there;
}

Inode::Inode(FileSystem& file_system, u64 number, Ownership const& owner)
    : file_system_(file_system), number_(number), type_(owner.type), permissions_(owner.permissions & 07777),
      uid_(owner.uid.value), gid_(owner.gid.value), accessed_(current_time()), modified_(accessed_), changed_(accessed_) {}

Result<Attributes> Inode::attributes() {
    Result<Attributes> result(std::in_place);
    Attributes& out = *result;
    out.device = file_system_.device();
    out.inode = number_;
    out.rdev = rdev();
    out.type = type_;
    Locked guard(attribute_lock_);
    Ownership const owner = read_ownership();   // it changes only under this lock
    out.permissions = owner.permissions;
    out.links = links();
    out.uid = owner.uid;
    out.gid = owner.gid;
    out.accessed = accessed_;
    out.modified = modified_;
    out.changed = changed_;
    return result;
}

void Inode::apply(AttributeChange const& change, Timestamp now) {
    if (change.set_permissions || change.set_uid || change.set_gid) {
        u32 const version = ownership_version_.load(std::memory_order_relaxed);
        ownership_version_.store(version + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);   // no reader sees a new word with the old version
        if (change.set_permissions) permissions_.store(change.permissions & 07777, std::memory_order_relaxed);
        if (change.set_uid) uid_.store(change.uid.value, std::memory_order_relaxed);
        if (change.set_gid) gid_.store(change.gid.value, std::memory_order_relaxed);
        ownership_version_.store(version + 2, std::memory_order_release);
    }
    if (change.set_accessed) accessed_ = change.accessed;
    if (change.set_modified) modified_ = change.modified;
    changed_ = now;
}

void Inode::touch_accessed() {
    {
        Locked guard(attribute_lock_);
        if (accessed_ > modified_ && accessed_ > changed_) [[likely]] return;
    }
    MountFlags const flags = file_system_.flags();
    if (flags.has(MountFlags::noatime) || (is_directory() && flags.has(MountFlags::nodiratime))) return;
    auto const now = current_time();
    Locked guard(attribute_lock_);
    accessed_ = now;
}

void Inode::touch_modified() {
    auto const now = current_time();
    Locked guard(attribute_lock_);
    modified_ = changed_ = now;
}

void Inode::touch_changed() {
    auto const now = current_time();
    Locked guard(attribute_lock_);
    changed_ = now;
}

void Inode::drop_privilege_bits_now() {
    Credentials const who = caller_credentials();
    if (type_ != FileType::Regular || who.is_superuser()) return;
    (void)change_by([&](Ownership const& now) -> Result<AttributeChange> {
        AttributeChange change;
        change.set_permissions = true;
        change.permissions = without_privilege_bits(now, who);
        return change;
    });
}

Result<Ref<File>> open_file(Dentry& dentry, Credentials const& who, u32 flags) {
    Inode& inode = dentry.file();
    if (inode.type() == FileType::Fifo && fifo_open) return fifo_open(dentry, who, flags);
    return inode.open(dentry, flags);
}

Result<Ref<File>> Inode::open(Dentry& dentry, u32 flags) {
    switch (type_) {
    case FileType::Directory: return open_directory(dentry, flags);
    case FileType::CharacterDevice: return device_open ? device_open(dentry, flags, rdev()) : fail(ENXIO);
    case FileType::Symlink: return fail(ELOOP);
    default: return fail(ENXIO);
    }
}

}
