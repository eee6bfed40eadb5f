// SPDX-License-Identifier: MIT
// Calls that find and open: resolve, open, readlink, truncate. A regular file counts as written from before its bytes may
// change until the descriptor is gone, so that it is never executed during that time.
#include "kernel/fs/vfs.h"

#include <linux/fcntl.h>
#include <sys/stat.h>

#include "kernel/fs/name_operations.h"
#include "kernel/fs/path_walk.h"
#include "kernel/fs/protections.h"
#include "kernel/fs/tree_edit.h"

namespace fs {

MM_OBJECT_CACHE_DEFINE(SharedContext)

constinit Vfs vfs;

Ref<Dentry> Vfs::root() const { return Ref<Dentry>::share(root_); }

FsContext Vfs::root_context() const { return {root(), root(), 022}; }

Result<Ref<Dentry>> Vfs::resolve(Walk const& walk, std::string_view path) {
    PathWalker walker(walk, path);
    return walker.to_end(walk.follow);
}

namespace {

u32 access_mask(u32 flags) {
    constexpr u32 masks[] = {may_read, may_write, may_read | may_write, may_read | may_write};
    u32 const mask = masks[flags & O_ACCMODE];
    return flags & O_TRUNC ? mask | may_write : mask;
}

/// A hold on a regular file against execve(2): taken before its bytes may change.
class WriterHold {
public:
    WriterHold() = default;
    WriterHold(WriterHold const&) = delete;
    ~WriterHold() { if (inode_) inode_->end_writing(); }
    /// ETXTBSY: a program runs from it.
    Result<> take(Inode& inode) {
        if (!inode.begin_writing()) return fail(ETXTBSY);
        inode_ = &inode;
        return {};
    }
    /// From now on the file ends it.
    void pass_to(File& file) {
        inode_ = nullptr;
        file.set_counted_writer();
    }
private:
    Inode* inode_ = nullptr;
};

bool opens_for_writing(u32 flags) { return (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR; }

/// Opens and, with O_TRUNC, truncates, which needs the hold even if the descriptor only reads.
Result<Ref<File>> open_inode(Dentry& dentry, Credentials const& who, u32 flags) {
    Inode& inode = dentry.file();
    bool const is_regular = inode.type() == FileType::Regular;
    bool const truncates = is_regular && (flags & O_TRUNC);
    WriterHold hold;
    if (truncates || (is_regular && opens_for_writing(flags))) TRY(hold.take(inode));
    if (flags & O_DIRECT) return fail(EINVAL);   // no file system here has a way around memory
    auto file = TRY(open_file(dentry, who, flags));
    if (who.is_superuser()) file->set_privilege(OpenerPrivilege::Superuser);
    if (truncates) TRY(inode.truncate(0));
    if (is_regular && opens_for_writing(flags)) hold.pass_to(*file);
    return file;
}

/// open(2) with O_CREAT: the file, and whether it is new (then no rights are asked of it).
struct Created { Ref<Dentry> dentry; bool is_new; };

Result<Created> find_or_create(Walk const& walk, std::string_view path, u32 flags, u32 mode) {
    PathWalker walker(walk, path);
    TRY(walker.to_last());
    for (;;) {
        if (walker.last() != PathWalker::Last::Name) return fail(flags & O_EXCL ? EEXIST : EISDIR);
        if (walker.has_trailing_slash()) return fail(EISDIR);
        auto found = walker.find();
        if (!found) {
            if (found.error() != Errno(ENOENT)) return fail(found.error());
            auto const file = describe_new_file(walker.directory().file(), walk, FileType::Regular, mode);
            auto created = create_in(walker.directory(), walker.name(), walk.credentials, file);
            if (created) return Created{std::move(*created), true};
            if (created.error() != Errno(EEXIST)) return fail(created.error());
            continue;   // another caller has made it in between
        }
        if (flags & O_EXCL) return fail(EEXIST);
        if ((*found)->file().is_directory()) return fail(EISDIR);
        if ((*found)->file().type() != FileType::Symlink) {
            TRY(may_open_in_place_of_new((*found)->file(), walker.directory().file().ownership(), walk.credentials));
            return Created{std::move(*found), false};
        }
        if (flags & O_NOFOLLOW) return fail(ELOOP);
        if (auto target = TRY(walker.follow_last(**found))) return Created{std::move(target), false};
        TRY(walker.to_last());
    }
}

/// O_TMPFILE: a file without a name in the directory `path`.
Result<Ref<File>> open_nameless(Walk const& walk, std::string_view path, u32 flags, u32 mode) {
    if (!(access_mask(flags) & may_write)) return fail(EINVAL);
    PathWalker walker(walk, path);
    auto const directory = TRY(walker.to_end(FollowLast::Yes));
    Inode& inode = directory->file();
    if (!inode.is_directory()) return fail(ENOTDIR);
    if (!inode.names()) return fail(EOPNOTSUPP);
    TRY(permission(inode, walk.credentials, may_write | may_execute));
    auto const file = describe_new_file(inode, walk, FileType::Regular, mode);
    auto const dentry = TRY(TreeEdit::enter_nowhere(*directory, TRY(inode.make_child(file))));
    if (!(flags & O_EXCL)) TreeEdit::allow_first_name(dentry->file());
    return open_inode(*dentry, walk.credentials, flags);
}

}

Result<Ref<File>> Vfs::open(Walk const& walk, std::string_view path, u32 flags, u32 mode) {
    if (flags & O_PATH) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    else if (flags & __O_TMPFILE) return (flags & O_TMPFILE) == O_TMPFILE && !(flags & O_CREAT) ? open_nameless(walk, path, flags, mode) : fail(EINVAL);
    if (flags & O_CREAT) {
        if (flags & O_DIRECTORY) return fail(EINVAL);
        auto const created = TRY(find_or_create(walk, path, flags, mode));
        if (created.is_new) return open_inode(*created.dentry, walk.credentials, flags & ~u32{O_TRUNC});
        if (created.dentry->file().is_directory()) return fail(EISDIR);
        return open_dentry(*created.dentry, walk.credentials, flags);
    }
    PathWalker walker(walk, path);
    auto const found = TRY(walker.to_end(flags & O_NOFOLLOW ? FollowLast::No : walk.follow));
    return open_dentry(*found, walk.credentials, flags);
}

Result<Ref<File>> Vfs::open_dentry(Dentry& dentry, Credentials const& who, u32 flags) {
    Inode& inode = dentry.file();
    if ((flags & O_DIRECTORY) && !inode.is_directory()) return fail(ENOTDIR);
    if (flags & O_PATH) return open_path_only(dentry, flags);
    if (inode.type() == FileType::Symlink) return fail(ELOOP);
    u32 const mask = access_mask(flags);
    if (inode.is_directory() && (mask & may_write)) return fail(EISDIR);
    TRY(permission(inode, who, mask));
    bool const is_device = inode.type() == FileType::CharacterDevice || inode.type() == FileType::BlockDevice;
    if (is_device && inode.file_system().flags().has(MountFlags::nodev)) return fail(EACCES);
    if (flags & O_NOATIME) TRY(may_leave_times(inode, who));
    return open_inode(dentry, who, flags);
}

Result<size_t> Vfs::read_link(Walk const& walk, std::string_view path, std::span<char> out) {
    PathWalker walker(walk, path);
    auto const found = TRY(walker.to_end(FollowLast::No));
    return read_link(*found, *walk.context.root, out);
}

Result<size_t> Vfs::read_link(Dentry& dentry, Dentry const& root, std::span<char> out) {
    Inode& inode = dentry.file();
    if (inode.type() != FileType::Symlink) return fail(EINVAL);
    inode.touch_accessed();
    auto const magic = TRY(inode.magic_target());
    if (!magic) return inode.read_link(out);
    auto const buffer = TRY(mm::Buffer::allocate(path_max));
    auto const text = TRY(magic->path(root, {buffer.chars(), path_max}, true));
    return text.copy(out.data(), out.size());
}

Result<> Vfs::truncate(Walk const& walk, std::string_view path, u64 size) {
    auto const found = TRY(resolve(walk, path));
    Inode& inode = found->file();
    if (inode.is_directory()) return fail(EISDIR);
    if (inode.type() != FileType::Regular) return fail(EINVAL);
    TRY(permission(inode, walk.credentials, may_write));
    WriterHold hold;
    TRY(hold.take(inode));
    return inode.truncate(size);
}

}
