// SPDX-License-Identifier: MIT
// Names: mkdir(2) rmdir(2) mknod(2) link(2) symlink(2) unlink(2) rename(2) readlink(2)
// chdir(2) getcwd(2) getdents(2), and the *at() forms.
#include <algorithm>
#include <cstring>

#include <linux/fs.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/flags.h"

namespace syscall {

constexpr Fd here(AT_FDCWD);

Result<> sys_mkdirat(Caller& caller, Fd directory, UserAddr path_address, u32 mode) {
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    auto const place = TRY(Place::at(caller, directory, path));
    return fs::vfs.make_directory(place.walk(), path, mode);
}
Result<> sys_mkdir(Caller& caller, UserAddr path, u32 mode) { return sys_mkdirat(caller, here, path, mode); }

Result<> sys_mknodat(Caller& caller, Fd directory, UserAddr path_address, u32 mode, u32 device) {
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    auto const place = TRY(Place::at(caller, directory, path));
    return fs::vfs.make_node(place.walk(), path, mode, device);
}
Result<> sys_mknod(Caller& caller, UserAddr path, u32 mode, u32 device) { return sys_mknodat(caller, here, path, mode, device); }

Result<> sys_unlinkat(Caller& caller, Fd directory, UserAddr path_address, u32 flags) {
    TRY(accepted::unlinkat.check(flags));
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    auto const place = TRY(Place::at(caller, directory, path));
    if (flags & AT_REMOVEDIR) return fs::vfs.remove_directory(place.walk(), path);
    return fs::vfs.unlink(place.walk(), path);
}
Result<> sys_unlink(Caller& caller, UserAddr path) { return sys_unlinkat(caller, here, path, 0); }
Result<> sys_rmdir(Caller& caller, UserAddr path) { return sys_unlinkat(caller, here, path, AT_REMOVEDIR); }

Result<> sys_renameat2(Caller& caller, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags) {
    TRY(accepted::renameat2.check(flags));
    if (flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)) return fail(EINVAL);
    UserPath from_buffer, to_buffer;
    auto const from = TRY(from_buffer.read(from_address));
    auto const to = TRY(to_buffer.read(to_address));
    auto const from_place = TRY(Place::at(caller, from_directory, from));
    auto const to_place = TRY(Place::at(caller, to_directory, to));
    return fs::vfs.rename(from_place.walk(), from, to_place.walk(), to, flags);
}
Result<> sys_renameat(Caller& caller, Fd from_directory, UserAddr from, Fd to_directory, UserAddr to) {
    return sys_renameat2(caller, from_directory, from, to_directory, to, 0);
}
Result<> sys_rename(Caller& caller, UserAddr from, UserAddr to) { return sys_renameat2(caller, here, from, here, to, 0); }

Result<> sys_linkat(Caller& caller, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags) {
    TRY(accepted::linkat.check(flags));
    // Else everyone could give a name to a file that they were handed open, and keep it.
    if ((flags & AT_EMPTY_PATH) && !caller.process.credentials.is_superuser()) return fail(ENOENT);
    u32 const how = (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
    auto from = TRY(resolve_at(caller, from_directory, from_address, how));
    UserPath buffer;
    auto const to = TRY(buffer.read(to_address));
    auto const place = TRY(Place::at(caller, to_directory, to));
    return fs::vfs.link_dentry(*from, place.walk(), to);
}
Result<> sys_link(Caller& caller, UserAddr from, UserAddr to) { return sys_linkat(caller, here, from, here, to, 0); }

Result<> sys_symlinkat(Caller& caller, UserAddr target_address, Fd directory, UserAddr path_address) {
    UserPath target_buffer, path_buffer;
    auto const target = TRY(target_buffer.read(target_address));
    auto const path = TRY(path_buffer.read(path_address));
    auto const place = TRY(Place::at(caller, directory, path));
    return fs::vfs.make_symlink(place.walk(), target, path);
}
Result<> sys_symlink(Caller& caller, UserAddr target, UserAddr path) { return sys_symlinkat(caller, target, here, path); }

Result<size_t> sys_readlinkat(Caller& caller, Fd directory, UserAddr path_address, UserAddr out, i32 size) {
    if (size <= 0) return fail(EINVAL);
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    auto text = TRY(mm::Buffer::allocate(path_capacity));
    std::span<char> const room(text.chars(), std::min<size_t>(static_cast<size_t>(size), path_capacity));
    size_t length = 0;
    if (path.empty()) {
        auto file = TRY(file_of(caller, directory));
        if (!file->dentry()) return fail(ENOENT);
        length = TRY(fs::vfs.read_link(*file->dentry(), *Place::here(caller).context().root, room));
    } else {
        auto const place = TRY(Place::at(caller, directory, path));
        length = TRY(fs::vfs.read_link(place.walk(fs::FollowLast::No), path, room));
    }
    TRY(mm::UserPtr<char>(out).write_array({text.chars(), length}));
    return length;
}
Result<size_t> sys_readlink(Caller& caller, UserAddr path, UserAddr out, i32 size) { return sys_readlinkat(caller, here, path, out, size); }

namespace {

Result<> enter(Caller& caller, Ref<fs::Dentry> directory, Ref<fs::Dentry> fs::FsContext::* member) {
    auto inode = directory->inode();
    if (!inode->is_directory()) return fail(ENOTDIR);
    TRY(fs::permission(*inode, caller.process.credentials, fs::may_execute));
    caller.thread.names->set(member, std::move(directory));
    return {};
}

}

Result<> sys_chdir(Caller& caller, UserAddr path) {
    return enter(caller, TRY(resolve_at(caller, here, path, 0)), &fs::FsContext::working_directory);
}

Result<> sys_fchdir(Caller& caller, Fd fd) {
    auto file = TRY(file_of(caller, fd));
    if (!file->dentry()) return fail(ENOTDIR);
    return enter(caller, Ref<fs::Dentry>::share(file->dentry()), &fs::FsContext::working_directory);
}

Result<> sys_chroot(Caller& caller, UserAddr path) {
    auto directory = TRY(resolve_at(caller, here, path, 0));
    if (!directory->inode()->is_directory()) return fail(ENOTDIR);
    TRY(fs::permission(*directory->inode(), caller.process.credentials, fs::may_execute));
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    return enter(caller, std::move(directory), &fs::FsContext::root);
}

Result<size_t> sys_getcwd(Caller& caller, UserAddr out, u64 size) {
    auto text = TRY(mm::Buffer::allocate(path_capacity));
    auto const place = Place::here(caller);
    auto const& context = place.context();
    if (context.working_directory->is_unlinked()) return fail(ENOENT);
    auto const path = TRY(context.working_directory->path(*context.root, {text.chars(), path_capacity - 1}, false, true));
    if (path.size() + 1 > size) return fail(ERANGE);
    char const end = 0;
    TRY(mm::UserPtr<char>(out).write_array({path.data(), path.size()}));
    TRY(mm::UserPtr<char>(out + path.size()).write(end));
    return path.size() + 1;
}

namespace {

/// struct linux_dirent64 of getdents64(2), straight into the program's buffer.
class DirentSink final : public fs::DirectorySink {
public:
    DirentSink(Caller const& caller, UserAddr out, u64 size) : caller_(caller), out_(out), size_(size) {}
    bool add(fs::DirectoryEntry const& entry) override {
        u64 const length = align_up(header_size + entry.name.size() + 1, 8);
        if (length > size_ - used_) return error_ = EINVAL, false;
        if (used_ && caller_.thread.has_signal()) return false;
        if (!put(entry, length)) return error_ = EFAULT, false;
        used_ += length;
        return true;
    }
    /// What was written counts, whatever error followed: the next listing continues after it.
    Result<size_t> result() const {
        if (error_ && used_ == 0) return fail(error_);
        return used_;
    }
private:
    static constexpr u64 header_size = 19;
    bool put(fs::DirectoryEntry const& entry, u64 length) {
        std::byte record[header_size + 256 + 8] = {};
        u64 const next = entry.next_offset;
        u16 const short_length = static_cast<u16>(length);
        u8 const type = static_cast<u8>(fs::mode_of(entry.type) >> 12);
        std::memcpy(record, &entry.inode, 8);
        std::memcpy(record + 8, &next, 8);
        std::memcpy(record + 16, &short_length, 2);
        std::memcpy(record + 18, &type, 1);
        std::memcpy(record + header_size, entry.name.data(), entry.name.size());
        return arch::copy_to_user(out_ + used_, record, length) == 0;
    }
    Caller const& caller_;
    UserAddr out_;
    u64 size_, used_ = 0;
    int error_ = 0;
};

}

Result<size_t> sys_getdents64(Caller& caller, Fd fd, UserAddr out, u32 size) {
    auto file = TRY(usable_file(caller, fd));
    DirentSink sink(caller, out, size);
    auto const listed = file->list(sink);
    auto const result = sink.result();
    if (!result || *result) return result;
    if (!listed) return fail(listed.error());
    return result;
}

}
