// SPDX-License-Identifier: MIT
// Calls that make and remove names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
#include "kernel/fs/name_operations.h"

#include <linux/fs.h>
#include <sys/stat.h>

#include "kernel/fs/path_walk.h"
#include "kernel/fs/protections.h"
#include "kernel/fs/tree_edit.h"

namespace fs {

NewFile describe_new_file(Inode const& directory, Walk const& walk, FileType type, u32 mode) {
    NewFile file;
    file.type = type;
    file.permissions = type == FileType::Symlink ? 0777 : mode & 07777 & ~walk.context.umask;
    file.uid = walk.credentials.fs_uid;
    file.gid = walk.credentials.fs_gid;
    auto const owner = directory.ownership();
    if (owner.permissions & S_ISGID) {
        file.gid = owner.gid;
        bool const mine = walk.credentials.is_superuser() || walk.credentials.in_group(file.gid);
        if (type == FileType::Directory) file.permissions |= S_ISGID;
        else if ((file.permissions & S_IXGRP) && !mine) file.permissions &= ~u32{S_ISGID};
    }
    return file;
}

Result<Ref<Dentry>> create_in(Dentry& directory, std::string_view name, Credentials const& who, NewFile const& file) {
    Inode& parent = directory.file();
    if (!parent.names()) return fail(ENOENT);
    TRY(permission(parent, who, may_write | may_execute));
    return TreeEdit::enter(directory, name, TRY(parent.make_child(file)), who);
}

namespace {

/// Walks to a name that shall not exist yet. EEXIST.
Result<> walk_to_new(PathWalker& walker, FileType type) {
    TRY(walker.to_last());
    if (walker.last() != PathWalker::Last::Name) return fail(EEXIST);
    auto const found = walker.find();
    if (found) return fail(EEXIST);
    if (found.error() != Errno(ENOENT)) return fail(found.error());
    if (walker.has_trailing_slash() && type != FileType::Directory) return fail(ENOENT);
    return {};
}

Result<> make(Walk const& walk, std::string_view path, FileType type, u32 mode, u64 rdev, std::string_view target) {
    PathWalker walker(walk, path);
    TRY(walk_to_new(walker, type));
    NewFile file = describe_new_file(walker.directory().file(), walk, type, mode);
    file.rdev = rdev;
    file.target = target;
    // A character device 0:0 opens as nothing: overlays mark with it what is gone.
    bool const device = type == FileType::BlockDevice || (type == FileType::CharacterDevice && rdev != 0);
    if (device && !walk.credentials.is_superuser()) {
        TRY(permission(walker.directory().file(), walk.credentials, may_write | may_execute));
        return fail(EPERM);
    }
    TRY(create_in(walker.directory(), walker.name(), walk.credentials, file));
    return {};
}

}

Result<> Vfs::make_directory(Walk const& walk, std::string_view path, u32 mode) {
    return make(walk, path, FileType::Directory, mode & 01777, 0, {});
}

Result<> Vfs::make_node(Walk const& walk, std::string_view path, u32 mode_with_type, u64 rdev) {
    u32 const format = mode_with_type & S_IFMT;
    auto const type = type_of_mode(mode_with_type);
    if (format == S_IFDIR) return fail(EPERM);
    if (format != 0 && mode_of(type) != format) return fail(EINVAL);
    if (type == FileType::Symlink) return fail(EINVAL);
    bool const device = type == FileType::CharacterDevice || type == FileType::BlockDevice;
    return make(walk, path, type, mode_with_type, device ? rdev : 0, {});
}

Result<> Vfs::make_symlink(Walk const& walk, std::string_view target, std::string_view path) {
    if (target.empty()) return fail(ENOENT);
    if (target.size() >= path_max) return fail(ENAMETOOLONG);
    return make(walk, path, FileType::Symlink, 0777, 0, target);
}

Result<> Vfs::link(Walk const& from_walk, std::string_view from, Walk const& to_walk, std::string_view to) {
    PathWalker walker(from_walk, from);
    auto const source = TRY(walker.to_end(from_walk.follow));
    return link_dentry(*source, to_walk, to);
}

Result<> Vfs::link_dentry(Dentry& from, Walk const& to_walk, std::string_view to) {
    Inode& inode = from.file();
    PathWalker walker(to_walk, to);
    TRY(walk_to_new(walker, FileType::Regular));
    Inode& directory = walker.directory().file();
    if (&directory.file_system() != &inode.file_system()) return fail(EXDEV);
    TRY(may_link(inode, to_walk.credentials));
    if (!directory.names() || !inode.file_system().allows_new_names()) return fail(EPERM);
    TRY(permission(directory, to_walk.credentials, may_write | may_execute));
    if (inode.is_directory()) return fail(EPERM);
    return TreeEdit::link(walker.directory(), walker.name(), from.inode(), to_walk.credentials);
}

Result<> Vfs::unlink(Walk const& walk, std::string_view path) {
    PathWalker walker(walk, path);
    TRY(walker.to_last());
    if (walker.last() != PathWalker::Last::Name) return fail(EISDIR);
    auto const victim = TRY(walker.find());
    if (walker.has_trailing_slash()) return fail(victim->file().is_directory() ? EISDIR : ENOTDIR);
    TRY(may_remove(walker.directory().file(), victim->file(), walk.credentials));
    if (victim->file().is_directory()) return fail(EISDIR);
    return TreeEdit::remove(walker.directory(), *victim, walk.credentials);
}

Result<> Vfs::remove_directory(Walk const& walk, std::string_view path) {
    PathWalker walker(walk, path);
    TRY(walker.to_last());
    switch (walker.last()) {
    case PathWalker::Last::Dot: return fail(EINVAL);
    case PathWalker::Last::DotDot: return fail(ENOTEMPTY);
    case PathWalker::Last::Root: return fail(EBUSY);
    case PathWalker::Last::Name: break;
    }
    auto const victim = TRY(walker.find());
    if (victim->is_root()) return fail(EBUSY);   // a mount is on it
    TRY(may_remove(walker.directory().file(), victim->file(), walk.credentials));
    if (!victim->file().is_directory()) return fail(ENOTDIR);
    return TreeEdit::remove(walker.directory(), *victim, walk.credentials);
}

namespace {

/// rename(2) once; ESTALE: names changed under it.
Result<> rename_once(Walk const& from_walk, std::string_view from, Walk const& to_walk, std::string_view to, u32 flags) {
    PathWalker source_walk(from_walk, from), target_walk(to_walk, to);
    TRY(source_walk.to_last());
    TRY(target_walk.to_last());
    Inode& from_inode = source_walk.directory().file();
    Inode& to_inode = target_walk.directory().file();
    if (&from_inode.file_system() != &to_inode.file_system()) return fail(EXDEV);
    if (source_walk.last() != PathWalker::Last::Name) return fail(EBUSY);
    if (target_walk.last() != PathWalker::Last::Name) return fail(flags & RENAME_NOREPLACE ? EEXIST : EBUSY);
    auto const source = TRY(source_walk.find());
    auto target = target_walk.find();
    if (!target && target.error() != Errno(ENOENT)) return fail(target.error());
    Dentry* const replaced = target ? target->get() : nullptr;
    if (replaced && (flags & RENAME_NOREPLACE)) return fail(EEXIST);
    if (!replaced && (flags & RENAME_EXCHANGE)) return fail(ENOENT);
    bool const is_directory = source->file().is_directory();
    if (!is_directory && source_walk.has_trailing_slash()) return fail(ENOTDIR);
    if (!is_directory && !(flags & RENAME_EXCHANGE) && target_walk.has_trailing_slash()) return fail(ENOTDIR);
    if (source->is_root() || (replaced && replaced->is_root())) return fail(EBUSY);
    if (replaced && &replaced->file() == &source->file()) return {};
    if (!from_inode.file_system().allows_new_names()) return fail(EPERM);
    TRY(may_remove(from_inode, source->file(), from_walk.credentials));
    if (replaced) TRY(may_remove(to_inode, replaced->file(), to_walk.credentials));
    else if (!to_inode.names()) return fail(ENOENT);
    else TRY(permission(to_inode, to_walk.credentials, may_write | may_execute));
    if (replaced && !(flags & RENAME_EXCHANGE)) {
        if (is_directory && !replaced->file().is_directory()) return fail(ENOTDIR);
        if (!is_directory && replaced->file().is_directory()) return fail(EISDIR);
    }
    auto const kind = flags & RENAME_EXCHANGE ? RenameKind::Exchange : flags & RENAME_NOREPLACE ? RenameKind::NoReplace : RenameKind::Replace;
    TreeEdit::Move const move{source_walk.directory(), *source, target_walk.directory(), target_walk.name(), replaced, kind, from_walk.credentials};
    TRY(TreeEdit::may_move(move));
    return TreeEdit::move(move);
}

}

Result<> Vfs::rename(Walk const& from_walk, std::string_view from, Walk const& to_walk, std::string_view to, u32 flags) {
    if (flags & ~u32{RENAME_NOREPLACE | RENAME_EXCHANGE}) return fail(EINVAL);
    if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE)) return fail(EINVAL);
    for (;;) {
        auto const done = rename_once(from_walk, from, to_walk, to, flags);
        if (done || done.error() != Errno(ESTALE)) return done;
    }
}

}
