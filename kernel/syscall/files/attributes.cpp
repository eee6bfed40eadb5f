// SPDX-License-Identifier: MIT
// What a file is: stat(2) statx(2) statfs(2) access(2) chmod(2) chown(2) utimensat(2)
// truncate(2) umask(2) fsync(2).
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/flags.h"

namespace syscall {
namespace {

constexpr Fd here(AT_FDCWD);

struct stat encode(fs::Attributes const& a) {
    struct stat s{};
    s.st_dev = a.device;
    s.st_ino = a.inode;
    s.st_nlink = a.links;
    s.st_mode = fs::mode_of(a.type) | a.permissions;
    s.st_uid = a.uid.value;
    s.st_gid = a.gid.value;
    s.st_rdev = a.rdev;
    s.st_size = static_cast<i64>(a.size);
    s.st_blksize = a.block_size;
    s.st_blocks = static_cast<i64>(a.blocks);
    s.st_atime = static_cast<u64>(a.accessed.seconds);
    s.st_atime_nsec = a.accessed.nanoseconds;
    s.st_mtime = static_cast<u64>(a.modified.seconds);
    s.st_mtime_nsec = a.modified.nanoseconds;
    s.st_ctime = static_cast<u64>(a.changed.seconds);
    s.st_ctime_nsec = a.changed.nanoseconds;
    return s;
}

statx_timestamp encode(fs::Timestamp const& t) {
    statx_timestamp s{};
    s.tv_sec = t.seconds;
    s.tv_nsec = t.nanoseconds;
    return s;
}

constexpr u32 major_of(u64 device) { return static_cast<u32>(device >> 8) & 0xfff; }
constexpr u32 minor_of(u64 device) { return static_cast<u32>(device & 0xff) | (static_cast<u32>(device >> 12) & ~0xffu); }

struct statx encode_statx(fs::Attributes const& a) {
    struct statx s{};
    s.stx_mask = STATX_BASIC_STATS;
    s.stx_blksize = a.block_size;
    s.stx_nlink = a.links;
    s.stx_uid = a.uid.value;
    s.stx_gid = a.gid.value;
    s.stx_mode = static_cast<u16>(fs::mode_of(a.type) | a.permissions);
    s.stx_ino = a.inode;
    s.stx_size = a.size;
    s.stx_blocks = a.blocks;
    s.stx_atime = encode(a.accessed);
    s.stx_ctime = encode(a.changed);
    s.stx_mtime = encode(a.modified);
    s.stx_rdev_major = major_of(a.rdev);
    s.stx_rdev_minor = minor_of(a.rdev);
    s.stx_dev_major = major_of(a.device);
    s.stx_dev_minor = minor_of(a.device);
    return s;
}

/// Attributes of what a path names, or with AT_EMPTY_PATH of a descriptor, which need not have a name.
Result<fs::Attributes> attributes_at(Caller& caller, Fd directory, UserAddr path_address, u32 flags) {
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    if (path.empty() && (flags & AT_EMPTY_PATH) && directory.value != AT_FDCWD) return TRY(file_of(caller, directory))->attributes();
    if (path.empty() && (flags & AT_EMPTY_PATH)) return Place::here(caller).context().working_directory->inode()->attributes();
    auto const place = TRY(Place::at(caller, directory, path));
    auto const follow = flags & AT_SYMLINK_NOFOLLOW ? fs::FollowLast::No : fs::FollowLast::Yes;
    return TRY(fs::vfs.resolve(place.walk(follow), path))->inode()->attributes();
}

}

Result<> sys_fstat(Caller& caller, Fd fd, UserAddr out) {
    auto const attributes = TRY(TRY(file_of(caller, fd))->attributes());
    return mm::UserPtr<struct stat>(out).write(encode(attributes));
}

Result<> sys_newfstatat(Caller& caller, Fd directory, UserAddr path, UserAddr out, u32 flags) {
    TRY(accepted::newfstatat.check(flags));
    auto const attributes = TRY(attributes_at(caller, directory, path, flags));
    return mm::UserPtr<struct stat>(out).write(encode(attributes));
}
Result<> sys_stat(Caller& caller, UserAddr path, UserAddr out) { return sys_newfstatat(caller, here, path, out, 0); }
Result<> sys_lstat(Caller& caller, UserAddr path, UserAddr out) { return sys_newfstatat(caller, here, path, out, AT_SYMLINK_NOFOLLOW); }

Result<> sys_statx(Caller& caller, Fd directory, UserAddr path, u32 flags, u32 mask, UserAddr out) {
    TRY(accepted::statx.check(flags));
    if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX__RESERVED)) return fail(EINVAL);
    auto const attributes = TRY(attributes_at(caller, directory, path, flags));
    return mm::UserPtr<struct statx>(out).write(encode_statx(attributes));
}

namespace {

/// ST_*: statfs(2). Only the C library's header has their names.
__statfs_word statfs_flags(fs::MountFlags flags) {
    using enum fs::MountFlags::Flag;
    constexpr u32 st_valid = 0x20, st_relatime = 0x1000;
    constexpr struct { fs::MountFlags::Flag flag; u32 bit; } bits[] = {{nosuid, 2}, {nodev, 4}, {noexec, 8}, {noatime, 0x400}, {nodiratime, 0x800}};
    u32 out = st_valid | (flags.has(noatime) ? 0 : st_relatime);
    for (auto const& [flag, bit] : bits)
        if (flags.has(flag)) out |= bit;
    return out;
}

Result<> write_statfs(fs::FileSystem& file_system, UserAddr out) {
    auto const numbers = file_system.statistics();
    struct statfs s{};
    s.f_type = static_cast<__statfs_word>(numbers.type);
    s.f_bsize = static_cast<__statfs_word>(numbers.block_size);
    s.f_frsize = s.f_bsize;
    s.f_blocks = static_cast<__statfs_word>(numbers.blocks);
    s.f_bfree = s.f_bavail = static_cast<__statfs_word>(numbers.free_blocks);
    s.f_files = static_cast<__statfs_word>(numbers.files);
    s.f_ffree = static_cast<__statfs_word>(numbers.free_files);
    s.f_fsid.val[0] = static_cast<int>(file_system.device());
    s.f_namelen = 255;
    s.f_flags = statfs_flags(file_system.flags());
    return mm::UserPtr<struct statfs>(out).write(s);
}

}

Result<> sys_statfs(Caller& caller, UserAddr path, UserAddr out) {
    return write_statfs(TRY(resolve_at(caller, here, path, 0))->inode()->file_system(), out);
}

Result<> sys_fstatfs(Caller& caller, Fd fd, UserAddr out) {
    auto file = TRY(file_of(caller, fd));
    if (!file->inode()) return fail(ENOSYS);
    return write_statfs(file->inode()->file_system(), out);
}

Result<> sys_faccessat2(Caller& caller, Fd directory, UserAddr path_address, u32 mode, u32 flags) {
    TRY(accepted::faccessat2.check(flags));
    if (mode & ~7u) return fail(EINVAL);
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    // access(2) asks for the real ids, also on the way to the file.
    fs::Credentials who = caller.process.credentials;
    if (!(flags & AT_EACCESS)) {
        who.fs_uid = who.real_uid;
        who.fs_gid = who.real_gid;
    }
    if (path.empty() && (flags & AT_EMPTY_PATH)) {
        auto dentry = TRY(resolve_at(caller, directory, path_address, AT_EMPTY_PATH));
        return fs::vfs.check_access(*dentry->inode(), who, mode);
    }
    auto const place = TRY(Place::at(caller, directory, path));
    fs::Walk const asked = place.walk(flags & AT_SYMLINK_NOFOLLOW ? fs::FollowLast::No : fs::FollowLast::Yes);
    fs::Walk const walk{asked.context, who, asked.base, asked.follow, false};
    auto dentry = TRY(fs::vfs.resolve(walk, path));
    return fs::vfs.check_access(*dentry->inode(), who, mode);
}
Result<> sys_faccessat(Caller& caller, Fd directory, UserAddr path, u32 mode) { return sys_faccessat2(caller, directory, path, mode, 0); }
Result<> sys_access(Caller& caller, UserAddr path, u32 mode) { return sys_faccessat2(caller, here, path, mode, 0); }

Result<> sys_fchmodat(Caller& caller, Fd directory, UserAddr path, u32 mode) {
    auto dentry = TRY(resolve_at(caller, directory, path, 0));
    return fs::vfs.change_mode(*dentry->inode(), caller.process.credentials, mode & 07777);
}
Result<> sys_chmod(Caller& caller, UserAddr path, u32 mode) { return sys_fchmodat(caller, here, path, mode); }
Result<> sys_fchmod(Caller& caller, Fd fd, u32 mode) {
    auto file = TRY(usable_file(caller, fd));
    if (!file->inode()) return fail(EINVAL);
    return fs::vfs.change_mode(*file->inode(), caller.process.credentials, mode & 07777);
}

Result<> sys_fchownat(Caller& caller, Fd directory, UserAddr path, i32 uid, i32 gid, u32 flags) {
    TRY(accepted::fchownat.check(flags));
    auto dentry = TRY(resolve_at(caller, directory, path, flags));
    return fs::vfs.change_owner(*dentry->inode(), caller.process.credentials, uid, gid);
}
Result<> sys_chown(Caller& caller, UserAddr path, i32 uid, i32 gid) { return sys_fchownat(caller, here, path, uid, gid, 0); }
Result<> sys_lchown(Caller& caller, UserAddr path, i32 uid, i32 gid) { return sys_fchownat(caller, here, path, uid, gid, AT_SYMLINK_NOFOLLOW); }
Result<> sys_fchown(Caller& caller, Fd fd, i32 uid, i32 gid) {
    auto file = TRY(usable_file(caller, fd));
    if (!file->inode()) return fail(EINVAL);
    return fs::vfs.change_owner(*file->inode(), caller.process.credentials, uid, gid);
}

namespace {

// utimensat(2); <linux/stat.h> does not have them.
constexpr i64 UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe;

struct TimeArgument {
    fs::Vfs::TimeChange kind = fs::Vfs::TimeChange::Now;
    fs::Timestamp time;
};

Result<TimeArgument> decode_time(__kernel_timespec const& t) {
    using enum fs::Vfs::TimeChange;
    if (t.tv_nsec == UTIME_NOW) return TimeArgument{Now, {}};
    if (t.tv_nsec == UTIME_OMIT) return TimeArgument{Omit, {}};
    if (t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(ns_per_s)) return fail(EINVAL);
    return TimeArgument{Set, {t.tv_sec, static_cast<u32>(t.tv_nsec)}};
}

Result<Ref<fs::Inode>> inode_for_times(Caller& caller, Fd fd, UserAddr path, u32 flags) {
    if (!path.is_null()) return TRY(resolve_at(caller, fd, path, flags))->inode();
    if (flags) return fail(EINVAL);
    auto file = TRY(usable_file(caller, fd));
    if (!file->inode()) return fail(EBADF);
    return Ref<fs::Inode>::share(file->inode());
}

}

Result<> sys_utimensat(Caller& caller, Fd directory, UserAddr path, UserAddr times, u32 flags) {
    TimeArgument accessed, modified;
    if (!times.is_null()) {
        __kernel_timespec values[2];
        TRY(mm::UserPtr<__kernel_timespec>(times).read_array(values));
        if (values[0].tv_nsec == UTIME_OMIT && values[1].tv_nsec == UTIME_OMIT) return {};   // whatever the file
        accessed = TRY(decode_time(values[0]));
        modified = TRY(decode_time(values[1]));
    }
    TRY(accepted::utimensat.check(flags));
    auto inode = TRY(inode_for_times(caller, directory, path, flags));
    return fs::vfs.change_times(*inode, caller.process.credentials, accessed.kind, accessed.time, modified.kind, modified.time);
}

Result<> sys_truncate(Caller& caller, UserAddr path_address, i64 size) {
    if (size < 0) return fail(EINVAL);
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    return fs::vfs.truncate(Place::here(caller).walk(), path, static_cast<u64>(size));
}
Result<> sys_ftruncate(Caller& caller, Fd fd, i64 size) {
    if (size < 0) return fail(EINVAL);
    return TRY(usable_file(caller, fd))->truncate(static_cast<u64>(size));
}

Result<u32> sys_umask(Caller& caller, u32 mask) {
    return caller.thread.names->set_umask(mask & 0777);
}

Result<> sys_fsync(Caller& caller, Fd fd) { return TRY(usable_file(caller, fd))->synchronise(); }
Result<> sys_fdatasync(Caller& caller, Fd fd) { return sys_fsync(caller, fd); }
Result<> sys_sync(Caller&) { return {}; }   // every file system lives in memory: there is nothing behind it

}
