// SPDX-License-Identifier: MIT
// The steps that many handlers share: paths, descriptors, limits, times. Nothing here acts before all of it is checked.
#include "kernel/syscall/arguments.h"

#include <algorithm>

#include <asm/resource.h>

namespace syscall {

Result<std::string_view> UserPath::read(UserAddr from) {
    i64 const length = arch::copy_string_from_user(short_, from, sizeof short_);
    if (length < 0) return fail(EFAULT);
    if (static_cast<size_t>(length) < sizeof short_) return std::string_view(short_, static_cast<size_t>(length));
    long_ = TRY(mm::Buffer::allocate(path_capacity));
    return mm::read_user_string(from, {long_.chars(), path_capacity}, ENAMETOOLONG);
}

Place::Place(Caller& caller) : context_(caller.thread.names->copy()), credentials_(caller.process.credentials) {}

Result<Place> Place::at(Caller& caller, Fd directory, std::string_view path) {
    if (path.empty()) return fail(ENOENT);
    Place place(caller);
    if (directory.value == AT_FDCWD || path.starts_with('/')) return place;
    auto file = TRY(file_of(caller, directory));
    if (!file->dentry() || !file->inode()->is_directory()) return fail(ENOTDIR);
    place.base_ = Ref<fs::Dentry>::share(file->dentry());
    return place;
}

Result<Ref<fs::Dentry>> resolve_at(Caller& caller, Fd directory, UserAddr path_address, u32 at_flags) {
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    if (path.empty() && (at_flags & AT_EMPTY_PATH)) {
        if (directory.value == AT_FDCWD) return Place::here(caller).context().working_directory;
        auto file = TRY(file_of(caller, directory));
        if (!file->dentry()) return fail(EBADF);
        return Ref<fs::Dentry>::share(file->dentry());
    }
    auto const place = TRY(Place::at(caller, directory, path));
    return fs::vfs.resolve(place.walk(at_flags & AT_SYMLINK_NOFOLLOW ? fs::FollowLast::No : fs::FollowLast::Yes), path);
}

Result<Ref<fs::File>> usable_file(Caller& caller, Fd fd) {
    auto file = TRY(file_of(caller, fd));
    if (file->is_path_only()) return fail(EBADF);
    return file;
}

u32 descriptor_limit(Caller& caller) {
    return static_cast<u32>(std::min<u64>(caller.process.limits[RLIMIT_NOFILE].soft, 1u << 20));
}

Result<> add_pair(Caller& caller, std::pair<Ref<fs::File>, Ref<fs::File>> const& ends, u32 flags, mm::UserPtr<i32> out) {
    auto& table = *caller.thread.descriptors;
    u32 const limit = descriptor_limit(caller);
    Fd const first = TRY(table.add(ends.first, close_on_exec_of(flags), limit));
    auto const second = table.add(ends.second, close_on_exec_of(flags), limit);
    i32 const numbers[2] = {first.value, second ? second->value : -1};
    if (second && out.write_array(numbers)) return {};
    table.close_if(first, *ends.first);
    if (!second) return fail(second.error());
    table.close_if(*second, *ends.second);
    return fail(EFAULT);
}

}
