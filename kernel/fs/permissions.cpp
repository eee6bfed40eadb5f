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

bool is_owner(Ownership const& owner, Credentials const& who) { return who.is_superuser() || who.fs_uid == owner.uid; }

}

constinit base::FromAbove<Credentials()> credentials_of_caller;

Credentials caller_credentials() { return credentials_of_caller ? credentials_of_caller() : Credentials(); }

u32 without_privilege_bits(Ownership const& owner, Credentials const& who) {
    u32 permissions = owner.permissions & ~u32{S_ISUID};
    bool const may_keep = who.is_superuser() || who.in_group(owner.gid);
    if ((permissions & S_IXGRP) || !may_keep) permissions &= ~u32{S_ISGID};
    return permissions;
}

Result<> Vfs::change_mode(Inode& inode, Credentials const& who, u32 permissions) {
    if (inode.type() == FileType::Symlink) return fail(EOPNOTSUPP);
    return inode.change_by([&](Ownership const& now) -> Result<AttributeChange> {
        if (!is_owner(now, who)) return fail(EPERM);
        AttributeChange change;
        change.set_permissions = true;
        change.permissions = permissions;
        if (!who.is_superuser() && !who.in_group(now.gid)) change.permissions &= ~u32{S_ISGID};
        return change;
    });
}

namespace {

/// chown(2): may `who` give the file, owned as in `now`, to these? -1: leave that one.
Result<> may_give(Ownership const& now, Credentials const& who, i64 uid, i64 gid) {
    if (who.is_superuser()) return {};
    bool const mine = who.fs_uid == now.uid;
    if (uid != -1 && (!mine || UserId(static_cast<u32>(uid)) != now.uid)) return fail(EPERM);
    GroupId const wanted(static_cast<u32>(gid));
    if (gid != -1 && (!mine || (wanted != now.gid && !who.in_group(wanted)))) return fail(EPERM);
    return {};
}

}

Result<> Vfs::change_owner(Inode& inode, Credentials const& who, i64 uid, i64 gid) {
    return inode.change_by([&](Ownership const& now) -> Result<AttributeChange> {
        TRY(may_give(now, who, uid, gid));
        AttributeChange change;
        change.set_uid = uid != -1;
        change.uid = UserId(static_cast<u32>(uid));
        change.set_gid = gid != -1;
        change.gid = GroupId(static_cast<u32>(gid));
        // chown(2): setuid goes away, and so does setgid where it means execution or the caller could not have set it.
        if (now.type != FileType::Directory) {
            change.permissions = without_privilege_bits(now, who);
            change.set_permissions = change.permissions != now.permissions;
            if (change.set_permissions && !is_owner(now, who)) return fail(EPERM);   // even where nothing else is asked for
        }
        return change;
    });
}

Result<> Vfs::change_times(Inode& inode, Credentials const& who, TimeChange accessed_kind, Timestamp accessed, TimeChange modified_kind,
                           Timestamp modified) {
    if (accessed_kind == TimeChange::Omit && modified_kind == TimeChange::Omit) return {};
    bool const both_now = accessed_kind == TimeChange::Now && modified_kind == TimeChange::Now;
    auto const present = current_time();
    return inode.change_by([&](Ownership const& now) -> Result<AttributeChange> {
        if (!is_owner(now, who)) {
            if (!both_now) return fail(EPERM);
            TRY(permission(now, who, may_write));
        }
        AttributeChange change;
        change.set_accessed = accessed_kind != TimeChange::Omit;
        change.accessed = accessed_kind == TimeChange::Now ? present : accessed;
        change.set_modified = modified_kind != TimeChange::Omit;
        change.modified = modified_kind == TimeChange::Now ? present : modified;
        return change;
    });
}

Result<> may_leave_times(Inode const& inode, Credentials const& who) {
    return is_owner(inode.ownership(), who) ? Result<>() : fail(EPERM);
}

Result<> may_remove(Inode const& directory, Inode const& victim, Credentials const& who) {
    if (!directory.stores_names()) return fail(EPERM);
    auto const owner = directory.ownership();
    TRY(permission(owner, who, may_write | may_execute));
    if (!(owner.permissions & S_ISVTX) || who.is_superuser()) return {};
    if (who.fs_uid == owner.uid || who.fs_uid == victim.ownership().uid) return {};
    return fail(EPERM);
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
