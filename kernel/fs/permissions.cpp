// SPDX-License-Identifier: MIT
// Who may do what: the one decision, and the rules of the calls that change attributes.
// path_resolution(7), chmod(2), chown(2), utimensat(2).
#include <sys/stat.h>

#include "kernel/fs/vfs.h"

namespace fs {

Result<> permission(Ownership const& owner, Credentials const& who, u32 mask) {
    u32 const mode = owner.permissions;
    if (who.is_superuser()) {
        bool const some_execute = (mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
        if ((mask & may_execute) && owner.type != FileType::Directory && !some_execute) return fail(EACCES);
        return {};
    }
    u32 granted = mode & 7;
    if (who.fs_uid == owner.uid) granted = (mode >> 6) & 7;
    else if (who.in_group(owner.gid)) granted = (mode >> 3) & 7;
    if (mask & ~granted & 7) return fail(EACCES);
    return {};
}

Result<> permission(Attributes const& attributes, Credentials const& who, u32 mask) {
    return permission(Ownership{attributes.type, attributes.permissions, attributes.uid, attributes.gid}, who, mask);
}

namespace {

bool is_owner(Inode const& inode, Credentials const& who) { return who.is_superuser() || who.fs_uid == inode.ownership().uid; }

}

Result<> Vfs::change_mode(Inode& inode, Credentials const& who, u32 permissions) {
    if (inode.type() == FileType::Symlink) return fail(EOPNOTSUPP);
    if (!is_owner(inode, who)) return fail(EPERM);
    if (!who.is_superuser() && !who.in_group(inode.ownership().gid)) permissions &= ~u32{S_ISGID};
    AttributeChange change;
    change.set_permissions = true;
    change.permissions = permissions;
    return inode.change(change);
}

Result<> Vfs::change_owner(Inode& inode, Credentials const& who, i64 uid, i64 gid) {
    auto const owner = inode.ownership();
    if (!who.is_superuser()) {
        bool const mine = who.fs_uid == owner.uid;
        if (uid != -1 && (!mine || UserId(static_cast<u32>(uid)) != owner.uid)) return fail(EPERM);
        GroupId const wanted(static_cast<u32>(gid));
        if (gid != -1 && (!mine || (wanted != owner.gid && !who.in_group(wanted)))) return fail(EPERM);
    }
    AttributeChange change;
    change.set_uid = uid != -1;
    change.uid = UserId(static_cast<u32>(uid));
    change.set_gid = gid != -1;
    change.gid = GroupId(static_cast<u32>(gid));
    // chown(2): setuid goes away, and so does setgid where it means execution or the caller could not have set it.
    if (owner.type != FileType::Directory) {
        change.permissions = owner.permissions & ~u32{S_ISUID};
        bool const may_keep = who.is_superuser() || who.in_group(owner.gid);
        if ((change.permissions & S_IXGRP) || !may_keep) change.permissions &= ~u32{S_ISGID};
        change.set_permissions = change.permissions != owner.permissions;
        if (change.set_permissions && !is_owner(inode, who)) return fail(EPERM);   // even where nothing else is asked for
    }
    return inode.change(change);
}

Result<> Vfs::change_times(Inode& inode, Credentials const& who, TimeChange accessed_kind, Timestamp accessed, TimeChange modified_kind,
                           Timestamp modified) {
    if (accessed_kind == TimeChange::Omit && modified_kind == TimeChange::Omit) return {};
    bool const both_now = accessed_kind == TimeChange::Now && modified_kind == TimeChange::Now;
    if (!is_owner(inode, who)) {
        if (!both_now) return fail(EPERM);
        TRY(permission(inode, who, may_write));
    }
    auto const now = current_time();
    AttributeChange change;
    change.set_accessed = accessed_kind != TimeChange::Omit;
    change.accessed = accessed_kind == TimeChange::Now ? now : accessed;
    change.set_modified = modified_kind != TimeChange::Omit;
    change.modified = modified_kind == TimeChange::Now ? now : modified;
    return inode.change(change);
}

Result<> Vfs::check_executable(Inode const& inode, Credentials const& who) {
    if (inode.type() != FileType::Regular || inode.file_system().flags().has(MountFlags::noexec)) return fail(EACCES);
    return permission(inode, who, may_execute);
}

Result<> Vfs::check_access(Inode& inode, Credentials const& who, u32 mask) {
    if ((mask & may_execute) && inode.type() == FileType::Regular) TRY(check_executable(inode, who));
    return permission(inode, who, mask & 7);
}

}
