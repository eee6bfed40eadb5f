// SPDX-License-Identifier: MIT
// What handlers share: a path argument, the place it is resolved from, descriptors, and
// the widest transfer that Linux makes in one call.
#pragma once

#include <linux/fcntl.h>

#include "kernel/fs/vfs.h"
#include "kernel/syscall/caller.h"
#include "mm/heap.h"

namespace syscall {

inline constexpr u64 max_transfer = 0x7ffff000;      ///< read(2): MAX_RW_COUNT
inline constexpr size_t path_capacity = 4096;        ///< PATH_MAX, with its NUL

/// A path from a program's memory: short ones on the stack, long ones on the heap.
class UserPath {
public:
    /// EFAULT ENAMETOOLONG ENOMEM.
    Result<std::string_view> read(UserAddr from);
private:
    char short_[128];
    mm::Buffer long_;
};

/// Where a path of this call is resolved from, and for whom.
class Place {
public:
    /// `directory`: a descriptor, or AT_FDCWD; not looked at if `path` is absolute. ENOENT (empty) EBADF ENOTDIR.
    static Result<Place> at(Caller& caller, Fd directory, std::string_view path);
    static Place here(Caller& caller) { return Place(caller); }
    fs::Walk walk(fs::FollowLast follow = fs::FollowLast::Yes) const {
        return {context_, credentials_, base_.get(), follow, false};
    }
    fs::FsContext const& context() const { return context_; }
private:
    explicit Place(Caller& caller);
    fs::FsContext context_;
    fs::Credentials const& credentials_;
    Ref<fs::Dentry> base_;
};

/// A path of an *at() call and the file it names. With AT_EMPTY_PATH and an empty path: the descriptor's own.
Result<Ref<fs::Dentry>> resolve_at(Caller& caller, Fd directory, UserAddr path, u32 at_flags);

inline fs::CloseOnExec close_on_exec_of(u32 flags) { return flags & O_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No; }

/// Descriptors for both ends of a pipe or socket pair, written to `out`; O_CLOEXEC of `flags`. EMFILE EFAULT: neither is left.
Result<> add_pair(Caller& caller, std::pair<Ref<fs::File>, Ref<fs::File>> const& ends, u32 flags, mm::UserPtr<i32> out);

inline Result<Ref<fs::File>> file_of(Caller& caller, Fd fd) { return caller.thread.descriptors->get(fd); }
/// As file_of, but a descriptor opened with O_PATH is EBADF.
Result<Ref<fs::File>> usable_file(Caller& caller, Fd fd);

/// RLIMIT_NOFILE.
u32 descriptor_limit(Caller& caller);

/// An interrupted call that SA_RESTART restarts.
template <class T>
Result<T> restartable(Result<T> result) {
    if (!result && result.error() == Errno(EINTR)) return fail(restart_sys);
    return result;
}

}
